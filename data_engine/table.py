"""The data set's two tables: one row a sample, and one row a conversation, with the types `datasets` reads them as."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from pydantic_core import from_json, to_json

from data_engine.items import Joined, Picture
from fervlm.errors import MissingExtraError
from fervlm.reasoning.answers import render
from fervlm.records import Caption, ContrastiveTexts

if TYPE_CHECKING:
    import pyarrow as pa


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


class Exported(TypedDict):
    """A finished sample as the export stage writes it: its rows, ready for the tables but for an embedded picture."""

    split: str
    picture: dict[str, Any] | None
    """A `Picture` as plain values; None for evidence alone."""
    row: dict[str, Any]
    chats: list[dict[str, Any]]


class Texts:
    """What samples of equal caption, evidence and human label share: columns of their rows, made once."""

    def __init__(self, caption: Caption, anchored: Caption | None, contrastive: ContrastiveTexts) -> None:
        self.contrastive = contrastive
        self.human_label = anchored.conclusion.label if anchored else None
        self.blind = render(caption, provenance=False)
        self.anchored = render(anchored, provenance=False) if anchored else None
        self.columns = {
            "engine_label": caption.conclusion.label,
            "confidence": caption.conclusion.confidence,
            "abstain": caption.conclusion.abstain,
            "engine": _engine(caption),
            "overview": contrastive.overview,
            "regions": [
                {"region": o.region, "text": o.text, "aus": [u.au for u in o.units]} for o in caption.observations
            ],
            "interpretation": caption.interpretation,
            "summary": contrastive.summary,
            "anchored_overview": anchored.overview if anchored else None,
            "anchored_summary": contrastive.summary_anchored,
            "blind": self.blind,
            "anchored": self.anchored,
            "au_vector": contrastive.au_vector,
            "negatives": [{"text": n.text, "of": n.of, "edit": n.edit} for n in contrastive.negatives],
        }
        parts = {"caption": caption, "anchored": anchored, "contrastive": contrastive}
        self.json = {name: part.model_dump_json(exclude_defaults=True) for name, part in parts.items() if part}


def exported(
    joined: Joined, texts: Texts, chats: list[dict[str, Any]], *, split: str, support: float | None, flipped: bool
) -> bytes:
    """The sample and its conversations as one JSON line that `read_exported` reads back."""
    picture = joined.picture
    row = {
        "id": joined.id,
        "image": None if picture is None else {"bytes": None, "path": _by_path(picture)},
        "label": joined.label,
        "support": support,
        "subject": joined.subject,
        "source": joined.source,
        "detector": joined.evidence.detector.name,
        "flipped": flipped,
        **texts.columns,
        "sample": _sample_json(joined, texts, split, support, flipped),
    }
    name = picture.name if picture else None
    found = Exported(
        split=split,
        picture=picture.model_dump() if picture is not None else None,
        row=row,
        chats=[{"id": joined.id, "image": name, **chat} for chat in chats],
    )
    return to_json(found) + b"\n"


def _sample_json(joined: Joined, texts: Texts, split: str, support: float | None, flipped: bool) -> str:
    """A `Sample` without its conversations, put together from parts that are JSON already."""
    head = {"id": joined.id, "picture": joined.picture.name if joined.picture else None, "human_label": joined.label}
    rest = {"support": support, "split": split, "subject": joined.subject, "source": joined.source}
    told = {name: value for name, value in (head | rest).items() if value is not None}
    if flipped:
        told["flipped"] = True
    parts = {**texts.json, "evidence": joined.evidence.model_dump_json(exclude_defaults=True)}
    joints = [f'"{name}":{part}' for name, part in parts.items()]
    return to_json(told).decode()[:-1] + "," + ",".join(joints) + "}"


def read_exported(path: Path) -> Iterator[Exported]:
    """The samples of an export shard in order."""
    with path.open("rb") as handle:
        for line in handle:
            yield from_json(line)


def _engine(caption: Caption) -> str | None:
    made = caption.provenance
    if made is None:
        return None
    return made.engine if made.model is None else f"{made.engine} ({made.model})"


def _by_path(picture: Picture) -> str:
    """Absolute, so that the set can be read from any folder of this machine; a row of a table has only its name."""
    return picture.name if picture.row is not None else str(Path(picture.file).absolute())
