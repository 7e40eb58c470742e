"""What requests and answers hold. The records inside are those of `fervlm.records`, unchanged."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fervlm.facs.labels import label_set_names
from fervlm.records import AUReading, AURecord, Box, Caption, Prediction, SentenceCheck, Verification

MOST_LABELS, LONGEST_LABEL, LONGEST_NAME, LONGEST_TEXT = 64, 80, 200, 20_000
PICTURE, AU_FILE, AU_FORMAT, WORD, MODEL = "picture", "au-file", "au-format", "expression", "model"
"""Formats of our own in the OpenAPI document: an encoded picture, a detector's file, its format as `fervlm formats`
names it, a word for an expression, a model as /v1/models names it."""

Per = Literal["auto", "frame", "event", "clip"]
Word = Annotated[str, Field(min_length=1, max_length=LONGEST_LABEL, json_schema_extra={"format": WORD})]


class Wire(BaseModel):
    """Base of requests: closed, and as strict as JSON Schema is."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Choices(Wire):
    """What is asked of each face."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["label_set", "labels"]}})

    label_set: str = Field("basic8", json_schema_extra={"enum": list(label_set_names())}, description="A named set.")
    labels: list[Word] = Field(
        [],
        min_length=1,
        max_length=MOST_LABELS,
        json_schema_extra={"uniqueItems": True},
        description="Your own words instead.",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Chooses among true wordings, never among contents.")
    observe_only: bool = Field(False, description="Movements only: no label, no emotion word.")
    face_is_crop: bool = Field(False, description="The picture is one face, cut out.")
    model: str = Field(
        "",
        min_length=1,
        max_length=LONGEST_NAME,
        json_schema_extra={"format": MODEL},
        description="Which of /v1/models explains a picture; the first by default.",
    )


class Asked(Choices):
    """One picture, or what an AU detector measured."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["picture"]}, {"required": ["evidence"]}],
            "not": {"required": ["label_set", "labels"]},
        }
    )

    picture: str = Field(
        "",
        min_length=1,
        json_schema_extra={"format": PICTURE},
        description="An encoded picture as base64 or data URL; an https URL where the server allows its host.",
    )
    evidence: AURecord | list[AURecord] | Annotated[str, Field(min_length=1, json_schema_extra={"format": AU_FILE})] = (
        Field([], description="AU records, or the text of a detector's file (`fervlm formats` lists them).")
    )
    name: str = Field("", max_length=LONGEST_NAME, description="What to call it in the answer.")
    input_format: str = Field(
        "", json_schema_extra={"format": AU_FORMAT}, description="Overrules the detection: NAME[:OPTION=X,...]."
    )
    per: Per = Field("auto", description="For evidence: one explanation a clip, an episode or a row.")


class ExplainAsked(Asked):
    """A request to /v1/explain."""

    stream: bool = Field(False, description="Sections as server-sent events, each verified as it closes.")
    draw: bool = Field(False, description="Also SVG drawings.")


class ClassifyAsked(Choices):
    """A request to /v1/classify."""

    picture: str = Field(min_length=1, json_schema_extra={"format": PICTURE}, description="As in /v1/explain.")
    name: str = Field("", max_length=LONGEST_NAME, description="What to call it in the answer.")
    unknown: bool = Field(False, description="No label for a face that fits none.")


