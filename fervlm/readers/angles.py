"""Head and gaze angles in the convention of `records.Head`, and what they mean for the quality of a record.

Ours: pitch > 0 down, yaw > 0 towards the subject's left, roll > 0 tilted to the subject's left; an unmirrored picture
shows the subject's left on its right. Each reader states the signs of its tool and how they were found.
"""

from __future__ import annotations

from math import degrees
from typing import Literal

from fervlm.records import Gaze, Head, Quality, Tracking

Pose = Literal["frontal", "turned", "extreme"]
TURNED = 20.0
EXTREME = 40.0
"""Degrees of pitch or yaw. AU detectors are trained near frontal; beyond 40 degrees half of the face is hidden."""


def head(pitch: float | None, yaw: float | None, roll: float | None) -> Head:
    """A `Head` from degrees, rounded to hundredths."""
    return Head(pitch=_rounded(pitch), yaw=_rounded(yaw), roll=_rounded(roll))


def gaze_from_radians(x: float, y: float) -> Gaze:
    """A `Gaze` from radians in our convention."""
    return Gaze(x=_rounded(degrees(x)), y=_rounded(degrees(y)))


def _rounded(angle: float | None) -> float | None:
    return None if angle is None else round(angle, 2) + 0.0  # no minus zero


def pose(pitch: float | None, yaw: float | None) -> Pose | None:
    """How far the head is turned away, from degrees of either sign."""
    largest = max((abs(angle) for angle in (pitch, yaw) if angle is not None), default=None)
    if largest is None:
        return None
    return "frontal" if largest < TURNED else "turned" if largest < EXTREME else "extreme"


class Qualities:
    """`Quality` objects, shared: few different ones occur in a recording."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], Quality] = {}

    def of(
        self,
        tracking: Tracking = "ok",
        confidence: float | None = None,
        pose: Pose | None = None,
    ) -> Quality:
        """The quality with these values."""
        key = (tracking, confidence, pose)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= 512:
                self._kept.clear()
            found = self._kept[key] = Quality(tracking=tracking, confidence=confidence, pose=pose)
        return found
