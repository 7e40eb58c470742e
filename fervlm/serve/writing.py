"""What a language model says of a face made part of a prediction: its text held against the evidence, its scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from fervlm.errors import FervlmError
from fervlm.mllm.manifest import ScoreCalibration
from fervlm.predict.agreement import same_label
from fervlm.reasoning.answers import parse
from fervlm.reasoning.verify import verify
from fervlm.records import Agreement, Caption, Prediction

_ASIDE = frozenset({"title", "description", "default", "required", "additionalProperties", "examples", "strict"})


def written(prediction: Prediction, text: str, backend: str, model: str) -> Prediction:
    """The prediction with a model's caption in place of the engine's, checked against the same evidence.

    A text that is no caption is checked all the same; it counts as not well formed and gives no label.
    """
    record = prediction.evidence
    try:
        caption: Caption | None = parse(text)
    except FervlmError:
        caption = None
    told: Caption | str = text if caption is None else caption
    found = verify(told, record, against=prediction.verification.against if prediction.verification else None)
    if caption is None:
        scores = found.scores.model_copy(update={"format_ok": False})
        found = found.model_copy(update={"scores": scores, "ok": False})
    label = None if caption is None else caption.conclusion.label
    implied = prediction.agreement.au_label if prediction.agreement is not None else prediction.label
    agreement = Agreement(au_label=implied, model_label=label, equal=same_label(implied, label))
    return prediction.model_copy(
        update={
            "caption": caption,
            "verification": found,
            "label": label,
            "probabilities": None,
            "unknown_score": None,
            "calibration": None,
            "agreement": agreement,
            "backend": backend,
            "versions": prediction.versions.model_copy(update={"model": model}),
        }
    )


def scored(
    prediction: Prediction,
    labels: Sequence[str],
    scores: Sequence[float],
    rule: ScoreCalibration | None,
    backend: str,
    model: str,
) -> Prediction:
    """The prediction with a language model's label probabilities: softmax of (log-probability - bias) / temperature."""
    known = rule or ScoreCalibration()
    lifted = [(s - known.bias.get(n, 0.0)) / known.temperature for n, s in zip(labels, scores, strict=True)]
    top = max(lifted)
    weights = [math.exp(value - top) for value in lifted]
    shares = {name: round(w / sum(weights), 4) for name, w in zip(labels, weights, strict=True)}
    ranked = dict(sorted(shares.items(), key=lambda pair: -pair[1]))
    label = next(iter(ranked))
    sure = ranked[label] >= known.abstain_below
    fitted = f"fitted on {known.fitted_on}" if known.fitted_on is not None else "not fitted"
    return prediction.model_copy(
        update={
            "label": label if sure else None,
            "probabilities": ranked,
            "unknown_score": None,
            "calibration": f"softmax of answer log-probabilities / {known.temperature:.4g}, {fitted}",
            "backend": backend,
            "versions": prediction.versions.model_copy(update={"model": model}),
        }
    )


def whole_shape(schema: Mapping[str, Any], model: type[BaseModel]) -> bool:
    """Whether a JSON Schema asks for the very fields of a record, whatever its titles and required lists say."""
    own = model.model_json_schema()
    return bool(_shape(schema, schema.get("$defs", {}), 0) == _shape(own, own["$defs"], 0))


def _shape(node: Any, defs: Any, depth: int) -> Any:  # noqa: ANN401 - any JSON
    """A schema without remarks, references followed."""
    if depth > 24:
        return None
    if isinstance(node, list):
        return [_shape(one, defs, depth + 1) for one in node]
    if not isinstance(node, dict):
        return node
    target = node.get("$ref")
    if isinstance(target, str) and isinstance(defs, dict):
        return _shape(defs.get(target.rpartition("/")[2]), defs, depth + 1)
    if "properties" in node and isinstance(node["properties"], dict):
        inner = {name: _shape(one, defs, depth + 1) for name, one in node["properties"].items()}
        return {"properties": inner}
    return {key: _shape(one, defs, depth + 1) for key, one in node.items() if key not in _ASIDE and key != "$defs"}