class VerifyAsked(Wire):
    """A request to /v1/verify: a text, and what to hold it against."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["picture"]}, {"required": ["evidence"]}]})

    text: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)] | Caption = Field(
        description="Any text on the face, or a caption."
    )
    picture: str = Field("", min_length=1, json_schema_extra={"format": PICTURE}, description="As in /v1/explain.")
    evidence: AURecord | list[AURecord] | Annotated[str, Field(min_length=1, json_schema_extra={"format": AU_FILE})] = (
        Field([], description="As in /v1/explain; the first record counts.")
    )
    name: str = Field("", max_length=LONGEST_NAME, description="What to call the evidence in the answer.")
    input_format: str = Field("", json_schema_extra={"format": AU_FORMAT}, description="As in /v1/explain.")
    face_is_crop: bool = Field(False, description="The picture is one face, cut out.")


class Item(Wire):
    """One picture of a batch."""

    id: str = Field("", max_length=LONGEST_NAME, description="Comes back with the answer.")
    picture: str = Field(min_length=1, json_schema_extra={"format": PICTURE}, description="As in /v1/explain.")


class BatchAsked(Choices):
    """A request to /v1/batch."""

    items: list[Item] = Field(min_length=1, max_length=256, description="Answered in this order.")


class DrawAsked(Wire):
    """A request to /v1/draw: predictions as an answer gave them."""

    predictions: list[Prediction] = Field(min_length=1, max_length=64)
    picture: str = Field("", json_schema_extra={"format": PICTURE}, description="The photograph they speak of, if any.")
    face_is_crop: bool = Field(False, description="As it was when they were made.")
    format: Literal["html", "png", "svg"] = Field("html", description="png and svg draw the first prediction.")


class Figure(BaseModel):
    """Drawings of one prediction, as SVG; what moves carries `data-au`."""

    overlay: str | None = Field(description="Muscles and names, over a photograph, in its pixels.")
    drawing: str = Field(description="The drawn face, or the photograph with where the model looked.")
    timeline: str | None = Field(None, description="Of a clip.")


class Answer(BaseModel):
    """What /v1/explain and /v1/classify answer."""

    schema_version: Literal["1"] = "1"
    backend: str = Field(description="What made the predictions: `onnx`, `rules`, `vllm` or `transformers`.")
    model: str
    predictions: list[Prediction] = Field(description="Largest face first; in the order of the evidence.")
    notes: list[str] = Field([], description="What a user should know of the picture and of the labels.")
    figures: list[Figure] | None = None


class Told(BaseModel):
    """A caption as text and as a record."""

    id: str
    text: str = Field(description="Overview, key observations, interpretation, conclusion.")
    caption: Caption | None
    verification: Verification | None


class CaptionAnswer(BaseModel):
    """What /v1/caption answers."""

    schema_version: Literal["1"] = "1"
    backend: str
    model: str
    captions: list[Told]
    notes: list[str] = []


class BatchLine(BaseModel):
    """A line of /v1/batch: predictions, or the error of this item alone."""

    index: int
    id: str
    predictions: list[Prediction] | None = None
    notes: list[str] = []
    error: dict[str, Any] | None = Field(None, description="A problem, as an answer of its own would have it.")


class MarkInfo(BaseModel):
    """A present action unit, as it may be shown."""

    au: int
    name: str
    side: Literal["", "left", "right"] = Field(description="The subject's; empty where both or not measured by side.")
    level: int | None = Field(description="1 to 5 for A to E; null where only presence is known.")
    strength: str


class FaceEvent(BaseModel):
    """`event: face`: what was measured, before anything is said of it."""

    face: int
    id: str
    box: Box | None
    readings: list[AUReading]
    marks: list[MarkInfo]
    figure: Figure | None = None


class SectionEvent(BaseModel):
    """`event: section`: one part of the explanation, verified."""

    face: int
    section: str
    text: str
    sentences: list[SentenceCheck]
    ok: bool


class LabelSetInfo(BaseModel):
    """One label set."""

    name: str
    labels: list[str]
    note: str | None


class LabelSets(BaseModel):
    """What /v1/label-sets answers."""

    label_sets: list[LabelSetInfo]


class ModelInfo(BaseModel):
    """One model, as OpenAI lists it, with what made it and how it was tried."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "fervlm"
    backend: str
    version: str | None = None
    adapter: str | None = None
    parity: dict[str, Any] | None = Field(None, description="The last comparison with the training stack.")


class Models(BaseModel):
    """What /v1/models answers."""

    object: Literal["list"] = "list"
    data: list[ModelInfo]


class Notice(BaseModel):
    """What those whose faces are shown must be told."""

    text: str
    observe_only: bool


class Health(BaseModel):
    """How the server is."""

    status: Literal["ok"] = "ok"
    version: str
