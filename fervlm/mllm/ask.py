"""The questions put to a model: the wordings it was trained on, one file per use site in `prompts/`."""

from __future__ import annotations

from collections.abc import Sequence

from fervlm.facs.units import action_unit
from fervlm.mllm.spans import Message
from fervlm.prompts import Prompt, prompt
from fervlm.records import AURecord

USED = ("mllm_label", "mllm_caption", "mllm_movements", "mllm_evidence", "mllm_repair")
"""Prompts whose digests stand in a checkpoint's manifest."""


def label_question(labels: Sequence[str]) -> str:
    """Which of the labels?"""
    return prompt("mllm_label").fill(labels=", ".join(labels))


def caption_question() -> str:
    """The whole explanation."""
    return prompt("mllm_caption").text


def movements_question() -> str:
    """Movements only."""
    return prompt("mllm_movements").text


def evidence_told(record: AURecord) -> str:
    """What a detector measured, as text before a question; ends in a line break."""
    present = sorted({r.au for r in record.readings if r.state == "present"})
    told = ", ".join(f"AU{au} ({action_unit(au).name.lower()})" for au in present) or "none"
    unseen = ", ".join(f"AU{au}" for au in record.not_measured) or "none"
    return prompt("mllm_evidence").fill(movements=told, unmeasured=unseen) + "\n"


def repair_question(findings: str) -> str:
    """The second and last attempt at a caption."""
    return prompt("mllm_repair").fill(findings=findings)


def user(text: str, *, pictures: int = 0) -> Message:
    """A question, behind its pictures."""
    shown: list[dict[str, str]] = [{"type": "image"}] * pictures
    return {"role": "user", "content": [*shown, {"type": "text", "text": text}]}


def assistant(text: str) -> Message:
    """An answer."""
    return {"role": "assistant", "content": [{"type": "text", "text": text}]}


def digests() -> dict[str, str]:
    """Prompt -> digest, as kept in a manifest."""
    found: list[Prompt] = [prompt(name) for name in USED]
    return {one.name: one.digest for one in found}
