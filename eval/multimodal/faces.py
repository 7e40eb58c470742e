"""Which faces are asked about: labelled validation faces that neither model was tuned on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from eval.benchmarks.pack_val import BENCHMARKS
from eval.item import Benchmark, Item
from eval.tuning import seen_in_tuning
from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from fervlm.mllm.manifest import MllmManifest
    from fervlm.mllm.talks import Talks


def chosen(talks: Talks, manifest: MllmManifest, labels: tuple[str, ...], count: int) -> list[Item]:
    """At most `count` faces with their evidence, in an order that only their names decide.

    Left out are the faces that the checkpoint's probabilities were fitted on, or that were looked at during its
    training, and those that the small picture model was calibrated on.

    Raises:
        FervlmError: none is left.
    """
    from fervlm.mllm.measure import spread  # noqa: PLC0415 - the other programs of eval do without torch

    told = manifest.training
    looked = sum(number for name in ("measured", "calibrated") if isinstance(number := told.get(name), int))
    known = manifest.labels
    # A checkpoint of another label set may have no face in common with this one's labels.
    used = set(spread(talks, looked, known)) if looked and any(name in known for name in talks.labels) else set()
    faces = [face for face in spread(talks, len(talks), labels) if face not in used]
    faces = [face for face in faces if not seen_in_tuning(talks.ids[face])][:count]
    if not faces:
        raise FervlmError("no validation face is left to measure on", hint="Give a larger set.")
    return [
        Item(
            id=talks.ids[face],
            data=talks.picture(face),
            label=str(talks.labels[face]),
            record=talks.evidence(face),
            crop=True,
        )
        for face in faces
    ]


def pack(labels: tuple[str, ...]) -> Benchmark:
    """Pack val with the labels asked for."""
    return replace(BENCHMARKS[0], labels=labels)
