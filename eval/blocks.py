"""What a report is made of: blocks that Markdown and HTML both render."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Scores = dict[str, Any]
Row = tuple[str, ...]
MAJORITY = "majority"
PEER = "peer "
"""What the names of other people's predictors begin with."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A title of level 1 to 3."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """One line each."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A head and rows of equal length; the first column names the row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """An SVG with a name for its file."""

    name: str
    svg: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """One wrong answer, for the page with pictures."""

    id: str
    truth: str
    told: str
    text: str


@dataclass(frozen=True, slots=True)
class Failures:
    """Pictures of wrong answers; HTML only, since photographs must not leave the user's machine in a Markdown file."""

    predictor: str
    wrong: tuple[Wrong, ...] = field(default=())


Block = Heading | Paragraph | Bullets | Table | Plot | Failures


def number(value: float | None, form: str = ".3f") -> str:
    """A number in a cell; what was not measured says so."""
    return "not measured" if value is None else format(value, form)


def plain(name: str) -> str:
    """A name as part of a file's."""
    return "".join(letter if letter.isalnum() else "_" for letter in name.lower()).strip("_")
