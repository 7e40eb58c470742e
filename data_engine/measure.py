"""First half of the gate, a shard at a time: what the decision needs to know of each draft, and nothing more."""

from __future__ import annotations

from functools import lru_cache
from zlib import crc32

from pydantic import Field

from data_engine.frames import sentence_frames
from data_engine.items import Checked, Draft, TeacherTrace
from fervlm.reasoning.answers import render
from fervlm.reasoning.observe import observe
from fervlm.records import Caption, Record


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
    words: tuple[int, ...] = Field(description="Words of each caption's full text.")
    frames: tuple[tuple[int, ...], ...] = Field(description="Sentence frames of each caption, as 32-bit digests.")
    findings: tuple[str, ...] = ()
    checked: Checked | None = None
    teacher: TeacherTrace | None = None


def measure_shard(shard: bytes) -> tuple[bytes, bytes]:
    """Drafts in, measurements out; nothing is rejected yet. A `scale.Stage`."""
    rows = [_measure(Draft.model_validate_json(line)) for line in shard.splitlines()]
    return b"".join(row.model_dump_json(exclude_defaults=True).encode() + b"\n" for row in rows), b""


def _measure(draft: Draft) -> Measured:
    joined, evidence = draft.joined, observe(draft.joined.evidence)
    return Measured(
        n=joined.n,
        id=joined.id,
        label=joined.label,
        split=joined.split,
        subject=joined.subject,
        source=joined.source,
        present=tuple(unit.au for unit in evidence.units.values() if unit.present),
        absent=tuple(unit.au for unit in evidence.units.values() if not unit.present),
        sha256=draft.facts.sha256 if draft.facts else None,
        dhash=draft.facts.dhash if draft.facts else None,
        words=tuple(len(render(caption, details=False).split()) for caption in draft.captions),
        frames=tuple(_frames(caption) for caption in draft.captions),
        findings=draft.findings,
        checked=draft.checked,
        teacher=draft.teacher,
    )


def _frames(caption: Caption) -> tuple[int, ...]:
    texts = (caption.overview, *(o.text for o in caption.observations), caption.interpretation, caption.conclusion.text)
    return tuple(digest for text in texts for digest in _text_frames(text))


@lru_cache(maxsize=65536)
def _text_frames(text: str) -> tuple[int, ...]:
    return tuple(crc32(frame.encode()) for frame in sentence_frames(text))
