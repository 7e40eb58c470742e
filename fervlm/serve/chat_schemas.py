"""OpenAI's chat completions, as far as they are served: what comes in is a superset, what goes out carries `fervlm`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fervlm.predict.cut_faces import CutFaces
from fervlm.records import Prediction, Verification
from fervlm.serve.schemas import AU_FILE, LONGEST_TEXT, MODEL, MOST_LABELS, Word

URL = "picture-url"


class Open(BaseModel):
    """Base: fields that are not served are let pass, as OpenAI's clients send many."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


class TextPart(Open):
    """Words of a message."""

    type: Literal["text"]
    text: str = Field(max_length=LONGEST_TEXT)


class ImageUrl(Open):
    """Where the picture is."""

    url: str = Field(
        min_length=1, json_schema_extra={"format": URL}, description="A data URL, or an allowed https URL."
    )


class ImagePart(Open):
    """A picture of a message."""

    type: Literal["image_url"]
    image_url: ImageUrl


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]
Role = Literal["system", "developer", "user", "assistant", "tool"]


class Message(Open):
    """One message."""

    role: Role
    content: Annotated[str, Field(max_length=LONGEST_TEXT)] | list[Part] | None = None


class NamedSchema(Open):
    """A JSON Schema with its name."""

    name: str = Field(max_length=64)
    schema_: dict[str, Any] = Field({}, alias="schema")


class TextFormat(Open):
    """Plain text."""

    type: Literal["text"]


class JsonFormat(Open):
    """Any JSON: a `Caption`."""

    type: Literal["json_object"]


class SchemaFormat(Open):
    """JSON by a schema."""

    type: Literal["json_schema"]
    json_schema: NamedSchema


class StreamOptions(Open):
    """How a stream ends."""

    include_usage: bool | None = None


class StructuredOutputs(Open):
    """vLLM's field: the answer is one of these."""

    choice: list[Word] | None = Field(None, min_length=1, max_length=MOST_LABELS)


class ChatAsked(Open):
    """A request to /v1/chat/completions."""

    model: str = Field(max_length=200, json_schema_extra={"format": MODEL})
    messages: list[Message] = Field(min_length=1, max_length=64)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    n: int | None = Field(None, ge=1, le=1)
    seed: int | None = Field(None, ge=0, lt=2**31)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    response_format: Annotated[TextFormat | JsonFormat | SchemaFormat, Field(discriminator="type")] | None = None
    structured_outputs: StructuredOutputs | None = None
    evidence: Annotated[str, Field(min_length=1, json_schema_extra={"format": AU_FILE})] | None = Field(
        None, description="A detector's file in place of a picture (ours, in `extra_body`)."
    )
    face: int | None = Field(None, ge=0, le=63, description="Which face, 0 for the largest (ours).")
    repair: bool | None = Field(None, description="Whether false sentences are sent back once (ours).")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a conversation is about.

    Attributes:
        question: the last thing the user said.
        words: pieces in all messages.
        picture: the last one sent, or None.
        name: what the picture is called.
        place: number of the message that shows it; -1 without a picture.
        faces: of the picture, cut out, once it was looked at.
        url: the face that is asked about, as a language model gets it, likewise.
    """

    question: str
    words: int
    picture: bytes | None = None
    name: str = "picture"
    place: int = -1
    faces: CutFaces | None = None
    url: str | None = None


class Usage(BaseModel):
    """Tokens; of the embedded backend, pieces between blanks."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Extra(BaseModel):
    """What `fervlm` adds to an answer."""

    backend: str
    ok: bool | None = Field(description="No sentence at fault; null where there was nothing to check.")
    verification: Verification | None = None
    prediction: Prediction | None = None
    repaired: bool = Field(False, description="The first answer was at fault and was written anew.")
    note: str | None = None


class AssistantMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str


class Choice(BaseModel):
    """The only one."""

    index: int = 0
    message: AssistantMessage
    finish_reason: Literal["stop", "length"] = "stop"
    logprobs: dict[str, Any] | None = None


class Completion(BaseModel):
    """A chat completion."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    fervlm: Extra
