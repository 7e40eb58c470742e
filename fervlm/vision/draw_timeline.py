"""Time lines of a recording: one row per action unit above one axis, and the figure of a whole clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fervlm.records import AUEvent, Prediction
from fervlm.vision import palette
from fervlm.vision.card import card_body
from fervlm.vision.draw_face import svg_document
from fervlm.vision.draw_strips import SIDES, Row, Strip, gaps, row_svg, rows_of, tone_of
from fervlm.vision.lettering import shorten, text_at, width, wrap
from fervlm.vision.recording import LEFT, RIGHT, WIDTH, Recording, axis_of, axis_svg, moment_of

MOST_ROWS = 24


@dataclass(slots=True)
class Key:
    """What colours and lines mean, set from the left."""

    y: float
    x: float = 12.0
    parts: list[str] = field(default_factory=list)

    def entry(self, sample: str, words: str) -> None:
        """A sample, drawn in a box of 20 by 11 pixels at the origin, and what it means."""
        place = f'<g transform="translate({self.x:.1f} {self.y - 9:.1f})">{sample}</g>'
        self.parts.append(place + text_at(self.x + 26, self.y, words, 11, fill=palette.MUTE, css="fv-mute"))
        self.x += 26 + width(words, 11) + 18

    def line(self, ink: str, dash: str, words: str) -> None:
        """The same for a line."""
        self.entry(f'<path d="M0 5h20" stroke="{ink}" stroke-width="1.4" stroke-dasharray="{dash}"/>', words)


def _key(rows: Sequence[Row], gaps_drawn: bool, y: float) -> str:
    """Only what occurs is explained."""
    key = Key(y)
    events = [event for row in rows for event in row.events]
    letters = [tone_of(event)[1] for event in events]
    if any(letters):
        steps = [f'<rect x="{5 * i - 2}" width="5" height="11" fill="{c}"/>' for i, c in enumerate(palette.LEVELS)]
        key.entry(f'<g opacity=".6">{"".join(steps)}</g>', "event, A to E at its peak")
    if not all(letters):
        box = f'<rect width="20" height="11" fill="{palette.PRESENCE}" fill-opacity=".3"/>'
        key.entry(box, "event, strength not known")
    if events:
        dot = f'<circle cx="10" cy="5" r="3.2" fill="#ffffff" stroke="{palette.INK}" stroke-width=".9"/>'
        edges = f'<path d="M1 0v11m18-11v11" stroke="{palette.LINE}" stroke-width=".9" class="fv-tick"/>'
        key.entry(edges + dot, "onset, apex, offset")
    for side, (ink, dash) in SIDES.items():
        if side is not None and any(side in row.sides for row in rows):
            key.line(ink, dash, f"subject's {side}")
    if any(row.threshold is not None for row in rows):
        key.line(palette.SOFT, "2 3", "counts as present from here")
    if gaps_drawn:
        key.entry(f'<rect width="20" height="11" fill="{palette.GAP}" class="fv-gap"/>', "face not tracked")
    return "".join(key.parts)


def timeline_body(
    track: Recording | None,
    events: Sequence[AUEvent],
    *,
    y: float = 0.0,
    span: tuple[float, float] | None = None,
    title: str | None = None,
    course: str | None = None,
    shown_at: float | None = None,
    told: tuple[float, float] | None = None,
    assumed: bool = False,
) -> tuple[str, float]:
    """The time lines as SVG elements from height `y` down, `WIDTH` wide, and the height where they end.

    `shown_at` is the second whose face is drawn elsewhere; a line marks it. `told` is the part of the recording that
    the text speaks of; a bracket marks it where it is not the whole. `assumed`: without a track, that the seconds of
    the events rest on an assumed frame rate.
    """
    rows = rows_of(track, events)
    shown, hidden = rows[:MOST_ROWS], rows[MOST_ROWS:]
    axis = axis_of(track, events, span, assumed=assumed)
    out = []
    if title:
        y += 22
        out.append(text_at(12, y, shorten(title, 14, WIDTH - 24), 14, fill=palette.INK, bold=True))
    y += 12 if shown_at is None else 18
    pitch = 50.0 if len(shown) <= 8 else 40.0 if len(shown) <= 14 else 32.0
    pitch = pitch if events else 26.0  # flat lines need no height
    bottom = y + pitch * max(len(shown), 1)
    shading, any_gap = gaps(track, axis, y, bottom) if track is not None else ("", False)
    out += [axis_svg(axis, y, bottom), shading]
    for i, row in enumerate(shown):
        out.append(row_svg(Strip(row, y + pitch * i + 5, pitch - 8), track, axis))
    if not shown:
        out.append(
            text_at((LEFT + RIGHT) / 2, y + 28, "No movement was found.", 13, fill=palette.MUTE, anchor="middle")
        )
    if shown_at is not None:
        out.append(_moment(axis.x(shown_at), y, bottom))
    if told is not None and (told[0] > axis.start + axis.step or told[1] < axis.end - axis.step):
        out.append(_bracket(axis.x(told[0]), axis.x(told[1]), y))
    y = bottom + 33
    out.append(_key(shown, any_gap, y))
    y += 10
    notes = [f"Not drawn for want of room: AU {', '.join(str(row.au) for row in hidden)}."] if hidden else []
    for text, size, ink in [(course or "", 13.5, palette.INK), *((note, 11.0, palette.FAINT) for note in notes)]:
        for line in wrap(text, size, WIDTH - 24)[:40] if text else ():
            y += size * 1.42
            out.append(text_at(12, y, line, size, fill=ink))
    return "".join(out), y + 14


def timeline_svg(
    track: Recording | None = None,
    *,
    events: Sequence[AUEvent] | None = None,
    span: tuple[float, float] | None = None,
    title: str | None = None,
    course: str | None = None,
) -> str:
    """The time lines of a recording as an SVG file.

    Args:
        track: the recording's curves; without them each event is drawn as a ramp to its peak and back.
        events: the movements to mark; those of the track by default.
        span: first and last second shown; the whole recording by default.
        title: a heading.
        course: what happens over time, in words, set below.

    Long signals are thinned to the least and largest value of each pixel, so that 10^6 rows make a file of the size
    of 10^4. At most `MOST_ROWS` units are drawn; the rest is named.
    """
    marked = events if events is not None else track.events if track is not None else ()
    body, high = timeline_body(track, marked, span=span, title=title, course=course)
    units = ", ".join(f"AU {au}" for au in dict.fromkeys(event.au for event in marked))
    return svg_document(body, WIDTH, round(high), title=f"Time lines with events of {units or 'no action unit'}")


def clip_lines(prediction: Prediction, track: Recording | None, y: float) -> tuple[str, float]:
    """The time lines of a clip or event as SVG elements from height `y` down, and the height where they end."""
    return timeline_body(
        track,
        track.events if track is not None and track.events else prediction.events,
        y=y,
        span=None if track is not None else prediction.span_s,
        shown_at=moment_of(prediction, track),
        told=prediction.span_s,
        assumed=prediction.evidence.time_s is None,
    )


def clip_svg(prediction: Prediction, track: Recording | None = None, *, mirrored: bool = False) -> str:
    """A clip or event as one figure: the face at the apex beside its explanation, the time lines below."""
    card, high = card_body(prediction, mirrored=mirrored)
    body, end = clip_lines(prediction, track, high)
    rule = f'<path d="M12 {high:.0f}H{WIDTH - 12:.0f}" stroke="{palette.HAIRLINE}" class="fv-rule"/>'
    title = f"{prediction.label or 'no label'}, with time lines"
    return svg_document(card + rule + body, WIDTH, round(end), title=title)


def _moment(x: float, top: float, bottom: float) -> str:
    line = (
        f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}" stroke="{palette.INK}" stroke-dasharray="1 3" class="fv-leader"/>'
    )
    return line + text_at(x, top - 2, "face above", 10, fill=palette.MUTE, anchor="middle", css="fv-mute")


def _bracket(start: float, end: float, top: float) -> str:
    return (
        f'<path d="M{start:.1f} {top + 5:.1f}v-5H{end:.1f}v5" fill="none" stroke="{palette.INK}" stroke-width="1.3" '
        f'class="fv-leader"/>'
    )
