"""A prediction as one figure: the drawn face beside the explanation, every sentence with its verdict."""

from __future__ import annotations

from dataclasses import dataclass, field

from fervlm.reasoning.observe import observe
from fervlm.records import Alternative, Prediction, Verdict
from fervlm.vision import palette
from fervlm.vision.draw_face import HEIGHT, WIDTH, face_body, svg_document
from fervlm.vision.lettering import runs_at, shorten, text_at, width, wrap, wrap_runs
from fervlm.vision.sentences import (
    TITLES,
    Sentence,
    affect_line,
    checked_line,
    detector_line,
    fault_line,
    headline,
    place_line,
    sentences_of,
    spans,
)

TEXT_WIDTH = 552
CARD_WIDTH = 1240
_TEXT, _LEADING = 14.0, 19.5
_INDENT = 20.0
_BARS = 5
"""Candidates shown."""
_MOST_LINES = 60
"""Of one sentence, whoever wrote it."""
_MOST_SENTENCES = 200
"""Of one section."""


@dataclass(slots=True)
class Column:
    """Text set from the top down."""

    x: float
    wide: float
    y: float
    parts: list[str] = field(default_factory=list)

    def line(self, text: str, size: float, lead: float, *, fill: str, css: str, bold: bool = False) -> None:
        """One line; `lead` is the step down before it."""
        self.y += lead
        self.parts.append(text_at(self.x, self.y, text, size, fill=fill, css=css, bold=bold))

    def paragraph(self, text: str, size: float, lead: float, *, fill: str, css: str, most: int = 60) -> None:
        """Wrapped lines, at most `most` of them."""
        for row in cut(wrap(text, size, self.wide), most):
            self.line(row, size, lead, fill=fill, css=css)


def cut(rows: list[str], most: int) -> list[str]:
    """At most `most` rows, the last one marked where more were left out."""
    return rows if len(rows) <= most else [*rows[: most - 1], rows[most - 1] + " ..."]


_SIGNS = {
    "supported": (0.6, -4.6, "l3 3.2 5.6-6.8"),
    "contradicted": (1.0, -8.0, "l7 7m0-7l-7 7"),
    "unmeasured": (1.4, -7.2, "a2.9 2.7 0 1 1 4.4 2.3q-1.4 .9-1.4 2.3m0 2.6v.2"),
    "forbidden": (0.6, -4.4, "a4.4 4.4 0 1 0 8.8 0a4.4 4.4 0 1 0-8.8 0m1.4 3.1l6-6.2"),
}
"""Tick, cross, question mark, barred circle: start beside the baseline, then the pen's way."""


def verdict_mark(verdict: Verdict | None, x: float, y: float) -> str:
    """The sign before a sentence whose baseline is at `y`; a dot where nothing was checked."""
    if verdict is None:
        return f'<circle cx="{x + 5:.1f}" cy="{y - 4.6:.1f}" r="1.8" fill="{palette.FAINT}"/>'
    right, down, way = _SIGNS[verdict]
    pen = f'stroke="{palette.VERDICT[verdict]}" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"'
    data = f"M{x + right:.1f} {y + down:.1f}{way}"
    return f'<path d="{data}" fill="none" {pen}><title>{verdict}</title></path>'


def _set_sentence(column: Column, sentence: Sentence) -> None:
    """A sentence with its mark, wrapped, the words of a false claim coloured and underlined, its faults below."""
    left, limit = column.x + _INDENT, column.wide - _INDENT
    runs = [
        (text, palette.VERDICT[claim.verdict] if claim is not None and claim.verdict != "supported" else None)
        for text, claim in spans(sentence)
    ]
    column.parts.append(verdict_mark(sentence.verdict, column.x, column.y + _LEADING))
    for row in wrap_runs(runs, _TEXT, limit)[:_MOST_LINES]:
        column.y += _LEADING
        column.parts.append(runs_at(left, column.y, row, _TEXT, fill=palette.INK))
    for claim in sentence.faults[:4]:
        for line in cut(wrap(fault_line(claim), 11.5, limit), 3):
            column.y += 15
            column.parts.append(
                text_at(left, column.y, line, 11.5, fill=palette.VERDICT[claim.verdict], css="fv-fault")
            )
    column.y += 2.5


def _bars(column: Column, alternatives: tuple[Alternative, ...]) -> None:
    """Ranked candidates as bars, with the units for and against each."""
    shown = alternatives[:_BARS]
    names = max((width(shorten(one.label, 12.5, 130), 12.5) for one in shown), default=0.0)
    left = column.x + names + 12
    for rank, one in enumerate(shown):
        column.y += 19
        label = shorten(one.label, 12.5, 130)
        column.parts.append(text_at(column.x, column.y, label, 12.5, fill=palette.INK, bold=rank == 0))
        x = left
        if one.score is not None:
            top = column.y - 9.5
            fill = palette.ACCENT if rank == 0 else palette.BAR
            column.parts += [_bar(x, top, 96, palette.TROUGH), _bar(x, top, max(96 * one.score, 1.5), fill)]
            column.parts.append(text_at(x + 103, column.y, f"{one.score:.2f}", 11.5, fill=palette.MUTE, css="fv-mute"))
            x += 138
        words = shorten(evidence_for(one), 11.5, column.x + column.wide - x)
        column.parts.append(text_at(x, column.y, words, 11.5, fill=palette.MUTE, css="fv-mute"))


