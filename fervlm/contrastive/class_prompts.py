"""Named sets of class prompts (`prompts/zero_shot_*.txt`), and the words a label is known by."""

from __future__ import annotations

from functools import cache

from fervlm.facs import tables
from fervlm.prompts import prompt

PROMPT_SETS = ("names", "expressions")


@cache
def templates(name: str) -> tuple[str, ...]:
    """Lines of the prompt set `name`, each with the place `$label`."""
    return tuple(line for line in prompt(f"zero_shot_{name}").text.splitlines() if line)


@cache
def words_of(label: str) -> tuple[str, ...]:
    """A basic label and its variants in the tables: anger, angry."""
    variants: dict[str, list[str]] = tables.document("label_sets")["canonical_names"]
    return (label, *variants.get(label, ()))


def class_texts(label: str, sets: tuple[str, ...] = PROMPT_SETS) -> list[str]:
    """Every prompt of the sets filled with the label as it is written."""
    return [line.replace("$label", label) for name in sets for line in templates(name)]
