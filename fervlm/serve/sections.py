"""A prediction told part by part: what a stream sends, and what a text says of it."""

from __future__ import annotations

from collections.abc import Iterator

from fervlm.reasoning.answers import render
from fervlm.reasoning.observe import observe
from fervlm.records import Prediction
from fervlm.serve.schemas import FaceEvent, Figure, MarkInfo, SectionEvent
from fervlm.vision.draw_marks import marks_of
from fervlm.vision.page_card import sides_of
from fervlm.vision.sentences import TITLES


def face_event(face: int, prediction: Prediction, figure: Figure | None) -> FaceEvent:
    """What was measured."""
    record = prediction.evidence
    shown = [
        MarkInfo.model_validate(
            {"au": mark.au, "name": mark.name, "side": side, "level": mark.level, "strength": mark.strength}
        )
        for mark, side in sides_of(marks_of(observe(record), record))
    ]
    readings = list(record.readings)
    return FaceEvent(face=face, id=prediction.id, box=prediction.box, readings=readings, marks=shown, figure=figure)


def section_events(face: int, prediction: Prediction) -> Iterator[SectionEvent]:
    """Overview, observations, interpretation, course, conclusion, each with the verdict on its sentences."""
    if prediction.verification is None:
        return
    checks = prediction.verification.sentences
    for section in TITLES:
        members = [check for check in checks if check.section == section]
        if members:
            text = " ".join(check.text for check in members)
            ok = all(check.ok for check in members)
            yield SectionEvent(face=face, section=section, text=text, sentences=members, ok=ok)


def caption_text(prediction: Prediction) -> str:
    """The caption under its headings; a sentence where there is none."""
    if prediction.caption is None:
        return "There is no face to describe.\n"
    return render(prediction.caption, details=False)
