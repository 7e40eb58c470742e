"""One prediction as HTML: the drawing, the sentences that light up what they speak of, candidates, evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fervlm.facs.units import action_unit
from fervlm.reasoning.observe import LEVEL_LETTERS, Evidence, observe
from fervlm.records import Alternative, AURecord, Prediction
from fervlm.vision import palette
from fervlm.vision.attention import attention_figure
from fervlm.vision.card import evidence_for
from fervlm.vision.crop import Square
from fervlm.vision.draw_face import BARE_HEIGHT, WIDTH, face_figure, svg_document
from fervlm.vision.draw_legend import describe
from fervlm.vision.draw_marks import Mark, Marks, marks_of
from fervlm.vision.draw_timeline import clip_lines
from fervlm.vision.lettering import escape
from fervlm.vision.open_picture import open_picture
from fervlm.vision.overlay import photo_figure
from fervlm.vision.recording import WIDTH as LINES_WIDE
from fervlm.vision.recording import Recording
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

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A prediction with what may be shown beside it."""

    prediction: Prediction
    picture: bytes | None = None
    """The encoded photograph it speaks of."""
    track: Recording | None = None
    """The curves of a clip; its events are drawn without them otherwise."""
    mirrored: bool = False
    square: Square | None = None
    """What a model looked at, in pixels of the upright photograph."""
    looked: Mapping[int, NDArray[np.floating]] | None = None
    """Action unit -> [g, g]: where in the square it was sought."""


def sentence_html(sentence: Sentence, *, focusable: bool = True) -> str:
    """A sentence as a list item with its verdict, the words of a false claim marked and explained."""
    words = []
    for text, claim in spans(sentence):
        if claim is not None and claim.verdict != "supported":
            words.append(f'<mark class="{claim.verdict}">{escape(text)}</mark>')
        else:
            words.append(escape(text))
    faults = "".join(f'<span class="fault {c.verdict}">{escape(fault_line(c))}</span>' for c in sentence.faults)
    verdict = f' data-verdict="{sentence.verdict}" title="{sentence.verdict}"' if sentence.verdict else ""
    units = f' data-au="{" ".join(map(str, sentence.units))}"' if sentence.units else ""
    focus = ' tabindex="0"' if units and focusable else ""
    return f"<li{verdict}{units}{focus}>{''.join(words)}{faults}</li>"


def sentences_html(prediction: Prediction, *, focusable: bool = True) -> str:
    """Everything a prediction says, by section."""
    out = []
    for section, members in sentences_of(prediction).items():
        items = "".join(sentence_html(sentence, focusable=focusable) for sentence in members)
        out.append(f'<h3>{TITLES[section]}</h3><ul class="said">{items}</ul>')
    return "".join(out)


def candidates_html(alternatives: Iterable[Alternative]) -> str:
    """The ranked candidates with bars."""
    rows = []
    for one in alternatives:
        score = "" if one.score is None else f"{one.score:.2f}"
        share = 0 if one.score is None else round(100 * one.score)
        bar = f'<span class="meter"><i style="width:{share}%"></i></span> {score}' if score else ""
        rows.append(
            f"<tr><th scope=row>{escape(one.label)}</th><td>{bar}</td><td>{escape(evidence_for(one))}</td></tr>"
        )
    if not rows:
        return ""
    table = f'<table class="rank"><tbody>{"".join(rows)}</tbody></table>'
    return f"<h3>Candidates, by support from the action units</h3>{table}"


def chip_html(mark: Mark) -> str:
    """An action unit's number on its colour."""
    if mark.level is None:
        return f'<span class="chip presence">AU {mark.au}</span>'
    look = f"background:{palette.LEVELS[mark.level - 1]};color:{palette.LEVEL_INK[mark.level - 1]}"
    return f'<span class="chip" style="{look}">AU {mark.au}</span>'


def sides_of(marks: Marks) -> Iterator[tuple[Mark, str]]:
    """Every present unit with its side in words, empty where it holds for both or was not measured by side."""
    for au in sorted({*marks.left, *marks.right}):
        left, right = marks.left.get(au), marks.right.get(au)
        if left is not None and left == right:
            yield left, ""
            continue
        for mark, side in ((left, "left"), (right, "right")):
            if mark is not None:
                yield mark, side


def units_html(marks: Marks) -> str:
    """The present units as a list of chips."""
    items = []
    for mark, side in sides_of(marks):
        name = escape(mark.name) + (f", {side}" if side else "")
        items.append(f'<li data-au="{mark.au}">{chip_html(mark)} {name}: {mark.strength}</li>')
    return f'<ul class="units">{"".join(items)}</ul>' if items else ""


