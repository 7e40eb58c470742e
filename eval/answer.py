"""What a predictor said of an item: one line of `predictions.jsonl`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fervlm.records import Finite, Record, Unit01

Status = Literal["ok", "abstained", "failed", "unparsed"]


class Answer(Record):
    """An answer; whatever a predictor does not tell is null."""

    schema_version: Literal["1"] = "1"
    id: str
    status: Status = "ok"
    reason: str | None = Field(None, description="Why there is no label: an abstention's code, or an error's sentence.")
    label: str | None = None
    probabilities: dict[str, Unit01] | None = None
    unknown_score: Finite | None = Field(None, description="Grows with fitting no label.")
    variants: dict[str, str | None] = Field(default_factory=dict, description="Prompt set -> label.")
    units: dict[int, Finite] | None = Field(None, description="AU -> a number that grows with presence.")
    present: tuple[int, ...] | None = Field(None, description="AUs called present.")
    levels: dict[int, Finite] | None = Field(None, description="AU -> level, 0 to 5.")
    valence: Finite | None = None
    arousal: Finite | None = None
    text: str | None = Field(None, description="The explanation.")
    spans: tuple[tuple[Finite, Finite, str | None], ...] | None = Field(None, description="Start, end, kind.")
    agreement: bool | None = Field(None, description="Whether the label agrees with the one the AUs imply.")
    ms: Finite | None = Field(None, description="Time this item took.")


def failed(item_id: str, reason: str, ms: float | None = None) -> Answer:
    """An answer that counts as wrong."""
    return Answer(id=item_id, status="failed", reason=reason, ms=ms)
