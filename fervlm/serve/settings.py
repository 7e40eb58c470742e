"""What a server is told at its start: limits, time-outs, keys, and what it may fetch or say."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MIB = 1024 * 1024
NOTICE = (
    "This service reads facial movements from pictures and names the expression they are consistent with. It does not "
    "know what a person feels, and decides nothing about anybody. Under Article 50(3) of the EU AI Act the people "
    "whose faces are shown to it must be told so; inferring emotions at work and in education is prohibited "
    "(Article 5(1)(f)), but for medical and safety reasons. Pictures and answers are not stored."
)


class Settings(BaseModel):
    """Base of the settings: immutable, closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(Settings):
    """What one request, one key and the whole server may take. Beyond it: 413, 422 or 429, never a longer wait."""

    body_bytes: int = Field(20 * MIB, gt=0, description="Of a request.")
    pixels: int = Field(40_000_000, gt=0, description="Of a picture, told by its header before it is unpacked.")
    faces: int = Field(16, gt=0, description="Explained in one picture, the largest ones.")
    rows: int = Field(20_000, gt=0, description="Of AU evidence in one request.")
    items: int = Field(256, gt=0, description="In one batch.")
    tokens: int = Field(1024, gt=0, description="Of one chat answer.")
    queued: int = Field(128, ge=0, description="Requests that wait for a free worker.")
    per_minute: int = Field(0, ge=0, description="Requests of one key, or address where there are no keys; 0: any.")
    head_s: float = Field(10, gt=0, description="To send a request's head.")
    body_s: float = Field(30, gt=0, description="To send a request's body.")
    answer_s: float = Field(30, gt=0, description="To make an answer, waiting included.")
    write_s: float = Field(30, gt=0, description="For a client to take the next part of a stream.")

    @property
    def caption_tokens(self) -> int:
        """Most of a language model's caption."""
        return min(self.tokens, 512)


class Remote(Settings):
    """Which pictures may be fetched by URL; none by default."""

    hosts: tuple[str, ...] = Field((), description="Host names, lower case, that pictures may come from.")
    seconds: float = Field(5, gt=0, description="For the whole fetch.")
    most_bytes: int = Field(10 * MIB, gt=0, description="Of one picture.")


class ServeSettings(Settings):
    """Everything but where to listen."""

    workers: int = Field(1, gt=0, description="Threads that look at pictures, each with a model of its own.")
    limits: Limits = Limits()
    remote: Remote = Remote()
    observe_only: bool = Field(False, description="Movements only, whatever a request asks for.")
    notice: str = Field(NOTICE, description="Shown on the page and at /v1/notice.")
    repair: bool = Field(True, description="Whether a language model's false sentences are sent back to it once.")
