"""Chat without a language model: the picture is explained, or a question about it answered, by the engine."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fervlm.reasoning.verify import verify
from fervlm.records import Caption, Prediction, Verification
from fervlm.serve.chat_schemas import ChatAsked, SchemaFormat
from fervlm.serve.problems import Problem
from fervlm.serve.schemas import Choices
from fervlm.serve.sections import caption_text
from fervlm.serve.talk import reply
from fervlm.serve.writing import whole_shape

GREETING = "Send a picture of a face as image_url, or AU evidence, and its expression is explained here."
BRIEF = ("label", "confidence", "overview", "observations", "interpretation", "conclusion", "aus", "probabilities")
"""Fields that a small schema of a caller's own may ask for."""
_PIECES = re.compile(r"\S+\s*|\s+")
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Spoken:
    """An answer.

    Attributes:
        text: the whole of it.
        parts: the same in the pieces that a stream sends.
        likely: label -> probability where the answer names a label by the model, for `logprobs`.
        said: the label inside the text that `likely` belongs to.
    """

    text: str
    parts: tuple[str, ...]
    verification: Verification | None = None
    prediction: Prediction | None = None
    likely: Mapping[str, float] = field(default_factory=dict)
    said: str | None = None


def choices_of(asked: ChatAsked) -> Choices:
    """Labels and seed that the request implies."""
    words = labels_asked(asked)
    chosen = Choices(seed=asked.seed or 0)
    return chosen.model_copy(update={"labels": words}) if words else chosen


def labels_asked(asked: ChatAsked) -> list[str]:
    """The labels that a list of choices, or the `label` of the caller's schema, allows."""
    if asked.structured_outputs is not None and asked.structured_outputs.choice:
        return list(asked.structured_outputs.choice)
    if isinstance(asked.response_format, SchemaFormat):
        label = asked.response_format.json_schema.schema_.get("properties", {})
        allowed = label.get("label", {}) if isinstance(label, dict) else {}
        words = allowed.get("enum", []) if isinstance(allowed, dict) else []
        return [word for word in words if isinstance(word, str) and 0 < len(word) <= 80][:64]
    return []


def wants_json(asked: ChatAsked) -> bool:
    """Whether the answer is to be JSON."""
    return asked.response_format is not None and asked.response_format.type != "text"


def spoken(asked: ChatAsked, question: str, prediction: Prediction | None) -> Spoken:
    """The answer to the last message, about a face explained before.

    Raises:
        Problem: 422 where a schema is asked for that the engine cannot fill.
    """
    if prediction is None:
        if wants_json(asked):
            raise Problem(422, "messages: there is no picture to answer about by a schema.")
        return Spoken(GREETING, (GREETING,))
    if asked.structured_outputs is not None and asked.structured_outputs.choice:
        return _chosen(prediction)
    if wants_json(asked):
        return _as_json(asked, prediction)
    answer = reply(question, prediction)
    if answer is not None:
        return Spoken(answer, (answer,), verify(answer, prediction.evidence), prediction)
    return _whole(prediction)


def _chosen(prediction: Prediction) -> Spoken:
    """One word of the caller's; the likeliest."""
    likely = prediction.probabilities or {}
    label = prediction.label or next(iter(likely), None)
    if label is None:
        raise Problem(422, "structured_outputs: none of the choices can be scored from this evidence.")
    return Spoken(label, (label,), None, prediction, likely, label)


def _whole(prediction: Prediction) -> Spoken:
    """The caption, and the model's label beside it."""
    text = caption_text(prediction).rstrip("\n")
    parts = re.split(r"(?<=\n\n)", text)
    told = prediction.agreement
    if told is None or told.model_label is None:
        return Spoken(text, tuple(parts), prediction.verification, prediction)
    label = told.model_label
    likely = prediction.probabilities or {}
    line = f"\n\nLabel by the picture model: {label}"
    return Spoken(text + line, (*parts, line), prediction.verification, prediction, likely, label)


