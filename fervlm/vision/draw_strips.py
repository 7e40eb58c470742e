"""One row of the time lines: a unit's curve, and its events with onset, apex and offset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fervlm.facs.units import action_unit
from fervlm.reasoning.observe import LEVEL_LETTERS, level_of
from fervlm.records import AUEvent, Scale
from fervlm.vision import palette
from fervlm.vision.lettering import shorten, text_at
from fervlm.vision.recording import LEFT, RIGHT, Axis, Recording, Sided
from fervlm.vision.signals import merged, runs, thinned

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_MARKS = 40
"""Events of one row beyond which only their spans are drawn, without ticks and letters."""
MOST_RAMPS = 400
_REGIONS = ("brow", "eyes", "nose", "cheeks", "mouth", "chin", "jaw", "neck")
SIDES: dict[Sided, tuple[str, str]] = {"left": ("#1f4e79", ""), "right": ("#b3541e", "5 2.5"), None: ("#1f4e79", "")}
"""Colour and dashes of a curve by the subject's side."""


@dataclass(frozen=True, slots=True)
class Row:
    """One action unit's time line."""

    au: int
    sides: tuple[Sided, ...]
    events: tuple[AUEvent, ...]
    scale: Scale
    low: float
    high: float
    threshold: float | None


def _place_of(au: int) -> tuple[int, int]:
    region = action_unit(au).region
    return (_REGIONS.index(region) if region in _REGIONS else len(_REGIONS), au)


def rows_of(track: Recording | None, events: Sequence[AUEvent]) -> list[Row]:
    """One row for each unit with an event, brow first; without any event, one for each unit measured."""
    by_au: dict[int, list[AUEvent]] = {}
    for event in events:
        by_au.setdefault(event.au, []).append(event)
    keys = list(track.values) if track is not None else []
    shown = set(by_au) or {au for au, _ in keys}
    return [_row(au, track, tuple(by_au.get(au, ()))) for au in sorted(shown, key=_place_of)]


def _row(au: int, track: Recording | None, events: tuple[AUEvent, ...]) -> Row:
    keys = [key for key in track.values if key[0] == au] if track is not None else []
    sides = tuple(key[1] for key in keys) or tuple(dict.fromkeys(e.side if e.side != "both" else None for e in events))
    scale = events[0].scale if events else track.scale if track is not None else "presence"
    if track is not None and keys:
        scale = track.scales.get(keys[0], scale)
    low, high = (0.0, 5.0) if scale == "intensity_0_5" else (0.0, 1.0)
    if scale == "evidence_log10":
        low, high = _extent(track, keys, events)
    threshold = track.thresholds.get(keys[0]) if track is not None and keys else None
    return Row(au, sides, events, scale, low, high, threshold)


def _extent(
    track: Recording | None, keys: Sequence[tuple[int, Sided]], events: Iterable[AUEvent]
) -> tuple[float, float]:
    import numpy as np

    found = [event.peak for event in events if event.peak is not None] + [0.0, 1.0]
    for key in keys:
        values = track.values[key] if track is not None else np.zeros(0)
        finite = values[np.isfinite(values)]
        if len(finite):
            found += [float(finite.min()), float(finite.max())]
    return min(found), max(found)


@dataclass(frozen=True, slots=True)
class Strip:
    """The pixels of one row."""

    row: Row
    top: float
    high: float

    def y(self, value: float) -> float:
        """Height of a value; what is off the scale is drawn at its border."""
        share = (value - self.row.low) / ((self.row.high - self.row.low) or 1.0)
        return self.top + self.high - (self.high - 5) * min(max(share, 0.0), 1.0)


