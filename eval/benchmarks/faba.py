"""FABA-Bench (FABA-Instruct's test part): emotion, and AUs, each with a described face."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from eval.item import Benchmark, Choice, Item
from eval.layout import first_there, plain
from fervlm.errors import FervlmError
from fervlm.facs.labels import BASIC7

NUMBERED = ("happiness", "sadness", "surprise", "anger", "neutral", "disgust", "fear")
"""Labels by number, in the order of the authors' evaluation."""
CODED = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 16, 17, 20, 23, 24, 25, 26, 27, 43)
SCORED = (1, 2, 4, 5, 6, 10, 12, 17, 24, 25, 26, 43)
"""AUs that the authors score."""


def _entries(root: Path, *names: str) -> tuple[Path, list[dict[str, Any]]]:
    path = first_there("annotation file", *(place / name for name in names for place in (root, root / "annotations")))
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        entries = [dict(entry) for entry in found]
    except (ValueError, TypeError):
        raise FervlmError("is no JSON list of entries", file=path) from None
    for number, entry in enumerate(entries, start=1):
        if "image" not in entry or "label" not in entry:
            raise FervlmError("an entry lacks image or label", file=path, row=number)
    return path, entries


def emotion(root: Path, _choice: Choice) -> list[Item]:
    """`emotion_test.json`: image, label (a name or a number), gpt4 (the description)."""
    path, entries = _entries(root, "emotion_test.json", "emotion_anno.json", "eval_emotion_anno.json")
    return [
        Item(id=e["image"], picture=root / e["image"], label=_label(e["label"], path, row), text=e.get("gpt4"))
        for row, e in enumerate(entries, start=1)
    ]


def _label(told: object, path: Path, row: int) -> str:
    text = str(told)
    label = NUMBERED[int(text)] if text.isdigit() and int(text) < len(NUMBERED) else plain(text)
    if label not in BASIC7:
        raise FervlmError(f"'{told}' is no label of FABA-Bench", file=path, row=row)
    return label


def units(root: Path, _choice: Choice) -> list[Item]:
    """`AU_test.json`: image, label (numbers between commas), gpt4 (the description)."""
    _, entries = _entries(root, "AU_test.json", "eval_au_anno.json")
    items = []
    for entry in entries:
        here = {int(number) for number in re.findall(r"\d+", str(entry["label"]))}
        coded = {au: au in here for au in SCORED}
        items.append(Item(id=entry["image"], picture=root / entry["image"], units=coded, text=entry.get("gpt4")))
    return items


SEEN = (
    "seen in published code: JackYFL/EmoLA emollava/eval/eval_FABA.py (entries, numbers, scored AUs); "
    "file names recalled"
)
TERMS, ACCESS = (
    "research only; pictures of AffectNet, which needs its own permission",
    "https://github.com/JackYFL/EmoLA",
)
BENCHMARKS = (
    Benchmark(
        name="faba_emotion",
        title="FABA-Bench, emotion",
        task="expression",
        labels=BASIC7,
        load=emotion,
        layout="DIR/emotion_test.json (image, label, gpt4) and the pictures it names",
        seen=SEEN,
        terms=TERMS,
        access=ACCESS,
        anchor="FABA-Bench emotion",
        probe="*emotion*.json",
        note="reference texts are GPT-4V's: likeness to them (ROUGE, REGE) is no evidence of truth",
    ),
    Benchmark(
        name="faba_units",
        title="FABA-Bench, action units",
        task="units",
        load=units,
        layout="DIR/AU_test.json (image, label, gpt4) and the pictures it names",
        seen=SEEN,
        terms=TERMS,
        access=ACCESS,
        units=SCORED,
        anchor="FABA-Bench AU",
        probe="AU_test.json",
    ),
)