def _bar(x: float, y: float, wide: float, fill: str) -> str:
    css = ' class="fv-trough"' if fill == palette.TROUGH else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="10" rx="2" fill="{fill}"{css}/>'


def evidence_for(one: Alternative) -> str:
    """The units for and against a candidate, and its core units that were not measured."""
    kinds = (("for", one.units_for), ("against", one.units_against), ("not measured", one.not_measured))
    return "; ".join(f"{word} AU {', '.join(map(str, units))}" for word, units in kinds if units)


def _heading(column: Column, text: str) -> None:
    column.y += 9
    column.line(text.upper(), 10.5, 16, fill=palette.ACCENT, css="fv-heading", bold=True)
    column.y += 1


def _label(column: Column, prediction: Prediction) -> None:
    """The label in large letters, smaller and on several lines where it is long; confidence; affect."""
    label, certainty = headline(prediction)
    size = 27.0 if width(label, 27, bold=True) <= column.wide - 150 else 20.0
    rows = wrap(label, size, column.wide - (150 if size > 20 else 0))
    for row in cut(rows, 4):
        column.line(row, size, size * 1.22, fill=palette.INK, css="fv-text", bold=True)
    beside = column.x + width(rows[-1], size, bold=True) + 14
    if len(rows) <= 4 and width(certainty, 13) <= column.x + column.wide - beside:
        column.parts.append(text_at(beside, column.y, certainty, 13, fill=palette.MUTE, css="fv-mute"))
    else:
        column.paragraph(certainty, 12.5, 18, fill=palette.MUTE, css="fv-mute", most=3)
    affect = affect_line(prediction)
    if affect:
        column.line(shorten(affect, 11.5, column.wide), 11.5, 18, fill=palette.MUTE, css="fv-mute")


def told(prediction: Prediction, x: float, y: float, wide: float) -> Column:
    """Where, label and every sentence of a prediction as SVG, `wide` pixels wide, its top at `y`."""
    column = Column(x, wide, y)
    column.line(shorten(place_line(prediction), 11.5, wide), 11.5, 12, fill=palette.MUTE, css="fv-mute")
    _label(column, prediction)
    for section, members in sentences_of(prediction).items():
        _heading(column, TITLES[section])
        for sentence in members[:_MOST_SENTENCES]:
            _set_sentence(column, sentence)
        if len(members) > _MOST_SENTENCES:
            more = f"... and {len(members) - _MOST_SENTENCES} more sentences."
            column.line(more, 12, 18, fill=palette.MUTE, css="fv-mute")
    return column


def ranked(prediction: Prediction, x: float, y: float, wide: float) -> Column:
    """Candidates, the outcome of the check and the detector, as `told` does it."""
    column = Column(x, wide, y)
    alternatives = prediction.caption.conclusion.alternatives if prediction.caption else ()
    if alternatives:
        _heading(column, "Candidates, by support from the action units")
        _bars(column, alternatives)
    column.y += 12
    for line in (checked_line(prediction.verification), detector_line(prediction)):
        column.paragraph(line, 11, 15, fill=palette.FAINT, css="fv-faint", most=3)
    return column


def explanation(prediction: Prediction, high: float) -> tuple[str, float]:
    """The explanation beside a figure `high` pixels high, and the height of both.

    Candidates stand below the sentences, or below the figure where that makes the whole shorter.
    """
    text = told(prediction, WIDTH + 4, 26, TEXT_WIDTH)
    below = ranked(prediction, WIDTH + 4, text.y, TEXT_WIDTH)
    aside = ranked(prediction, 12, high, WIDTH - 40)
    tall = max(high + 16, below.y + 24)
    if max(aside.y, text.y) + 24 < tall - 40:
        below, tall = aside, max(aside.y, text.y) + 24
    return "".join([*text.parts, *below.parts]), round(tall)


def card_body(prediction: Prediction, *, mirrored: bool = False, uid: str = "f") -> tuple[str, float]:
    """Face and explanation as SVG elements, `CARD_WIDTH` wide, and their height."""
    record = prediction.evidence
    text, high = explanation(prediction, HEIGHT)
    face = face_body(observe(record), record, mirrored=mirrored, uid=uid)
    rule = f'<path d="M{WIDTH - 18} 24V{high - 24}" stroke="{palette.HAIRLINE}" class="fv-rule"/>'
    return f'<g transform="translate(0 8)">{face}</g>{rule}{text}', high


def prediction_svg(prediction: Prediction, *, mirrored: bool = False, uid: str = "f", paper: bool = True) -> str:
    """A prediction as an SVG file: its drawn face on the left, its explanation on the right.

    Args:
        prediction: any prediction; one without a face shows an empty one and says so.
        mirrored: the picture was flipped, so the subject's left is on the viewer's left.
        uid: prefix of the ids inside; must differ between drawings on one page.
        paper: fill the ground with white.
    """
    body, high = card_body(prediction, mirrored=mirrored, uid=uid)
    label, _ = headline(prediction)
    title = f"{label}: {prediction.caption.overview}" if prediction.caption else label
    return svg_document(body, CARD_WIDTH, high, title=title, paper=paper)
