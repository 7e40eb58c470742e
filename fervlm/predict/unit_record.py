"""A model's action unit logits as an `AURecord`, so that reasoning and verification work on a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fervlm.checkpoint import Manifest
from fervlm.facs.units import not_measured_by
from fervlm.records import AUReading, AURecord, Box, Detector, Quality, Source


@dataclass(frozen=True, slots=True)
class FacePlace:
    """Where a face stands.

    Attributes:
        file: the picture as the user named it.
        number: 1-based, largest first; None where the picture shows one face.
        box: in pixels of the upright file.
    """

    file: str
    number: int | None
    box: Box | None

    @property
    def id(self) -> str:
        """The picture's name, with the face's number where there are several."""
        return self.file if self.number is None else f"{self.file}#{self.number}"

    @property
    def face_id(self) -> str | None:
        """The number as a record tells it."""
        return None if self.number is None else str(self.number)


def unit_record(logits: Sequence[float], manifest: Manifest, place: FacePlace) -> AURecord:
    """What the head tells of one face.

    Args:
        logits: [A], in the order of the manifest's units.
        manifest: its calibration turns logits into probabilities (0 to 1), its thresholds into present or absent.
        place: which face.

    AUs that the head does not tell are `not_measured`; sides are not told; trust is low, since it learned from another
    detector's output.
    """
    readings = []
    for unit, logit in zip(manifest.units, logits, strict=True):
        line = unit.slope * float(logit) + unit.offset
        value = round(1 / (1 + math.exp(-max(-60.0, min(60.0, line)))), 4)
        present = value >= unit.threshold
        readings.append(
            AUReading(
                au=unit.au,
                state="present" if present else "absent",
                value=value,
                scale="probability",
                threshold=unit.threshold,
            )
        )
    return AURecord(
        id=place.id,
        source=Source(file=place.file),
        face_id=place.face_id,
        picture=place.file,
        box=place.box,
        detector=Detector(name=manifest.name, version=manifest.version, trust="low"),
        readings=tuple(readings),
        not_measured=not_measured_by(tuple(unit.au for unit in manifest.units)),
        quality=Quality(),
    )
