"""How records show themselves in a notebook: small HTML that needs nothing but itself."""

from __future__ import annotations

import hashlib

from fervlm.reasoning.observe import observe
from fervlm.records import AURecord, Caption, Prediction, Record, Verification
from fervlm.vision.assets import asset
from fervlm.vision.draw_face import BARE_HEIGHT, WIDTH, face_figure, svg_document
from fervlm.vision.draw_legend import describe
from fervlm.vision.draw_marks import marks_of
from fervlm.vision.lettering import escape
from fervlm.vision.page_card import candidates_html, evidence_html, sentence_html, sentences_html, units_html
from fervlm.vision.sentences import (
    TITLES,
    Sentence,
    affect_line,
    caption_sentences,
    checked_line,
    checked_sentences,
    detector_line,
    headline,
    place_line,
)


def view(record: Record) -> str | None:
    """HTML for an `AURecord`, `Prediction`, `Caption` or `Verification`; None for any other record."""
    if isinstance(record, Prediction):
        return _framed(_prediction(record))
    if isinstance(record, AURecord):
        return _framed(_evidence(record))
    if isinstance(record, Caption):
        return _framed(f'<div class="words">{_told(list(caption_sentences(record)))}</div>')
    if isinstance(record, Verification):
        told = _told(list(checked_sentences(record)))
        return _framed(f'<div class="words">{told}<p class="foot">{escape(checked_line(record))}</p></div>')
    return None


def _framed(body: str) -> str:
    return f'<style>{asset("notebook.css")}</style><div class="fervlm">{body}</div>'


def _told(sentences: list[Sentence]) -> str:
    out = []
    for section, title in TITLES.items():
        items = "".join(sentence_html(s, focusable=False) for s in sentences if s.section == section)
        out.append(f'<h3>{title}</h3><ul class="said">{items}</ul>' if items else "")
    return "".join(out)


def _face(record: AURecord) -> str:
    # Ids must differ between the outputs of one notebook; equal records may share theirs, being drawn alike.
    uid = "f" + hashlib.blake2b(record.model_dump_json().encode(), digest_size=6).hexdigest()
    evidence = observe(record)
    body = face_figure(evidence, record, uid=uid)
    drawing = svg_document(body, WIDTH, BARE_HEIGHT, title=describe(evidence, marks_of(evidence, record)))
    return f'<div class="drawn">{drawing}</div>'


def _evidence(record: AURecord) -> str:
    evidence = observe(record)
    marks = marks_of(evidence, record)
    where = " \u00b7 ".join(
        part
        for part in (
            record.picture or record.source.file,
            f"face {record.face_id}" if record.face_id else "",
            f"{record.time_s:.2f} s" if record.time_s is not None else "",
            f"trust: {record.detector.trust}",
        )
        if part
    )
    units = units_html(marks) or f"<p>{describe(evidence, marks)}</p>"
    words = f'<p class="place">{escape(where)}</p><p class="name">{escape(record.detector.name)}</p>{units}'
    return f'{_face(record)}<div class="words">{words}{evidence_html(record, marks)}</div>'


def _prediction(prediction: Prediction) -> str:
    label, certainty = headline(prediction)
    affect = affect_line(prediction)
    alternatives = prediction.caption.conclusion.alternatives[:4] if prediction.caption else ()
    foot = f"{escape(checked_line(prediction.verification))} {escape(detector_line(prediction))}"
    words = (
        f'<p class="place">{escape(place_line(prediction))}</p>'
        f'<p class="name">{escape(label)} <small>{escape(certainty)}</small></p>'
        + (f'<p class="affect">{escape(affect)}</p>' if affect else "")
        + sentences_html(prediction, focusable=False)
        + candidates_html(alternatives)
        + f'<p class="foot">{foot}</p>'
    )
    return f'{_face(prediction.evidence)}<div class="words">{words}</div>'
