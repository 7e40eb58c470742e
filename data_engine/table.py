"""The data set's two tables: one row a sample, and one row a conversation, with the types `datasets` reads them as."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_engine.items import Picture
from fervlm.errors import MissingExtraError
from fervlm.reasoning.answers import render
from fervlm.records import Caption, Record, Sample

if TYPE_CHECKING:
    import pyarrow as pa


class Exported(Record):
    """A finished sample and where its picture lies."""

    sample: Sample
    picture: Picture | None = None


def arrow() -> Any:  # noqa: ANN401 - pyarrow ships no types
    """The pyarrow module, or one sentence that says how to get it."""
    try:
        import pyarrow  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("writing a data set", "data") from error
    return pyarrow


def schemas() -> dict[str, pa.Schema]:
    """Arrow schemas by configuration name, with the features that Hugging Face `datasets` expects in the metadata."""
    pa = arrow()
    text = pa.string()
    numbers = pa.list_(pa.int8())
    region = pa.struct([("region", text), ("text", text), ("aus", numbers)])
    negative = pa.struct([("text", text), ("of", text), ("edit", text)])
    samples = pa.schema(
        [
            ("id", text),
            ("image", pa.struct([("bytes", pa.binary()), ("path", text)])),
            ("label", text),
            ("engine_label", text),
            ("confidence", text),
            ("abstain", text),
            ("support", pa.float32()),
            ("subject", text),
            ("source", text),
            ("detector", text),
            ("engine", text),
            ("flipped", pa.bool_()),
            ("overview", text),
            ("regions", pa.list_(region)),
            ("interpretation", text),
            ("summary", text),
            ("anchored_overview", text),
            ("anchored_summary", text),
            ("blind", text),
            ("anchored", text),
            ("au_vector", numbers),
            ("negatives", pa.list_(negative)),
            ("sample", text),
        ]
    )
    message = pa.struct([("role", text), ("content", text)])
    chats = pa.schema([("id", text), ("image", text), ("kind", text), ("view", text), ("messages", pa.list_(message))])
    image = {"_type": "Image"}
    return {"samples": _with_features(samples, {"image": image}), "chat": _with_features(chats, {})}


def _with_features(schema: pa.Schema, special: dict[str, Any]) -> pa.Schema:
    pa = arrow()

    def feature(kind: Any) -> Any:  # noqa: ANN401
        if pa.types.is_list(kind):
            return {"feature": feature(kind.value_type), "_type": "List"}
        if pa.types.is_struct(kind):
            return {field.name: feature(field.type) for field in kind}
        return {"dtype": {"float": "float32"}.get(str(kind), str(kind)), "_type": "Value"}

    features = {field.name: special.get(field.name) or feature(field.type) for field in schema}
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def sample_row(exported: Exported, picture: bytes | None) -> dict[str, Any]:
    """One row of the samples table; `picture` embeds the encoded bytes, else the picture stands by path."""
    sample = exported.sample
    contrastive = sample.contrastive
    image = None
    if exported.picture is not None:
        path = exported.picture.name if picture is not None else _by_path(exported.picture)
        image = {"bytes": picture, "path": path}
    return {
        "id": sample.id,
        "image": image,
        "label": sample.human_label,
        "engine_label": sample.caption.conclusion.label,
        "confidence": sample.caption.conclusion.confidence,
        "abstain": sample.caption.conclusion.abstain,
        "support": sample.support,
        "subject": sample.subject,
        "source": sample.source,
        "detector": sample.evidence.detector.name,
        "engine": _engine(sample.caption),
        "flipped": sample.flipped,
        "overview": contrastive.overview,
        "regions": [
            {"region": o.region, "text": o.text, "aus": [u.au for u in o.units]} for o in sample.caption.observations
        ],
        "interpretation": sample.caption.interpretation,
        "summary": contrastive.summary,
        "anchored_overview": sample.anchored.overview if sample.anchored else None,
        "anchored_summary": contrastive.summary_anchored,
        "blind": render(sample.caption, provenance=False),
        "anchored": render(sample.anchored, provenance=False) if sample.anchored else None,
        "au_vector": list(contrastive.au_vector),
        "negatives": [negative.model_dump() for negative in contrastive.negatives],
        "sample": sample.model_dump_json(exclude={"chats"}, exclude_defaults=True),
    }


def chat_rows(exported: Exported) -> list[dict[str, Any]]:
    """The rows of the chat table that belong to a sample."""
    return [
        {
            "id": exported.sample.id,
            "image": exported.sample.picture,
            "kind": chat.kind,
            "view": chat.view,
            "messages": [message.model_dump() for message in chat.messages],
        }
        for chat in exported.sample.chats
    ]


def _engine(caption: Caption) -> str | None:
    made = caption.provenance
    if made is None:
        return None
    return made.engine if made.model is None else f"{made.engine} ({made.model})"


def _by_path(picture: Picture) -> str:
    """Absolute, so that the set can be read from any folder of this machine."""
    return str(Path(picture.file).absolute())
