"""Third stage: which muscle shows an action unit (after the muscular basis in `facs/tables/action_units.csv`)."""

from __future__ import annotations

from collections.abc import Callable

from fervlm.vision import muscles_lower as lower
from fervlm.vision import muscles_upper as upper
from fervlm.vision.draw_shape import Shape
from fervlm.vision.muscle import Muscle

BEHIND_JAW = frozenset({"platysma", "digastric"})
"""Muscles drawn before the outline of the head, which covers their upper ends."""

MUSCLES: dict[int, Callable[[Shape], Muscle]] = {
    1: upper.frontalis_medial,
    2: upper.frontalis_lateral,
    4: upper.corrugator,
    5: upper.levator_palpebrae,
    6: upper.orbital,
    7: upper.palpebral,
    8: lower.orbicularis_oris,
    9: upper.alaeque,
    10: lower.levator_labii,
    11: lower.zygomaticus_minor,
    12: lower.zygomaticus_major,
    13: lower.levator_anguli,
    14: lower.buccinator,
    15: lower.depressor_anguli,
    16: lower.depressor_labii,
    17: lower.mentalis,
    18: lower.orbicularis_oris,
    19: lower.tongue,
    20: lower.risorius,
    21: lower.platysma,
    22: lower.orbicularis_oris,
    23: lower.orbicularis_oris,
    24: lower.orbicularis_oris,
    25: lower.depressor_labii,
    26: lower.masseter,
    27: lower.digastric,
    28: lower.orbicularis_oris,
    29: lower.pterygoids,
    30: lower.pterygoids,
    31: lower.masseter,
    32: lower.masseter,
    33: lower.cheek,
    34: lower.cheek,
    35: lower.cheek,
    36: lower.cheek,
    37: lower.tongue,
    38: upper.dilator,
    39: upper.compressor,
    41: upper.levator_palpebrae,
    42: upper.palpebral,
    43: upper.palpebral,
    44: upper.palpebral,
    45: upper.palpebral,
    46: upper.palpebral,
}
"""The muscle drawn for an action unit; head and gaze codes have none."""
