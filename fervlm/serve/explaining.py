"""What a worker does for one request: faces or records in, predictions with their drawings out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fervlm.errors import FervlmError
from fervlm.facs.labels import LabelSet, label_set, label_set_from_words
from fervlm.predict.clips import explain_clip
from fervlm.predict.cut_faces import CutFaces
from fervlm.predict.pictures import PictureReader
from fervlm.predict.rules import Explainer
from fervlm.predict.tracks import explain_tracks
from fervlm.records import AURecord, Prediction
from fervlm.serve.drawing import record_figure, seen_figure
from fervlm.serve.schemas import Choices, Figure, Per

PEEKED = 32
"""Records looked at to tell a recording from stills; more than the faces of most frames."""
CACHED = 256


@dataclass(frozen=True, slots=True)
class Made:
    """What one request gave.

    Attributes:
        predictions: largest face first, or in the order of the evidence.
        notes: what a user should know.
        figures: one a prediction where drawings were asked for.
    """

    predictions: list[Prediction]
    notes: list[str]
    figures: list[Figure] | None = None


def wanted(choices: Choices) -> LabelSet | tuple[str, ...] | str:
    """The labels of a request as the readers take them."""
    return tuple(choices.labels) if choices.labels else choices.label_set


def explain_picture(
    reader: PictureReader, picture: bytes | CutFaces, name: str, choices: Choices, *, draw: bool = False
) -> Made:
    """Every face of a picture, or those cut out of one, which are not drawn; errors as for `PictureReader.see`."""
    labels = wanted(choices)
    seen, notes = reader.see(
        picture,
        labels,
        name=name,
        face_is_crop=choices.face_is_crop,
        seed=choices.seed,
        observe_only=choices.observe_only,
    )
    told = [] if choices.observe_only else list(reader.notes(labels))
    figures = None
    if draw and isinstance(picture, bytes):
        figures = [seen_figure(picture, face, f"f{k}") for k, face in enumerate(seen)]
    return Made([face.prediction for face in seen], [*notes, *told], figures)


def explain_shown(reader: PictureReader, picture: bytes, name: str, choices: Choices) -> Made:
    """As `explain_picture`; a picture in which no face is found is taken as a face cut out, as chats often show one."""
    try:
        return explain_picture(reader, picture, name, choices)
    except FervlmError as error:
        if choices.face_is_crop or not error.what.startswith("no face"):
            raise
    return explain_picture(reader, picture, name, choices.model_copy(update={"face_is_crop": True}))


def classify_picture(reader: PictureReader, picture: bytes, name: str, choices: Choices, *, unknown: bool) -> Made:
    """Labels alone; errors as for `PictureReader.classify_faces`."""
    labels = wanted(choices)
    labelling = reader.labelling(labels, unknown=unknown)
    faces = reader.cut(picture, name, face_is_crop=choices.face_is_crop)
    found = list(reader.classify_faces([faces], labelling, mirror=True))
    return Made(found, [*faces.notes, *labelling.notes])


def explain_records(records: Sequence[AURecord], choices: Choices, per: Per, *, draw: bool = False) -> Made:
    """Rows of a detector explained: a recording as one clip a face, stills one by one, unless `per` says otherwise."""
    engine = Explainer(_label_set(choices), choices.seed, choices.observe_only, CACHED)
    chosen = per if per != "auto" else "clip" if is_recording(records) else "frame"
    figures: list[Figure] = []
    if chosen == "frame":
        found = list(explain_clip(records, per="frame", explainer=engine))
        if draw:
            figures = [record_figure(one, None, f"r{k}") for k, one in enumerate(found[:_MOST_DRAWN])]
        return Made(found, [], figures if draw else None)
    pairs = list(explain_tracks(records, per=chosen, seed=choices.seed, explainer=engine))
    if draw:
        figures = [record_figure(one, track, f"r{k}") for k, (track, one) in enumerate(pairs[:_MOST_DRAWN])]
    notes = [] if pairs else ["Nothing moves in this recording."]
    return Made([one for _, one in pairs], notes, figures if draw else None)


_MOST_DRAWN = 32


def _label_set(choices: Choices) -> LabelSet:
    return label_set_from_words(tuple(choices.labels)) if choices.labels else label_set(choices.label_set)


def is_recording(records: Sequence[AURecord]) -> bool:
    """Whether the records look like frames of one video: not of several pictures, and not all of one moment."""
    first = records[:PEEKED]
    if len({record.picture for record in first}) > 1:
        return False
    moments = {(record.frame, record.time_s) for record in first} - {(None, None)}
    return len(moments) > 1


def evidence_of(reader: PictureReader, picture: bytes, name: str, *, face_is_crop: bool) -> AURecord:
    """What the model's AU head reads in the largest face."""
    found = reader.evidence(picture, name=name, face_is_crop=face_is_crop)
    if not found:
        raise FervlmError("no face was found in it", file=name)
    return found[0]
