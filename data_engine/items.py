"""What travels between the stages: a joined picture and its evidence, its captions, and what was turned away."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fervlm.records import AURecord, Caption, Record

Reason = Literal[
    "unreadable_picture",
    "picture_without_evidence",
    "evidence_without_picture",
    "label_without_picture",
    "no_face",
    "tracking_failed",
    "several_faces",
    "label_outside_set",
    "duplicate_id",
    "verifier_finding",
    "label_unsupported",
    "near_duplicate",
    "too_short",
    "too_long",
    "frame_share",
    "balance",
    "teacher_failed",
]
"""Why something left the set; one code each, counted on the card."""


class Picture(Record):
    """A picture by reference: a file of its own, or a row of a Parquet table that embeds it."""

    file: str = Field(description="Picture file, or the Parquet file that embeds it.")
    row: int | None = Field(None, ge=0, description="0-based row in the Parquet file; null for a picture file.")
    name: str = Field(description="The name evidence and labels are joined by, with forward slashes.")


class Joined(Record):
    """One face: its picture (if any), its evidence, and what people said of it."""

    n: int = Field(ge=0, description="Position in input order; the set's order.")
    id: str = Field(description="Unique in the set: the picture's name, with the face where there are several.")
    picture: Picture | None
    evidence: AURecord
    label: str | None = Field(None, description="Human label as the label set writes it; supervises, changes no text.")
    split: str | None = None
    subject: str | None = None
    source: str | None = Field(None, description="Collection the picture belongs to, for balance and licence.")


class PictureFacts(Record):
    """What opening the picture told."""

    width: int = Field(ge=1)
    height: int = Field(ge=1)
    sha256: str = Field(description="Of the decoded pixels, so that a renamed or re-wrapped copy is found.")
    dhash: str = Field(description="64-bit difference hash, 16 hex digits: each pixel against its right neighbour.")
    vhash: str = Field(description="The same downwards: each pixel against the one below.")


class Checked(Record):
    """One verification in numbers."""

    sentences: int = Field(0, ge=0)
    claims: int = Field(0, ge=0, description="Claims read back from the text.")
    contradicted: int = Field(0, ge=0)
    unmeasured: int = Field(0, ge=0)
    forbidden: int = Field(0, ge=0)
    leaks: int = Field(0, ge=0, description="Emotion words in the overview or the observations.")


class TeacherTrace(Record):
    """How a language model's text came about."""

    mode: Literal["rewrite", "see", "label-check"]
    model: str
    prompt_digest: str
    attempts: int = Field(ge=0, description="Answers asked for, the last one included.")
    passed: bool = Field(description="An answer was borne out and taken; otherwise the draft was kept or dropped.")
    findings: tuple[str, ...] = Field((), description="What was wrong with the last answer, if it did not pass.")
    tokens: int | None = Field(None, ge=0, description="Prompt and completion tokens as the server counted them.")
    inferred_label: str | None = Field(None, description="label-check: the label the description alone led to.")


class Draft(Record):
    """A face with its captions, the first of which is the one to keep where one must be chosen."""

    joined: Joined
    facts: PictureFacts | None = None
    present: tuple[int, ...] = Field((), description="AUs the evidence calls present.")
    absent: tuple[int, ...] = ()
    captions: tuple[Caption, ...]
    findings: tuple[str, ...] = Field((), description="Verifier findings on the first caption; empty when clean.")
    checked: Checked | None = Field(None, description="The verification of the first caption in numbers.")
    teacher: TeacherTrace | None = None


class Reject(Record):
    """Something that left the set, and why."""

    id: str
    stage: Literal["ingest", "draft", "teacher", "gate", "export"]
    code: Reason
    detail: str | None = None
    n: int | None = Field(None, description="Position in input order, where it had one.")
