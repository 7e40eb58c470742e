"""One face through one recording, as arrays: what events, course, summary and the drawn time lines look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from fervlm.records import AUEvent, Detector, Scale

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Times = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.int64]

Sided = Literal["left", "right"] | None
Key = tuple[int, Sided]
"""FACS number and the subject's side; None where the detector does not measure this AU by side."""
Clock = Literal["time", "frames", "rows"]
"""`time`: stamps of the file (or a frame rate the user gave). `frames`, `rows`: no stamps; seconds are assumed."""

ASSUMED_FPS = 25.0
"""Frames a second where neither the file nor the user tells; texts then speak of frames, never of seconds."""


@dataclass(frozen=True, slots=True)
class Track:
    """One face of one recording; every array has one entry a row (n), in the order of time.

    `values` are smoothed within stretches of tracking and, on amplitude scales, less `baseline`; they are NaN where
    the face was not tracked or the AU not measured. A 10^6-row OpenFace file makes about 130 MB of arrays.
    """

    face_id: str | None
    times: Times
    """Seconds, strictly ascending, float64 (n)."""
    tracked: Flags
    """Whether the face was tracked in this row, bool (n)."""
    values: dict[Key, Floats]
    """(AU, side) -> float32 (n) on `scales[key]`, AUs ascending, left before right."""
    scale: Scale
    """The scale of most keys; what a strength word would rest on."""
    thresholds: dict[Key, float]
    """(AU, side) -> the value from which it counts as present (upper threshold of the hysteresis)."""
    baseline: dict[Key, float]
    """(AU, side) -> what was subtracted as this face's neutral value; missing where nothing was."""
    scales: dict[Key, Scale] = field(default_factory=dict)
    """(AU, side) -> its scale (an OpenFace file mixes intensities with one presence bit)."""
    stretch: Numbers | None = None
    """int64 (n): number of the unbroken stretch of tracking a row belongs to, -1 where untracked."""
    frames: Numbers | None = None
    """int64 (n): frame numbers as the tool wrote them, -1 where missing."""
    clock: Clock = "time"
    step: float = 1 / ASSUMED_FPS
    """Median seconds from row to row."""
    events: tuple[AUEvent, ...] = ()
    """Found movements by onset."""
    file: str = ""
    picture: str | None = None
    detector: Detector | None = None
    recording: tuple[float, float] | None = None
    """First and last second of the whole recording, all faces together; the shares of a summary refer to it."""
    baseline_kind: str = "none"
    """How `baseline` came about: `lowest tenth`, `first second`, `median`, `given`, or `none`."""

    @property
    def seconds(self) -> float:
        """Length of the recording, the last row's own duration included; 0 where there is no row."""
        return float(self.times[-1] - self.times[0]) + self.step if len(self.times) else 0.0
