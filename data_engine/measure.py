"""First half of the gate, a shard at a time: what the decision needs to know of each draft, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from zlib import crc32

from pydantic import Field
from pydantic_core import from_json, to_json

from data_engine.frames import sentence_frames
from data_engine.items import Checked, TeacherTrace
from fervlm.records import Record, assemble


class Measured(Record):
    """One draft in a hundred bytes."""

    n: int
    id: str
    label: str | None = None
    split: str | None = None
    subject: str | None = None
    source: str | None = None
    picture: str | None = Field(None, description="The picture's name.")
    group: str = Field(description="What must not be torn apart by splits: person, else recording, else picture.")
    present: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()
    sha256: str | None = None
    dhash: str | None = None
    vhash: str | None = None
    words: tuple[int, ...] = Field(description="Words of each caption's sentences.")
    frames: tuple[tuple[int, ...], ...] = Field(description="Sentence frames of each caption, as 32-bit digests.")
    findings: tuple[str, ...] = ()
    checked: Checked | None = None
    teacher: TeacherTrace | None = None


def measure_shard(shard: bytes) -> tuple[bytes, bytes]:
    """Drafts in, measurements out; nothing is rejected yet. A `scale.Stage`.

    Drafts are read as plain values: they were validated when written, and no more than their words is needed.
    """
    return b"".join(to_json(_measure(from_json(line))) + b"\n" for line in shard.splitlines()), b""


def _measure(draft: dict[str, Any]) -> dict[str, Any]:
    joined = draft["joined"]
    facts, picture = draft.get("facts") or {}, joined.get("picture")
    told = [_texts(caption) for caption in draft["captions"]]
    found = {key: joined[key] for key in ("label", "split", "subject", "source") if key in joined}
    found |= {key: facts[key] for key in ("sha256", "dhash", "vhash") if key in facts}
    found |= {key: draft[key] for key in ("present", "absent", "findings", "checked", "teacher") if key in draft}
    return found | {
        "n": joined["n"],
        "picture": picture and picture["name"],
        "group": _group(joined, picture),
        "id": joined["id"],
        "words": [sum(text.count(" ") + 1 for text in texts) for texts in told],
        "frames": [[digest for text in texts for digest in _text_frames(text)] for texts in told],
    }


def _group(joined: dict[str, Any], picture: dict[str, Any] | None) -> str:
    """The frames of a recording show one person, or the same few; nothing is known of pictures but their name."""
    evidence = joined["evidence"]
    if "subject" in joined:
        return f"subject {joined['subject']}"
    if evidence.get("frame") is not None:
        return f"recording {evidence.get('picture') or evidence['source']['file']} {evidence.get('face_id')}"
    return f"picture {picture['name']}" if picture else f"face {joined['id']}"


def measurements(path: Path) -> Iterator[Measured]:
    """The measurements of a shard in order, unvalidated: `measure_shard` wrote them."""
    with path.open("rb") as handle:
        for line in handle:
            yield _assembled(from_json(line))


_DEFAULTS = {name: field.default for name, field in Measured.model_fields.items() if not field.is_required()}


def _assembled(values: dict[str, Any]) -> Measured:
    return assemble(Measured, frozenset(values), {**_DEFAULTS, **values})  # the gate reads every row six times


def _texts(caption: dict[str, Any]) -> list[str]:
    observations = [observation["text"] for observation in caption["observations"]]
    return [caption["overview"], *observations, caption["interpretation"], caption["conclusion"]["text"]]


@lru_cache(maxsize=65536)
def _text_frames(text: str) -> tuple[int, ...]:
    return tuple(crc32(frame.encode()) for frame in sentence_frames(text))
