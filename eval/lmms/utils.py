"""What an lmms-eval task of fervlm's calls. Stands alone: copied beside the task's YAML, it needs no checkout."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

Doc = Mapping[str, Any]


def doc_to_visual(doc: Doc) -> list[Any]:
    """All pictures of a question."""
    return [picture.convert("RGB") for picture in doc["images"]]


def doc_to_text(doc: Doc, lmms_eval_specific_kwargs: Mapping[str, str] | None = None) -> str:
    """The question as fervlm asks it, between a model's own prompts where it has some."""
    own = lmms_eval_specific_kwargs or {}
    return f"{own.get('pre_prompt', '')}{doc['question']}{own.get('post_prompt', '')}"


def doc_to_target(doc: Doc) -> str:
    """The right answer."""
    return str(doc["answer"])


def strict(told: str, choices: Sequence[str]) -> str | None:
    """The choice that an answer is, case, quotes and a full stop aside; None for anything else."""
    plain = told.strip().strip("\"'*`").rstrip(".").strip().lower()
    letter = re.fullmatch(r"\(?([a-z])\)?(?:[.):].*)?", plain, re.DOTALL)
    for choice in choices:
        if plain == choice.lower() or (letter and len(choice) == 1 and letter[1] == choice.lower()):
            return choice
    return None


def process_results(doc: Doc, results: Sequence[str]) -> dict[str, dict[str, Any]]:
    """One row for each metric."""
    told = strict(results[0], doc["choices"])
    row = {"answer": doc["answer"], "right": told == doc["answer"], "parsed": told is not None}
    return {"WAR": row, "UAR": row, "strict_parse_rate": row}


def war(rows: Sequence[Mapping[str, Any]]) -> float:
    """Share of right answers; what was not parsed is wrong."""
    return float(sum(row["right"] for row in rows) / len(rows))


def uar(rows: Sequence[Mapping[str, Any]]) -> float:
    """Mean recall over the classes that occur."""
    by_class: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        by_class[row["answer"]].append(row["right"])
    return sum(sum(right) / len(right) for right in by_class.values()) / len(by_class)


def parse_rate(rows: Sequence[Mapping[str, Any]]) -> float:
    """Share of answers in the asked form."""
    return float(sum(row["parsed"] for row in rows) / len(rows))