def _curve(strip: Strip, track: Recording, side: Sided, axis: Axis) -> str:
    """One side's curve, broken where there is no value for at least a pixel."""
    import numpy as np

    values = np.asarray(track.values[strip.row.au, side], dtype=np.float64)
    x = (np.asarray(track.times) - axis.start) * ((axis.right - axis.left) / ((axis.end - axis.start) or 1.0))
    inside = np.isfinite(values) & (x >= -0.5) & (x <= axis.right - axis.left + 0.5)
    x, values = x[inside], values[inside]
    if not len(x):
        return ""
    share = np.clip((values - strip.row.low) / ((strip.row.high - strip.row.low) or 1.0), 0.0, 1.0)
    y = strip.top + strip.high - (strip.high - 5) * share
    # Rows of a recording without gaps lie `usual` apart; a larger step of at least a pixel is a gap.
    usual = 1.6 * track.step * (axis.right - axis.left) / ((axis.end - axis.start) or 1.0)
    breaks = np.flatnonzero(np.diff(x) > max(usual, 1.0)) + 1
    ground = strip.top + strip.high
    lines, areas = [], []
    for part_x, part_y in zip(np.split(x, breaks), np.split(y, breaks), strict=True):
        line = _polyline(*thinned(part_x, part_y, int(axis.right - axis.left)), axis.left)
        lines.append(line)
        areas.append(f"{line}V{ground:.1f}H{part_x[0] + axis.left:.1f}Z")
    ink = SIDES[side][0]
    fill = f'<path d="{"".join(areas)}" fill="{ink}" fill-opacity=".07"/>' if side is None and len(x) < 5000 else ""
    return fill + _line("".join(lines), side)


