"""Predictions as one flat CSV row each, for spreadsheets and statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fervlm.records import AURecord, Prediction

COLUMNS = (
    "id",
    "file",
    "row",
    "face_id",
    "frame",
    "start_s",
    "end_s",
    "label",
    "au_label",
    "confidence",
    "abstain",
    "alternatives",
    "valence",
    "arousal",
    "pain",
    "present_aus",
    "overview",
    "observations",
    "interpretation",
    "conclusion",
    "course",
    "checked",
    "faults",
)
"""`checked` is 1 where every claim is borne out, 0 where not, empty where nothing was checked."""

Cell = str | int | float | None


def present_aus(record: AURecord) -> str:
    """Present AUs joined by `+`, a single side as L or R before the number (`1+2+L12`)."""
    from fervlm.reasoning.observe import observe

    letters = {"left": "L", "right": "R"}
    return "+".join(f"{letters.get(unit.side or '', '')}{unit.au}" for unit in observe(record).active)


def row(prediction: Prediction) -> tuple[Cell, ...]:
    """Cells in the order of `COLUMNS`; None becomes an empty cell."""
    source, caption, check = prediction.source, prediction.caption, prediction.verification
    conclusion = caption.conclusion if caption else None
    start, end = prediction.span_s or (prediction.evidence.time_s, prediction.evidence.time_s)
    others = [other.label for other in conclusion.alternatives if other.label != prediction.label] if conclusion else []
    return (
        prediction.id,
        source.file,
        source.row,
        prediction.face_id,
        prediction.frame,
        start,
        end,
        prediction.label,
        conclusion.label if conclusion else None,
        conclusion.confidence if conclusion else None,
        conclusion.abstain if conclusion else prediction.evidence.quality.tracking,
        "|".join(others),
        prediction.valence,
        prediction.arousal,
        prediction.pain,
        present_aus(prediction.evidence),
        caption.overview if caption else None,
        " ".join(observation.text for observation in caption.observations) if caption else None,
        caption.interpretation if caption else None,
        conclusion.text if conclusion else None,
        prediction.course,
        None if check is None else int(check.ok),
        None if check is None else sum(c.verdict != "supported" for s in check.sentences for c in s.claims),
    )