def evidence_rows(record: AURecord, marks: Marks) -> Iterator[tuple[str, ...]]:
    """The readings as they were written, with the level made of them: AU, name, side, state, value, scale, level."""
    for reading in sorted(record.readings, key=lambda r: (r.au, r.side or "")):
        mark = marks.on("right" if reading.side == "right" else "left").get(reading.au)
        level = mark.level if mark is not None and reading.state == "present" else None
        yield (
            f"AU {reading.au}",
            action_unit(reading.au).name,
            reading.side or "\u2013",
            reading.state,
            "" if reading.value is None else f"{reading.value:g}",
            reading.scale.replace("intensity_0_5", "0\u20135").replace("_", " "),
            LEVEL_LETTERS[level - 1] if level else "",
        )


def evidence_html(record: AURecord, marks: Marks) -> str:
    """What was not measured, and the readings as a table to be unfolded."""
    heads = ("AU", "Name", "Subject's side", "State", "Value", "Scale", "Level")
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in evidence_rows(record, marks)
    )
    missing = ", ".join(map(str, record.not_measured))
    note = f'<p class="unseen">Not measured: AU {missing}.</p>' if missing else ""
    head = "".join(f"<th scope=col>{cell}</th>" for cell in heads)
    table = f'<div class="wide"><table class="seen"><tr>{head}</tr>{rows}</table></div>' if rows else ""
    return f"{note}<details><summary>Evidence: {len(record.readings)} readings</summary>{table}</details>"


def figure_html(exhibit: Exhibit, evidence: Evidence, marks: Marks, uid: str) -> str:
    """The photograph with its marks, or the drawn face."""
    prediction = exhibit.prediction
    if exhibit.picture is not None and exhibit.square is not None and exhibit.looked is not None:
        photo = open_picture(exhibit.picture, name=prediction.source.file)
        drawing = attention_figure(photo, prediction, exhibit.square, exhibit.looked, uid=uid)
        return f'<div class="photo">{drawing}</div>{units_html(marks)}'
    if exhibit.picture is not None:
        drawing = photo_figure(exhibit.picture, prediction, exhibit.mirrored, uid=uid)
        return f'<div class="photo">{drawing}</div>{units_html(marks)}'
    body = face_figure(evidence, prediction.evidence, mirrored=exhibit.mirrored, uid=uid)
    drawing = svg_document(body, WIDTH, BARE_HEIGHT, title=describe(evidence, marks), paper=False)
    return f'<div class="drawn">{drawing}</div>{units_html(marks)}'


def lines_html(exhibit: Exhibit) -> str:
    """The time lines of a clip; empty where nothing lasts."""
    prediction, track = exhibit.prediction, exhibit.track
    if not prediction.events and track is None:
        return ""
    body, high = clip_lines(prediction, track, 8)
    drawing = svg_document(body, LINES_WIDE, round(high), title="Time lines of the action units", paper=False)
    return f'<div class="wide" tabindex="0" aria-label="Time lines">{drawing}</div>'


def found_by(prediction: Prediction) -> str:
    """What the page's search looks at."""
    words = [prediction.label or "no label", place_line(prediction), prediction.id]
    return escape(" ".join(words).lower())


def verdict_of(prediction: Prediction) -> str:
    """`yes`, `no`, or empty where nothing was checked."""
    return "" if prediction.verification is None else "yes" if prediction.verification.ok else "no"


def card_html(exhibit: Exhibit, number: int, *, drawn: bool = True) -> str:
    """One prediction as an article; without its drawing where `drawn` is false."""
    prediction = exhibit.prediction
    record = prediction.evidence
    evidence = observe(record)
    marks = marks_of(evidence, record)
    label, certainty = headline(prediction)
    figure = figure_html(exhibit, evidence, marks, f"f{number}") if drawn else ""
    affect = affect_line(prediction)
    alternatives = prediction.caption.conclusion.alternatives if prediction.caption else ()
    words = (
        f'<div class="words"><p class="place">{escape(place_line(prediction))}</p>'
        f"<h2>{escape(label)} <small>{escape(certainty)}</small></h2>"
        + (f'<p class="affect">{escape(affect)}</p>' if affect else "")
        + sentences_html(prediction)
        + candidates_html(alternatives)
        + "</div>"
    )
    foot = f"{escape(checked_line(prediction.verification))} {escape(detector_line(prediction))}"
    seen = evidence_html(record, marks)
    parts = f'<div class="figure">{figure}{seen}</div>{words}{lines_html(exhibit)}' if drawn else words + seen
    css = "card" if drawn else "card plain"
    about = f'id="p{number}" data-find="{found_by(prediction)}" data-ok="{verdict_of(prediction)}"'
    return f'<article class="{css}" {about}>{parts}<p class="foot">{foot}</p></article>\n'
