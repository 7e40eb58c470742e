"""What a time line is drawn from, and the axis it is drawn on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from fervlm.records import AUEvent, Prediction, Scale
from fervlm.vision import palette
from fervlm.vision.lettering import text_at

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WIDTH = 1240.0
LEFT, RIGHT = 212.0, 1170.0
"""Where the plot begins and ends; names stand left of it, counts right."""
Sided = Literal["left", "right"] | None
"""The subject's side; None where sides were not measured."""


class Recording(Protocol):
    """What a time line is drawn from; `fervlm.sequences.track.Track` is one. Arrays have one entry a row (n)."""

    @property
    def times(self) -> NDArray[np.float64]:
        """Seconds, ascending (n)."""

    @property
    def tracked(self) -> NDArray[np.bool_]:
        """Whether the face was tracked (n)."""

    @property
    def values(self) -> Mapping[tuple[int, Sided], NDArray[np.float32]]:
        """(AU, side) -> values (n), NaN where there are none."""

    @property
    def scales(self) -> Mapping[tuple[int, Sided], Scale]:
        """(AU, side) -> scale, where it is not `scale`."""

    @property
    def scale(self) -> Scale:
        """The scale of most."""

    @property
    def thresholds(self) -> Mapping[tuple[int, Sided], float]:
        """(AU, side) -> the value from which it counts as present."""

    @property
    def events(self) -> tuple[AUEvent, ...]:
        """Movements found."""

    @property
    def frames(self) -> NDArray[np.int64] | None:
        """Frame numbers as the tool wrote them, -1 where missing (n)."""

    @property
    def clock(self) -> Literal["time", "frames", "rows"]:
        """Whether `times` are real seconds."""

    @property
    def step(self) -> float:
        """Seconds from row to row."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Seconds to pixels, and how they are written."""

    start: float
    end: float
    counted: tuple[float, float] | None = None
    """Numbers of the first and last frame (or row), where there are no time stamps and these are written instead."""
    unit: str = "seconds"
    """What the numbers are."""
    step: float = 0.0
    """Seconds from row to row."""
    left: float = LEFT
    right: float = RIGHT

    def x(self, seconds: float) -> float:
        """Pixels from the left edge of the drawing; what lies outside is drawn at the border."""
        share = (seconds - self.start) / ((self.end - self.start) or 1.0)
        return self.left + (self.right - self.left) * min(max(share, 0.0), 1.0)

    def ticks(self) -> list[tuple[float, str]]:
        """Four to fourteen round places with their names."""
        low, high = self.counted or (self.start, self.end)
        step = _round_step((high - low) / 8 or 1.0, clock=self.counted is None, whole=self.counted is not None)
        first = math.ceil(low / step - 1e-9)
        found = []
        for k in range(first, first + 40):
            share = (k * step - low) / ((high - low) or 1.0)
            if share > 1 + 1e-9:
                break
            found.append((self.left + (self.right - self.left) * share, self._name(k * step, step)))
        return found

    def _name(self, at: float, step: float) -> str:
        if self.counted is not None:
            return f"{at:.0f}"
        if self.end < 120:
            return f"{at:.{0 if step >= 1 else 1 if step >= 0.1 else 2}f}"
        minutes, seconds = divmod(round(at), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02d}:{seconds:02d}" if self.end >= 3600 else f"{minutes}:{seconds:02d}"

    @property
    def title(self) -> str:
        """What the numbers are, as they are written."""
        if self.counted is not None or self.end < 120:
            return self.unit
        return self.unit.replace("seconds", "h:min:s" if self.end >= 3600 else "min:s")


def _round_step(rough: float, *, clock: bool, whole: bool) -> float:
    """The next round distance of ticks."""
    steps = [m * 10.0**p for p in range(-3, 7) for m in (1, 2, 5)]
    if clock and rough > 12:
        steps = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 36000, 86400, 864000]
    return next((step for step in steps if step >= rough and (not whole or step >= 1)), steps[-1])


def axis_svg(axis: Axis, top: float, bottom: float) -> str:
    """The axis at the bottom of the rows, with lines up through them."""
    out = [f'<path d="M{axis.left} {bottom:.1f}H{axis.right}" stroke="{palette.LINE}" class="fv-rule"/>']
    for x, name in axis.ticks():
        out.append(
            f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}" stroke="{palette.HAIRLINE}" stroke-width=".7" class="fv-rule"/>'
        )
        out.append(f'<path d="M{x:.1f} {bottom:.1f}v4" stroke="{palette.LINE}" class="fv-rule"/>')
        out.append(text_at(x, bottom + 17, name, 11, fill=palette.MUTE, anchor="middle", css="fv-mute"))
    out.append(text_at(axis.right, bottom + 33, axis.title, 11, fill=palette.MUTE, anchor="end", css="fv-mute"))
    return "".join(out)


def axis_of(
    track: Recording | None, events: Sequence[AUEvent], span: tuple[float, float] | None, *, assumed: bool = False
) -> Axis:
    """The axis for a recording, or for events alone; never of no length.

    `assumed` tells of events without a recording that their seconds rest on an assumed frame rate.
    """
    ends = [float(track.times[0]), float(track.times[-1])] if track is not None and len(track.times) else []
    if span is None and not ends:
        ends = [at for event in events for at in (event.onset_s, event.offset_s)]
    start, end = span or (min(ends, default=0.0), max(ends, default=1.0))
    end = end if end > start else start + 1.0
    if track is None:
        return Axis(start, end, unit="seconds, at an assumed frame rate" if assumed else "seconds")
    if track.clock == "time" or not ends:
        return Axis(start, end, step=track.step)
    (first, last), unit = _counted(track)
    pace = (last - first) / ((ends[1] - ends[0]) or 1.0)
    numbers = (first + (start - ends[0]) * pace, first + (end - ends[0]) * pace)
    return Axis(start, end, numbers, unit, track.step)


def _counted(track: Recording) -> tuple[tuple[float, float], str]:
    """What to count by where there are no time stamps: the tool's frame numbers, else rows."""
    frames = track.frames
    if track.clock == "frames" and frames is not None and 0 <= frames[0] < frames[-1]:
        return (float(frames[0]), float(frames[-1])), "frame"
    return (1.0, float(len(track.times))), "row"


def moment_of(prediction: Prediction, track: Recording | None) -> float | None:
    """The second of a recording whose face a prediction shows, where it is known."""
    import numpy as np

    if prediction.evidence.time_s is not None:
        return prediction.evidence.time_s
    if track is None or track.frames is None or prediction.frame is None:
        return None
    found = np.flatnonzero(np.asarray(track.frames) == prediction.frame)
    return float(track.times[found[0]]) if len(found) else None
