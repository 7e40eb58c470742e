"""First half of the gate, a shard at a time: what the decision needs to know of each draft, and nothing more."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from zlib import crc32

from pydantic import Field
from pydantic_core import from_json, to_json

from data_engine.frames import sentence_frames
from data_engine.items import Checked, TeacherTrace
from fervlm.records import Record


class Measured(Record):
    """One draft in a hundred bytes."""

    n: int
    id: str
    label: str | None = None
    split: str | None = None
    subject: str | None = None
    source: str | None = None
    present: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()
    sha256: str | None = None
    dhash: str | None = None
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
    facts = draft.get("facts") or {}
    told = [_texts(caption) for caption in draft["captions"]]
    found = {key: joined[key] for key in ("label", "split", "subject", "source") if key in joined}
    found |= {key: facts[key] for key in ("sha256", "dhash") if key in facts}
    found |= {key: draft[key] for key in ("present", "absent", "findings", "checked", "teacher") if key in draft}
    return found | {
        "n": joined["n"],
        "id": joined["id"],
        "words": [sum(text.count(" ") + 1 for text in texts) for texts in told],
        "frames": [[digest for text in texts for digest in _text_frames(text)] for texts in told],
    }


def _texts(caption: dict[str, Any]) -> list[str]:
    observations = [observation["text"] for observation in caption["observations"]]
    return [caption["overview"], *observations, caption["interpretation"], caption["conclusion"]["text"]]


@lru_cache(maxsize=65536)
def _text_frames(text: str) -> tuple[int, ...]:
    return tuple(crc32(frame.encode()) for frame in sentence_frames(text))
