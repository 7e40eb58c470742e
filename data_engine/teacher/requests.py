"""What the teacher is asked: chat-completions bodies made from evidence, draft and picture."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Literal

from data_engine.config import TeacherConfig, TeacherMode
from fervlm.facs.units import action_unit
from fervlm.prompts import prompt
from fervlm.reasoning.observe import LEVEL_LETTERS, Evidence, Unit

Message = dict[str, Any]

_FIRST: dict[TeacherMode, str] = {
    "rewrite": "teacher_rewrite",
    "see": "teacher_see",
    "label-check": "teacher_describe",
}


def prompt_digest(mode: TeacherMode) -> str:
    """One digest over every prompt file that a mode uses, for the provenance."""
    names = ["teacher_system", "caption_form", "teacher_repair", _FIRST[mode]]
    if mode == "label-check":
        names += ["teacher_infer_label", "teacher_feedback"]
    return hashlib.sha256("".join(prompt(name).digest for name in names).encode()).hexdigest()[:16]


def first_messages(
    mode: TeacherMode, evidence: Evidence, detector: str, draft: str, labels: tuple[str, ...], picture: bytes | None
) -> list[Message]:
    """The opening of a conversation about one face."""
    values = {"detector": detector, "evidence": evidence_lines(evidence), "form": prompt("caption_form").text}
    if mode == "label-check":
        text = prompt(_FIRST[mode]).fill(**values, labels=", ".join(labels))
    else:
        text = prompt(_FIRST[mode]).fill(**values, draft=draft)
    content: str | list[dict[str, Any]] = text
    if picture is not None:
        content = [{"type": "image_url", "image_url": {"url": _data_url(picture)}}, {"type": "text", "text": text}]
    return [{"role": "system", "content": prompt("teacher_system").text}, {"role": "user", "content": content}]


def answered(messages: list[Message], answer: str, reply: str) -> list[Message]:
    """The conversation with the teacher's answer and our reply to it."""
    return [*messages, {"role": "assistant", "content": answer}, {"role": "user", "content": reply}]


def repair(findings: tuple[str, ...]) -> str:
    """The reply that names what the verifier found."""
    return prompt("teacher_repair").fill(findings="\n".join(f"- {finding}" for finding in findings))


def feedback(inferred: str, label: str) -> str:
    """The reply that tells of a reader's label and the annotators' (label-check)."""
    return prompt("teacher_feedback").fill(inferred=inferred, label=label)


def infer_messages(description: str, labels: tuple[str, ...]) -> list[Message]:
    """A conversation of its own: which label does the description alone lead to?"""
    return [
        {
            "role": "user",
            "content": prompt("teacher_infer_label").fill(description=description, labels=", ".join(labels)),
        }
    ]


def body(config: TeacherConfig, messages: list[Message], seed: int) -> dict[str, Any]:
    """The request as sent; the seed makes a server that honours it repeatable."""
    return {
        "model": config.model,
        "messages": messages,
        "temperature": config.temperature,
        "max_tokens": config.max_tokens,
        "seed": seed,
    }


def evidence_lines(evidence: Evidence) -> str:
    """Every measured AU on a line: number, name, state, and level, side and doubt where the evidence has them."""
    present = [_line(unit) for unit in evidence.active]
    absent = ", ".join(
        f"AU{unit.au} {action_unit(unit.au).name.lower()}" for unit in evidence.units.values() if not unit.present
    )
    lines = ["Present:", *(present or ["- none"]), f"Absent: {absent or 'none'}", "Anything else was not measured."]
    return "\n".join(lines)


def _line(unit: Unit) -> str:
    details = [f"level {LEVEL_LETTERS[unit.level - 1]}" if unit.level else "strength not measured"]
    side: Literal["left", "right", "both"] | None = unit.side
    if side in {"left", "right"}:
        details.append(f"{side} side only")
    elif unit.stronger:
        details.append(f"stronger on the {unit.stronger}")
    if unit.uncertain:
        details.append("the detector's own readings disagree")
    return f"- AU{unit.au} {action_unit(unit.au).name.lower()}: {', '.join(details)}"


def _data_url(picture: bytes) -> str:
    kind = "png" if picture.startswith(b"\x89PNG") else "webp" if picture[8:12] == b"WEBP" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