def _polyline(x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]], left: float) -> str:
    points = [f"{a + left:.1f} {b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    return "M" + "L".join(points) if len(points) > 1 else f"M{points[0]}h.6"


def _outline(strip: Strip, event: AUEvent, axis: Axis) -> str:
    """An event without its curve: a ramp to its peak and back."""
    peak = strip.row.high if event.peak is None else event.peak
    ground = strip.top + strip.high
    start, apex, end = axis.x(event.onset_s), axis.x(event.apex_s), axis.x(event.offset_s)
    data = f"M{start:.1f} {ground:.1f}L{apex:.1f} {strip.y(peak):.1f}L{end:.1f} {ground:.1f}"
    return _line(data, event.side if event.side != "both" else None, ' fill-opacity=".07"')


def _line(data: str, side: Sided, fill: str = "") -> str:
    """A curve in its side's colour and dashes, filled where `fill` tells how."""
    ink, dash = SIDES[side]
    css = "fv-right" if side == "right" else "fv-left"
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    ground = f'fill="{ink}"{fill}' if fill else 'fill="none"'
    return f'<path d="{data}" {ground} stroke="{ink}" stroke-width="1.3" class="{css}"{dashes}/>'


def tone_of(event: AUEvent) -> tuple[str, str]:
    """Colour of an event's span, and the letter at its apex."""
    if event.scale == "intensity_0_5" and event.peak is not None:
        level = level_of(event.peak)
        if level is not None:
            return palette.LEVELS[level - 1], LEVEL_LETTERS[level - 1]
    return palette.PRESENCE, ""


def _spans(strip: Strip, axis: Axis) -> str:
    """Where the unit was active, behind the curve."""
    by_tone: dict[str, list[tuple[float, float]]] = {}
    for event in strip.row.events:
        by_tone.setdefault(tone_of(event)[0], []).append((axis.x(event.onset_s), axis.x(event.offset_s)))
    out = []
    for tone, spans in by_tone.items():
        boxes = "".join(f"M{a:.1f} {strip.top:.1f}H{b:.1f}v{strip.high:.1f}H{a:.1f}Z" for a, b in merged(spans))
        out.append(f'<path d="{boxes}" fill="{tone}" fill-opacity=".3"/>')
    return "".join(out)


def _marks(strip: Strip, axis: Axis) -> str:
    """Onset, apex and offset of each event; an end that was not seen has no line."""
    if len(strip.row.events) > MOST_MARKS:
        return ""
    out, bottom = [], strip.top + strip.high
    for event in strip.row.events:
        tone, letter = tone_of(event)
        edges = [(event.onset_s, event.open_start), (event.offset_s, event.open_end)]
        lines = "".join(f"M{axis.x(at):.1f} {strip.top:.1f}V{bottom:.1f}" for at, hidden in edges if not hidden)
        out.append(f'<path d="{lines}" stroke="{palette.LINE}" stroke-width=".9" class="fv-tick"/>' if lines else "")
        x = axis.x(event.apex_s)
        y = strip.y(event.peak) if event.peak is not None else strip.top + 6
        edge = palette.INK
        out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{tone}" stroke="{edge}" stroke-width=".9"/>')
        if letter:
            out.append(text_at(x, y - 5.5, letter, 10, fill=palette.INK, bold=True, anchor="middle"))
    return "".join(out)


def _name(strip: Strip) -> str:
    """Number and name on the left, what happened on the right."""
    row, middle = strip.row, strip.top + strip.high / 2
    name = action_unit(row.au).name
    number = f"AU {row.au}"
    out = [text_at(12, middle + 4, number, 12.5, fill=palette.INK, bold=True)]
    out.append(text_at(58, middle + 4, shorten(name, 12.5, LEFT - 84), 12.5, fill=palette.INK))
    top = f"{row.high:g}"
    out.append(text_at(LEFT - 5, strip.top + 9, top, 9, fill=palette.FAINT, anchor="end", css="fv-faint"))
    out.append(
        text_at(LEFT - 5, strip.top + strip.high, f"{row.low:g}", 9, fill=palette.FAINT, anchor="end", css="fv-faint")
    )
    for i, words in enumerate(_counts(row)):
        drop = 4 if len(row.sides) < 2 else -3 + 13 * i
        out.append(text_at(RIGHT + 8, middle + drop, words, 11, fill=palette.MUTE, css="fv-mute"))
    return "".join(out)


def _counts(row: Row) -> list[str]:
    """How often, by side where sides were measured."""

    def times(count: int) -> str:
        return "none" if not count else "once" if count == 1 else f"{count} times"

    if not any(event.side for event in row.events):
        return [times(len(row.events))]
    return [
        f"{side[0].upper()}: {times(sum(event.side in {side, 'both'} for event in row.events))}"
        for side in ("left", "right")
        if side in row.sides
    ]


def row_svg(strip: Strip, track: Recording | None, axis: Axis) -> str:
    """One unit's row: spans, threshold, curve (or ramps where there is none), marks, name and count."""
    row = strip.row
    base = f"M{axis.left} {strip.top + strip.high:.1f}H{axis.right}"
    ground = f'<path d="{base}" stroke="{palette.HAIRLINE}" class="fv-rule"/>'
    out = [f'<g data-au="{row.au}">', _spans(strip, axis), ground]
    if row.threshold is not None and row.low < row.threshold < row.high:
        y = strip.y(row.threshold)
        dash = 'stroke-dasharray="2 3"'
        out.append(f'<path d="M{axis.left} {y:.1f}H{axis.right}" stroke="{palette.SOFT}" stroke-width=".7" {dash}/>')
    if track is not None:
        out += [_curve(strip, track, side, axis) for side in row.sides if (row.au, side) in track.values]
    else:
        out += [_outline(strip, event, axis) for event in row.events[:MOST_RAMPS]]
    out += [_marks(strip, axis), _name(strip), "</g>"]
    return "".join(out)


def gaps(track: Recording, axis: Axis, top: float, bottom: float) -> tuple[str, bool]:
    """Stretches without a tracked face, shaded across all rows."""
    import numpy as np

    lost = runs(~np.asarray(track.tracked, dtype=bool))
    if not lost:
        return "", False
    times, half = track.times, track.step / 2
    spans = [(axis.x(float(times[a]) - half), axis.x(float(times[b - 1]) + half)) for a, b in lost]
    boxes = "".join(f"M{a:.1f} {top:.1f}H{b:.1f}V{bottom:.1f}H{a:.1f}Z" for a, b in merged(spans))
    return f'<path d="{boxes}" fill="{palette.GAP}" fill-opacity=".75" class="fv-gap"/>', True
