"""Conversations in the shapes that other people's trainers read, one JSON line each.

messages    `messages` of role/content and `images`, no tag in the text. Seen in published code: TRL's
            `prepare_multimodal_messages` puts one picture before the first user turn, and ms-swift's
            `Template._add_default_tags` adds the tags that are missing before the first message.
sharegpt    `conversations` of from/value with human/gpt and `images`. Seen in LLaMA-Factory's data/README.md; that
            every picture needs an `<image>` tag in the text and that paths are looked up in `media_dir` (by default the
            `dataset_dir`) is said by its maintainers (issues 6135, 7814). `dataset_info.json`
            at the top of the set tells LLaMA-Factory what is where.
facial-r1   `id, dataset, image, question, AUs, labels, description, meta_info`. Seen in the README and the data
            loaders (`sft.py`, `infer_emotion.py`) of RobitsG/Facial-R1; `image` is relative to `--image_folders`.

Picture paths are relative to the set's folder where the set holds the picture, else as the source names them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from data_engine.table import Exported
from fervlm.facs.units import movement_units

Chat = dict[str, Any]
"""One row of the chat table."""

_TAG = "<image>"
DATASET = "fervlm"


def lines(name: str, found: Exported, picture: str | None) -> Iterator[bytes]:
    """The sample's lines in the format `name`; `picture` is the path that stands in them."""
    for chat in found["chats"]:
        line = _FORMATS[name](found, chat, [] if picture is None else [picture])
        if line is not None:
            yield json.dumps(line, ensure_ascii=False).encode() + b"\n"


def _messages(_: Exported, chat: Chat, pictures: list[str]) -> dict[str, Any]:
    return {"id": chat["id"], "messages": chat["messages"], "images": pictures}


def _sharegpt(_: Exported, chat: Chat, pictures: list[str]) -> dict[str, Any]:
    names = {"user": "human", "assistant": "gpt", "system": "system"}
    turns = [{"from": names[turn["role"]], "value": turn["content"]} for turn in chat["messages"]]
    first = next(turn for turn in turns if turn["from"] == "human")
    first["value"] = _TAG * len(pictures) + first["value"]
    return {"id": chat["id"], "conversations": turns, "images": pictures}


def _facial_r1(found: Exported, chat: Chat, pictures: list[str]) -> dict[str, Any] | None:
    """The caption conversations only: a question, the reasoning, the AUs and the label that a reward needs."""
    if chat["kind"] != "caption" or not pictures:
        return None
    row, view = found["row"], chat["view"]
    label = row["label"] if view == "anchored" else row["engine_label"]
    present = [au for au, state in zip(movement_units(), row["au_vector"], strict=True) if state == 1]
    return {
        "id": row["id"] if view == "blind" else f"{row['id']}#{view}",
        "dataset": row["source"] or DATASET,
        "image": pictures[0],
        "question": chat["messages"][-2]["content"],
        "AUs": [f"AU{au}" for au in present],
        "labels": [label] if label else [],
        "description": chat["messages"][-1]["content"],
        "meta_info": {"view": view, "split": found["split"], "flipped": row["flipped"]},
    }


_FORMATS = {"messages": _messages, "sharegpt": _sharegpt, "facial-r1": _facial_r1}


def dataset_info(splits: list[str]) -> bytes:
    """LLaMA-Factory's `dataset_info.json` for the ShareGPT files, with this folder as its `dataset_dir`."""
    found = {
        f"{DATASET}_{split}": {
            "file_name": f"sharegpt/{split}.jsonl",
            "formatting": "sharegpt",
            "columns": {"messages": "conversations", "images": "images"},
        }
        for split in splits
    }
    return json.dumps(found, indent=2).encode() + b"\n"
