"""Files that hold one plain vector of scores a face, as people save them from the GraphAU models.

Forms: a table without header (optionally with a name first), numbers separated by commas or blanks; JSON vectors, bare,
in a list, or under a key of an object; and the models' own log lines (`AU1: 3.21 AU2: 0.40 ...`, in percent).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fervlm.errors import ReadError
from fervlm.readers.json_items import items
from fervlm.readers.places import PICTURE, ItemPlaces, Place
from fervlm.readers.sample import Sample
from fervlm.readers.source import Origin, plain

KEYS = ("au", "aus", "pred", "preds", "prediction", "probs", "scores", "output", "logits", "values")
LOGGED = re.compile(r"AU([LR]?\d{1,2}): *(-?\d+(?:\.\d*)?)")
SPLIT = re.compile(r"[,;\s]+")


@dataclass(frozen=True, slots=True)
class Vector:
    """The scores of one face."""

    place: Place
    scores: tuple[float, ...]


def length_in(sample: Sample) -> int | None:
    """How many scores the first face has, or None where the sample holds no vectors."""
    if sample.kind == "json":
        found = _in_json(sample.item)
        return None if found is None else len(found)
    if sample.kind != "table" or not sample.header:
        return None
    line = " ".join(sample.header)
    logged = LOGGED.findall(line)
    if logged:
        return len(logged)
    parsed = _in_line(line)
    return None if parsed is None else len(parsed[1])


def read(origin: Origin, lengths: frozenset[int]) -> Iterator[Vector]:
    """Every vector of a file.

    Raises:
        ReadError: a line or item is no vector of one of these lengths, or is longer or shorter than the first one.
    """
    text = origin.head_text()[0].lstrip()
    found = _json(origin) if text[:1] in {"[", "{"} and not text.startswith("{'AU") else _lines(origin)
    first = 0
    for vector in found:
        count = len(vector.scores)
        if count not in lengths or (first and count != first):
            wanted = str(first) if first else " or ".join(map(str, sorted(lengths)))
            raise ReadError(
                f"there are {count} scores instead of {wanted}", file=origin.label, row=vector.place.source.row
            )
        first = count
        yield vector


def _lines(origin: Origin) -> Iterator[Vector]:
    places = ItemPlaces(origin)
    any_line = False
    for row, line in enumerate(origin.lines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        logged = LOGGED.findall(line)
        parsed = (None, tuple(round(float(number) / 100, 6) for _, number in logged)) if logged else _in_line(line)
        if parsed is None:
            shown = ascii(line.strip()[:40])
            raise ReadError(f"{shown} is no vector of scores", file=origin.label, row=row)
        any_line = True
        yield Vector(places.of(row, picture=parsed[0]), parsed[1])
    if not any_line:
        raise ReadError("the file holds no vector of scores", file=origin.label)


def _in_line(line: str) -> tuple[str | None, tuple[float, ...]] | None:
    """(name or None, numbers) of a line."""
    parts = [part for part in SPLIT.split(line.strip().strip('[]"')) if part]
    name = None
    if parts and not _is_number(parts[0]):
        name = plain(parts.pop(0))
    if not parts or not all(map(_is_number, parts)):
        return None
    return name, tuple(map(float, parts))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _json(origin: Origin) -> Iterator[Vector]:
    places = ItemPlaces(origin)
    for item, value in items(origin):
        numbers = _in_json(value)
        if numbers is None:
            raise ReadError("the item is no vector of scores", file=origin.label, row=item)
        named = value if isinstance(value, dict) else {}
        picture = next((named[key] for key in PICTURE if isinstance(named.get(key), str)), None)
        yield Vector(places.of(item, picture=None if picture is None else plain(picture)), numbers)


def _in_json(value: object) -> tuple[float, ...] | None:
    if isinstance(value, dict):
        value = next((value[key] for key in KEYS if isinstance(value.get(key), list)), None)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    if not isinstance(value, list) or not value:
        return None
    if not all(isinstance(number, int | float) and not isinstance(number, bool) for number in value):
        return None
    try:
        return tuple(float(number) for number in value)
    except OverflowError:
        return None
