"""What a time line is drawn from, and the axis it is drawn on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from fervlm.records import AUEvent, Scale
from fervlm.vision import palette
from fervlm.vision.lettering import text_at

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WIDTH = 1240.0
LEFT, RIGHT = 196.0, 1170.0
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
    unit: Literal["s", "frame"] = "s"
    step: float = 1.0
    """Seconds a frame, where frames are counted."""
    left: float = LEFT
    right: float = RIGHT

    def x(self, seconds: float) -> float:
        """Pixels from the left edge of the drawing; what lies outside is drawn at the border."""
        share = (seconds - self.start) / ((self.end - self.start) or 1.0)
        return self.left + (self.right - self.left) * min(max(share, 0.0), 1.0)

    def ticks(self) -> list[tuple[float, str]]:
        """Six to twelve round places with their names."""
        scale = self.step if self.unit == "frame" else 1.0
        low, high = (0.0, (self.end - self.start) / scale) if self.unit == "frame" else (self.start, self.end)
        step = _round_step((high - low) / 8 or 1.0, clock=self.unit == "s", whole=self.unit == "frame")
        first = int(low / step) - 1
        found = []
        for k in range(first, first + 40):
            at = k * step
            if low - 1e-9 <= at <= high + 1e-9:
                where = at * scale + (self.start if self.unit == "frame" else 0.0)
                found.append((self.x(where), self._name(at, step)))
        return found

    def _name(self, at: float, step: float) -> str:
        if self.unit == "frame":
            return f"{at:.0f}"
        if self.end < 120:
            return f"{at:.{0 if step >= 1 else 1 if step >= 0.1 else 2}f}"
        minutes, seconds = divmod(round(at), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02d}:{seconds:02d}" if self.end >= 3600 else f"{minutes}:{seconds:02d}"

    @property
    def title(self) -> str:
        """What the numbers are."""
        if self.unit == "frame":
            return "frame, counted from the first"
        return "seconds" if self.end < 120 else "h:min:s" if self.end >= 3600 else "min:s"


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


def axis_of(track: Recording | None, events: Sequence[AUEvent], span: tuple[float, float] | None) -> Axis:
    """The axis for a recording, or for events alone; never of no length."""
    if span is None and track is not None and len(track.times):
        span = (float(track.times[0]), float(track.times[-1]))
    if span is None or span[1] <= span[0]:
        ends = [e.offset_s for e in events] + [e.onset_s for e in events] + list(span or ())
        span = (min(ends, default=0.0), max(ends, default=1.0))
    if span[1] <= span[0]:
        span = (span[0], span[0] + 1.0)
    counted = track is not None and track.clock != "time"
    return Axis(*span, unit="frame" if counted else "s", step=track.step if track is not None else 1.0)
