"""Valence, arousal and the pain score, each with where it comes from; estimates of what is shown, not of what is felt.

Valence and arousal: the mean of the class values in `tables/valence_arousal.csv` (engine defaults, rounded from the
word ratings of Russell & Mehrabian 1977), weighted by the squared support of the basic expressions and neutral, so that
the same face has the same values whatever label set it is asked in. Classes below half of the best one's support do not
count.

Pain: PSPI = AU4 + max(AU6, AU7) + max(AU9, AU10) + AU43 (Prkachin & Solomon 2008), only from true 0-5 intensities of
all five AUs. AU43 (0 or 1) joins in where it was measured; without it the largest reachable score is 15, not 16.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from fervlm.facs import tables
from fervlm.reasoning.prototypes import BASIC
from fervlm.records import AURecord

AFFECT_SOURCE = (
    "mean of the basic expressions' values (Russell & Mehrabian 1977, rounded), weighted by their support from the AUs"
)
PAIN_UNITS = (4, 6, 7, 9, 10)
_WANTED = frozenset({*PAIN_UNITS, 43})
CLASSES = (*BASIC, "neutral")


@dataclass(frozen=True, slots=True)
class Pain:
    """A PSPI score, or what is missing for one."""

    score: float | None
    ceiling: float | None
    """16 where AU43 was measured, else 15; None where there is no score."""
    missing: tuple[int, ...] = ()
    """AUs of the formula without a true intensity (AU43: without any reading)."""


@cache
def class_values() -> dict[str, tuple[float, float]]:
    """Class -> (valence, arousal), each -1 to 1; the engine defaults."""
    return {
        row["emotion"]: (float(row["valence"]), float(row["arousal"]))
        for row in tables.rows("valence_arousal")
        if row["kind"] == "engine_default"
    }


@cache
def _values() -> tuple[tuple[float, float], ...]:
    return tuple(class_values()[canonical] for canonical in CLASSES)


def valence_arousal(supports: tuple[float, ...]) -> tuple[float, float] | None:
    """Valence and arousal from the supports of `CLASSES`, in that order; None where nothing is supported."""
    floor = 0.5 * max(supports)
    if floor <= 0:
        return None
    total = valence = arousal = 0.0
    for support, (v, a) in zip(supports, _values(), strict=True):
        if support >= floor:
            weight = support * support
            total += weight
            valence += weight * v
            arousal += weight * a
    return round(valence / total, 3), round(arousal / total, 3)


def pain_score(record: AURecord) -> Pain:
    """PSPI of a record. An AU below presence counts 0, as does one that a human coder looked for and did not see."""
    values: dict[int, float] = {}
    human = record.detector.trust == "high"
    closed: float | None = None
    for reading in [reading for reading in record.readings if reading.au in _WANTED]:
        au = reading.au
        here = reading.state == "present"
        if au == 43:
            closed = 1.0 if here or closed else 0.0
        elif reading.scale == "intensity_0_5" or (human and not here):
            value = min(reading.value or 0.0, 5.0) if here else 0.0
            values[au] = max(values.get(au, 0.0), value)
    missing = tuple(au for au in PAIN_UNITS if au not in values)
    unseen = (*missing, 43) if closed is None else missing
    if missing:
        return Pain(None, None, unseen)
    score = values[4] + max(values[6], values[7]) + max(values[9], values[10]) + (closed or 0.0)
    return Pain(round(score, 2), 15.0 if closed is None else 16.0, unseen)
