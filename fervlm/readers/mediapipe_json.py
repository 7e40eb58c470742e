"""The shapes in which blendshapes are written as JSON, undone to one `name: score` object per face."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isnan

from fervlm.errors import ReadError
from fervlm.readers.blendshapes import names
from fervlm.readers.channels import ROUNDING
from fervlm.readers.json_items import as_number

ENOUGH = 20
"""Blendshape names that make an object MediaPipe's."""
NAME_KEYS = ("category_name", "categoryName", "display_name", "displayName", "name")
LIST_KEYS = ("face_blendshapes", "faceBlendshapes", "blendshapes", "categories")
DEPTH = 4


def category(value: object) -> tuple[str, object] | None:
    """(name, score) of `{"category_name": ..., "score": ...}`, or None."""
    if not isinstance(value, dict) or "score" not in value:
        return None
    name = next((value[key] for key in NAME_KEYS if value.get(key)), None)
    return (name, value["score"]) if isinstance(name, str) else None


def score_sets(value: object, depth: int = 0) -> Iterator[dict[str, object]]:
    """The faces in one JSON value, each as name -> score as written; an empty one where a face list is empty."""
    if depth > DEPTH:
        return
    if isinstance(value, dict):
        if len(frozenset(names()).intersection(value)) >= ENOUGH:
            yield value
            return
        inner = next((value[key] for key in LIST_KEYS if key in value), None)
        if inner == [] and depth == 0:
            yield {}
        elif inner is not None:
            yield from score_sets(inner, depth + 1)
    elif isinstance(value, list):
        pairs = [category(part) for part in value]
        if value and all(pairs):
            yield dict(pair for pair in pairs if pair is not None)
            return
        for part in value:
            if isinstance(part, dict | list):
                yield from score_sets(part, depth + 1)


def numbers(scores: Mapping[str, object], wanted: tuple[str, ...], label: str, item: int) -> dict[str, float]:
    """The wanted scores as numbers from 0 to 1; strings that hold a number count.

    Raises:
        ReadError: one is missing, no number, or out of range.
    """
    found = {}
    for name in wanted:
        if name not in scores:
            raise ReadError("the blendshape is missing", file=label, row=item, column=name)
        number = as_number(scores[name])
        if isnan(number):
            raise ReadError(f"{ascii(scores[name])[:40]} is not a number", file=label, row=item, column=name)
        if not -ROUNDING <= number <= 1 + ROUNDING:
            raise ReadError(f"{number:g} is outside the scale of this tool (0 to 1)", file=label, row=item, column=name)
        found[name] = min(max(number, 0.0), 1.0)
    return found
