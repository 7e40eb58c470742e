"""A model's label beside the one that the action units imply: same choice of labels, neither bent to the other."""

from __future__ import annotations

from collections.abc import Sequence

from fervlm.facs.labels import LabelSet, canonical_label, label_set, label_set_from_words
from fervlm.predict.labelling import Scored
from fervlm.records import Agreement, AURecord, Prediction

DEFAULT_LABELS = "basic8"


def picture_evidence(record: AURecord) -> str:
    """What a caption of a picture was checked against, in words: our own head's reading, not the truth about a face."""
    face = f" face {record.face_id}" if record.face_id is not None else ""
    return f"action units that {record.detector.name} {record.detector.version} read in {record.source.file}{face}"


def with_label(prediction: Prediction, scored: Scored, face: int, calibration: str) -> Prediction:
    """The model's label beside the one that the action units imply; neither changes the other."""
    implied, told = prediction.label, scored.likeliest(face)
    return prediction.model_copy(
        update={
            "label": told,
            "probabilities": scored.by_label(face),
            "unknown_score": None if scored.unknown is None else round(float(scored.unknown[face]), 4),
            "agreement": Agreement(au_label=implied, model_label=told, equal=same_label(implied, told)),
            "calibration": calibration,
        }
    )


def same_label(one: str | None, other: str | None) -> bool:
    """Whether two labels stand for one class of the FACS tables."""
    if one is None or other is None:
        return False
    return one.lower() == other.lower() or (canonical_label(one) or one) == (canonical_label(other) or other)


def words_of(labels: LabelSet | Sequence[str] | str) -> tuple[str, ...]:
    """Labels as words: of a set, of a set's name, or as given."""
    if isinstance(labels, LabelSet):
        return labels.labels
    return label_set(labels).labels if isinstance(labels, str) else tuple(labels)


def for_units(labels: LabelSet | Sequence[str] | str) -> LabelSet:
    """The set that the action units choose from: the same one, or the basic labels where no table knows its words."""
    if isinstance(labels, LabelSet):
        return labels
    if isinstance(labels, str):
        return label_set(labels)
    known = any(canonical_label(word) is not None for word in labels)
    return label_set_from_words(tuple(labels)) if known else label_set(DEFAULT_LABELS)