def _as_json(asked: ChatAsked, prediction: Prediction) -> Spoken:
    """A caption, a prediction, or a few fields of the caller's choice, as JSON."""
    form = asked.response_format
    if not isinstance(form, SchemaFormat):
        found: Any = prediction.caption.model_dump(mode="json") if prediction.caption is not None else None
    else:
        found = _by_schema(form.json_schema.schema_, prediction)
    if found is None:
        known = f"Caption, Prediction, or an object of {', '.join(BRIEF)}"
        raise Problem(422, f"response_format: this backend fills the schemas {known}; others need a language model.")
    text = json.dumps(found, ensure_ascii=False)
    said = found.get("label") if isinstance(found, dict) and isinstance(found.get("label"), str) else None
    likely = prediction.probabilities or {} if said is not None else {}
    return Spoken(text, (text,), prediction.verification, prediction, likely, said)


def _by_schema(schema: Mapping[str, Any], prediction: Prediction) -> Any:  # noqa: ANN401
    if whole_shape(schema, Caption):
        return None if prediction.caption is None else prediction.caption.model_dump(mode="json")
    if whole_shape(schema, Prediction):
        return prediction.model_dump(mode="json")
    wanted = schema.get("properties")
    if not isinstance(wanted, dict) or not wanted or not set(wanted) <= set(BRIEF) or prediction.caption is None:
        return None
    caption, conclusion = prediction.caption, prediction.caption.conclusion
    present = sorted({reading.au for reading in prediction.evidence.readings if reading.state == "present"})
    values = {
        "label": prediction.label,
        "confidence": conclusion.confidence,
        "overview": caption.overview,
        "observations": [seen.text for seen in caption.observations],
        "interpretation": caption.interpretation,
        "conclusion": conclusion.text,
        "aus": present,
        "probabilities": prediction.probabilities or {},
    }
    found = {name: values[name] for name in wanted}
    return found if all(_fits(wanted[name], value) for name, value in found.items()) else None


def _fits(wanted: object, value: object) -> bool:
    """Whether a value is what a simple property asks for: its type, its enum, its items' type."""
    if not isinstance(wanted, dict):
        return False
    if set(wanted) - {"type", "enum", "items", "title", "description", "additionalProperties"}:
        return False
    kinds: dict[str, type | tuple[type, ...]] = {
        "string": str, "array": list, "object": dict, "null": type(None), "number": (int, float), "integer": int,
    }  # fmt: skip
    asked = wanted.get("type")
    names = asked if isinstance(asked, list) else [asked] if asked is not None else []
    if names and not any(isinstance(value, kinds.get(str(name), ())) for name in names):
        return False
    if "enum" in wanted and value not in wanted["enum"]:
        return False
    items = wanted.get("items")
    return items is None or (isinstance(value, list) and all(_fits(items, one) for one in value))


def cut(text: str, most: int) -> tuple[str, int, bool]:
    """The text cut to `most` pieces between blanks, how many it has then, and whether any were lost."""
    pieces = _PIECES.findall(text)
    return "".join(pieces[:most]), min(len(pieces), most), len(pieces) > most


def logprobs(told: Spoken, text: str, top: int) -> dict[str, Any]:
    """OpenAI's `logprobs` for an answer whose words are certain but for one label.

    The text is given in at most three tokens: what stands before the label, the label with its alternatives, the rest.
    """
    at = text.rfind(told.said) if told.said is not None else -1
    if told.said is None or at < 0 or not told.likely:
        return {"content": [_token(text, 0.0, [])], "refusal": None}
    ranked = [_token(name, _log(share), None) for name, share in list(told.likely.items())[:top]]
    around = (text[:at], text[at + len(told.said) :])
    label = _token(told.said, _log(told.likely.get(told.said, 0.0)), ranked)
    tokens = [
        *([_token(around[0], 0.0, [])] if around[0] else []),
        label,
        *([_token(around[1], 0.0, [])] if around[1] else []),
    ]
    return {"content": tokens, "refusal": None}


def _log(share: float) -> float:
    return math.log(max(share, _LEAST))


def _token(text: str, value: float, top: list[dict[str, Any]] | None) -> dict[str, Any]:
    found: dict[str, Any] = {"token": text, "logprob": value, "bytes": list(text.encode())}
    if top is not None:
        found["top_logprobs"] = top
    return found
