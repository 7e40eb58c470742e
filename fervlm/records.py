"""The nouns: one record for evidence, one for a caption, one for a prediction.

The same JSON schema stands in the data set, in a model's answer, on the wire and in a report. All records are frozen
and refuse unknown fields. `left` and `right` are always the *subject's* sides.
"""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = "1"

Side = Literal["left", "right", "both"]
State = Literal["present", "absent"]
Scale = Literal["intensity_0_5", "probability", "score", "presence", "coefficient", "evidence_log10"]
Trust = Literal["high", "medium", "low"]
Tracking = Literal["ok", "failed", "no_face"]
Verdict = Literal["supported", "contradicted", "unmeasured", "forbidden"]
Confidence = Literal["low", "moderate", "high"]
Section = Literal["overview", "observation", "interpretation", "conclusion", "course", "text"]

Degrees = Annotated[float, Field(ge=-360, le=360, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Unit01 = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Record(BaseModel):
    """Base of every noun: immutable, closed, compared by value."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    def _repr_html_(self) -> str | None:
        """What a notebook shows; None (the plain repr) for records that have no view of their own."""
        # Found by name, as drawing stands above the records and must not be imported below it.
        shown: str | None = import_module("fervlm.vision.notebook").view(self)
        return shown


_R = TypeVar("_R", bound=Record)
_new, _put = object.__new__, object.__setattr__


def assemble(record: type[_R], fields: frozenset[str], values: dict[str, Any]) -> _R:
    """A record from values of all its fields that are right by construction; nothing is checked.

    `model_construct` without its loop over the fields: for what is made a dozen times a face. `fields` are those that
    count as set.
    """
    made = _new(record)
    _put(made, "__dict__", values)
    _put(made, "__pydantic_fields_set__", set(fields))  # a set of its own: `model_copy` adds to it
    _put(made, "__pydantic_extra__", None)
    _put(made, "__pydantic_private__", None)
    return made


class AUReading(Record):
    """One number (or bit) a detector wrote for one action unit, with its scale and, where measured, its side."""

    au: int = Field(ge=1, le=99, description="FACS number.")
    side: Side | None = Field(None, description="Subject's side; null where the detector does not measure by side.")
    state: State = Field(description="The detector's own verdict at `threshold`.")
    value: Finite | None = Field(None, description="The number as written; null where only presence was given.")
    scale: Scale = Field(description="What the number means; only `intensity_0_5` is a strength.")
    threshold: Finite | None = Field(None, description="`state` is present at or above this value.")


class Source(Record):
    """Where a record came from."""

    file: str = Field(description="File as given by the user; `<stdin>` for standard input.")
    row: int | None = Field(None, ge=1, description="1-based line (tables, header = 1) or item (JSON).")


class Box(Record):
    """A face's place in its picture, in pixels, origin top left."""

    x: Finite
    y: Finite
    width: Finite = Field(ge=0)
    height: Finite = Field(ge=0)


class Landmarks(Record):
    """Facial points in picture pixels."""

    scheme: Literal["ibug68", "mediapipe478", "mediapipe57", "facet6", "other"] = Field(description="Point order.")
    points: tuple[tuple[float, float], ...] = Field(description="(x, y) each, origin top left.")


class Detector(Record):
    """Which tool measured, and how far its numbers may be trusted."""

    name: str = Field(description="Detector id, as in `fervlm formats`.")
    version: str | None = Field(None, description="Tool version where the file tells it.")
    trust: Trust = Field(description="How far its numbers carry; low trust is said in the text.")
    calibration: str | None = Field(None, description="Named table that turns coefficients into levels, if any.")


class Head(Record):
    """Head rotation in degrees: pitch > 0 is down, yaw > 0 is towards the subject's left, roll > 0 tilts left."""

    pitch: Degrees | None = None
    yaw: Degrees | None = None
    roll: Degrees | None = None


class Gaze(Record):
    """Gaze angles in degrees: `x` > 0 is towards the subject's left, `y` > 0 is down."""

    x: Degrees | None = None
    y: Degrees | None = None


class Quality(Record):
    """Whether the face was tracked at all, and how well."""

    tracking: Tracking = Field("ok", description="`failed` and `no_face` records carry no readings.")
    confidence: Unit01 | None = Field(None, description="The tool's own confidence in the face or its landmarks.")
    pose: Literal["frontal", "turned", "extreme"] | None = Field(None, description="From the head angles, where given.")
    occlusion: tuple[str, ...] = Field((), description="Regions reported hidden (FACS 70 to 73).")


class AURecord(Record):
    """All that one detector said about one face in one picture or frame."""

    schema_version: Literal["1"] = "1"
    id: str = Field(description="Unique within its file; stable between reads.")
    source: Source
    face_id: str | None = Field(None, description="Keeps several faces of one video apart.")
    frame: int | None = Field(None, ge=0, description="As the tool numbers it.")
    time_s: Finite | None = Field(None, description="Seconds from the start of the recording.")
    picture: str | None = Field(None, description="Picture or video the tool saw, as its file names it.")
    derived: str | None = Field(None, description="What was computed from the tool's rows; null: nothing, as written.")
    box: Box | None = None
    landmarks: Landmarks | None = None
    detector: Detector
    readings: tuple[AUReading, ...] = Field((), description="May hold several readings of one AU (heads, sides).")
    not_measured: tuple[int, ...] = Field((), description="AUs this detector cannot see; nothing may be said of them.")
    quality: Quality = Quality()
    head: Head | None = None
    gaze: Gaze | None = None
    dataset_label: str | None = Field(None, description="A label found beside the evidence; never changes a text.")
    subject: str | None = Field(None, description="Pseudonymous person id for subject-disjoint splits.")


class UnitMention(Record):
    """An AU (and side) that a sentence rests on."""

    au: int = Field(ge=1, le=99, description="FACS number.")
    side: Side | None = Field(None, description="Named side, if the sentence names one.")


class Observation(Record):
    """One sentence on one facial region; movements only, no emotion word."""

    region: str = Field(description="brow, eyes, cheeks, nose, mouth, chin, jaw, neck, head, gaze, or quality.")
    text: str
    units: tuple[UnitMention, ...] = Field((), description="The AUs the sentence rests on.")


class Alternative(Record):
    """A candidate label with the AUs that speak for and against it."""

    label: str
    score: Unit01 | None = Field(None, description="Support from the AU prototypes, 0 to 1; not a probability.")
    units_for: tuple[int, ...] = ()
    units_against: tuple[int, ...] = ()
    not_measured: tuple[int, ...] = Field((), description="Core AUs of this label that the detector cannot see.")


class Conclusion(Record):
    """The label comes last, ranked, conditional, able to abstain."""

    label: str | None = Field(description="A label of the chosen set, or null on abstention.")
    confidence: Confidence
    alternatives: tuple[Alternative, ...] = Field((), description="Ranked; the first is the label's own row if any.")
    abstain: str | None = Field(None, description="Why no label is given; null where one is.")
    text: str


class Provenance(Record):
    """Which engine wrote which text from what."""

    engine: str = Field(description="`fervlm VERSION` or the model that wrote it.")
    detector: str | None = None
    scales: tuple[Scale, ...] = ()
    label_set: str | None = None
    view: Literal["blind", "anchored"] = "blind"
    prompt_digest: str | None = None
    model: str | None = None
    adapter: str | None = None
    seed: int | None = None


class Caption(Record):
    """Key observations, interpretation, conclusion."""

    schema_version: Literal["1"] = "1"
    overview: str = Field(description="One sentence on the whole face, free of emotion words.")
    observations: tuple[Observation, ...]
    interpretation: str
    conclusion: Conclusion
    provenance: Provenance | None = None


class Claim(Record):
    """Something a sentence asserts, as read back from its text."""

    kind: Literal["au", "intensity", "side", "label", "emotion_word", "person", "order", "quality"]
    text: str = Field(description="The words it was read from.")
    start: int = Field(ge=0, description="Offset in the sentence, in characters.")
    aus: tuple[int, ...] = Field((), description="Any of these would make it true.")
    side: Side | None = None
    level: tuple[int, int] | None = Field(None, description="Lowest and highest FACS level the words allow (A = 1).")
    negated: bool = False
    hedged: bool = False
    label: str | None = None
    verdict: Verdict
    reason: str | None = Field(None, description="One clause, where the verdict is not `supported`.")


class SentenceCheck(Record):
    """A sentence with the claims found in it and their verdicts."""

    section: Section
    region: str | None = None
    text: str
    claims: tuple[Claim, ...] = ()
    ok: bool = True


class Scores(Record):
    """Numbers of one verification. AU mentions are compared with the AUs the evidence calls present."""

    precision: Unit01
    recall: Unit01
    f1: Unit01
    omitted_strong: tuple[int, ...] = Field((), description="AUs at level D or E that the text leaves out.")
    side_errors: int = 0
    intensity_errors: int = 0
    contradicted: int = 0
    unmeasured: int = 0
    forbidden: int = 0
    leaks: int = Field(0, description="Emotion words inside the overview or observations.")
    label_consistent: bool | None = Field(
        None, description="Conclusion agrees with the interpretation; null: no label."
    )
    format_ok: bool = True


class Verification(Record):
    """What was claimed, and whether the evidence bears it out."""

    schema_version: Literal["1"] = "1"
    sentences: tuple[SentenceCheck, ...]
    scores: Scores
    ok: bool = Field(description="No claim contradicted, unmeasured or forbidden, and the format is right.")
    against: str = Field(description="Which evidence this was checked against; faithfulness to it, not truth.")


class AUEvent(Record):
    """One movement in a recording: onset, apex, offset."""

    au: int = Field(ge=1, le=99)
    side: Side | None = None
    onset_s: Finite
    apex_s: Finite
    offset_s: Finite
    onset_frame: int | None = None
    apex_frame: int | None = None
    offset_frame: int | None = None
    peak: Finite | None = Field(None, description="Largest smoothed value, baseline subtracted, on `scale`.")
    scale: Scale
    open_start: bool = Field(False, description="Already under way when tracking began.")
    open_end: bool = Field(False, description="Still under way when tracking ended.")


class Agreement(Record):
    """The AU-implied label beside the model's, never bent to each other."""

    au_label: str | None
    model_label: str | None
    equal: bool


class Versions(Record):
    """What made a prediction."""

    engine: str
    model: str | None = None
    adapter: str | None = None
    detector: str | None = None


class Prediction(Record):
    """An explained expression for one face: one line of `fervlm explain --format jsonl`."""

    schema_version: Literal["1"] = "1"
    id: str
    source: Source
    face_id: str | None = None
    frame: int | None = None
    span_s: tuple[Finite, Finite] | None = Field(None, description="Start and end of an event or clip.")
    box: Box | None = None
    label: str | None = Field(
        description="The conclusion's label, or the model's where one looked at the picture; null on abstention."
    )
    probabilities: dict[str, Unit01] | None = Field(None, description="Calibrated, where a model scored the labels.")
    unknown_score: Finite | None = None
    valence: Annotated[float, Field(ge=-1, le=1)] | None = None
    arousal: Annotated[float, Field(ge=-1, le=1)] | None = None
    affect_source: str | None = Field(None, description="Where valence and arousal come from.")
    pain: Annotated[float, Field(ge=0, le=16)] | None = Field(None, description="PSPI; true intensities only.")
    pain_ceiling: Annotated[float, Field(ge=0, le=16)] | None = Field(None, description="Largest PSPI measurable here.")
    agreement: Agreement | None = None
    caption: Caption | None = Field(description="Null where there is no face to describe.")
    course: str | None = Field(None, description="What happens over time, for an event or clip.")
    events: tuple[AUEvent, ...] = ()
    evidence: AURecord
    verification: Verification | None = None
    backend: str
    versions: Versions
    calibration: str | None = None
    timing_ms: Finite | None = None


class RegionText(Record):
    """A sentence on part of a face and the AUs it affirms; the local view of contrastive training."""

    text: str
    aus: tuple[int, ...] = ()


class HardNegative(Record):
    """A text that is wrong by one minimal edit."""

    text: str
    of: str = Field(description="What was edited: `overview`, `summary`, or `region:K`.")
    edit: Literal["au_swapped", "strength_changed", "negated", "side_flipped", "class_negated"]


class ContrastiveTexts(Record):
    """Everything the contrastive model reads of one sample."""

    overview: str
    regions: tuple[RegionText, ...]
    summary: str = Field(description="The conclusion from the AUs.")
    summary_anchored: str | None = Field(None, description="The conclusion with the human label, where there is one.")
    au_vector: tuple[Literal[-1, 0, 1], ...] = Field(
        description="1 present, 0 absent, -1 not measured, in the order of `facs.units.movement_units()`."
    )
    negatives: tuple[HardNegative, ...] = ()


class ChatMessage(Record):
    """One turn; the first user turn stands beside the picture."""

    role: Literal["system", "user", "assistant"]
    content: str


class Chat(Record):
    """One conversation about one picture."""

    kind: str = Field(description="label, caption, region, why_not, against, observe_only, not_measured, ...")
    view: Literal["blind", "anchored"]
    messages: tuple[ChatMessage, ...]


class Sample(Record):
    """A training sample: picture, captions, texts, conversations, and the human label in a field of its own."""

    schema_version: Literal["1"] = "1"
    id: str
    picture: str | None = Field(None, description="The picture's name in the data set.")
    caption: Caption = Field(description="The blind caption: everything from the evidence alone.")
    anchored: Caption | None = Field(None, description="Overview and conclusion carry the human label; rest unchanged.")
    evidence: AURecord
    contrastive: ContrastiveTexts
    chats: tuple[Chat, ...] = ()
    human_label: str | None = None
    support: Unit01 | None = Field(None, description="p(human label | AUs), fitted on the set.")
    split: str
    subject: str | None = None
    source: str | None = None
    flipped: bool = Field(False, description="The picture is mirrored and the sides in every text are swapped.")


SCHEMAS: dict[str, type[Record]] = {
    "AURecord": AURecord,
    "Caption": Caption,
    "Prediction": Prediction,
    "Sample": Sample,
    "Verification": Verification,
}
