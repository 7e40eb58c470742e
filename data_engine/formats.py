"""Conversations in the shapes that other people's trainers read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from data_engine.table import Exported
from fervlm.records import Chat

_TAG = "<image>"


def _pictures(row: Exported) -> list[str]:
    if row.picture is None:
        return []
    return [row.picture.file if row.picture.row is None else row.picture.name]


def _messages(row: Exported, chat: Chat) -> dict[str, Any]:
    """TRL and ms-swift: `messages` with roles, `images` beside them; both put the picture before the first turn."""
    return {"id": row.sample.id, "messages": [m.model_dump() for m in chat.messages], "images": _pictures(row)}


def _sharegpt(row: Exported, chat: Chat) -> dict[str, Any]:
    """LLaMA-Factory: `conversations` of from/value pairs, an `<image>` tag where the picture goes."""
    names = {"user": "human", "assistant": "gpt", "system": "system"}
    turns = [{"from": names[m.role], "value": m.content} for m in chat.messages]
    pictures = _pictures(row)
    first = next(turn for turn in turns if turn["from"] == "human")
    first["value"] = _TAG * len(pictures) + first["value"]
    return {"id": row.sample.id, "conversations": turns, "images": pictures}


def _facial_r1(row: Exported, chat: Chat) -> dict[str, Any]:
    """One question a line with its AUs and label, as reward-based trainers want them: the last turn is the answer."""
    return {
        "id": row.sample.id,
        "images": _pictures(row),
        "problem": _TAG * len(_pictures(row)) + chat.messages[-2].content,
        "solution": chat.messages[-1].content,
        "au": sorted({unit.au for o in row.sample.caption.observations for unit in o.units}),
        "label": row.sample.human_label,
        "kind": chat.kind,
        "view": chat.view,
    }


_FORMATS: dict[str, Callable[[Exported, Chat], dict[str, Any]]] = {
    "messages": _messages,
    "sharegpt": _sharegpt,
    "facial-r1": _facial_r1,
}


def chat_line(name: str, row: Exported, chat: Chat) -> dict[str, Any]:
    """One conversation in the format `name`."""
    return _FORMATS[name](row, chat)
