"""The lexicon: how each movement may be named, as subject, verb, participle and noun (`movements.csv`).

All wording is ours. It names the visible change, keeps clear of emotion words, and keeps clear of words that carry a
strength ("wide", "sharp") or that are heard as the name of another action unit.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

BETWEEN = " | "
"""Between the alternatives in one field of a table."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Words for one action unit, descriptor, head or gaze code."""

    kind: str
    """`movement`; `directed`: its side is where it goes ("to the left"); `whole`: of an unpaired part that FACS scores
    as one, so that no side is named; `pose`: its words carry their own side."""
    plural: bool
    """Grammatical number of `many`."""
    many: tuple[str, ...]
    """Subjects for the whole face: "the inner brows"."""
    one: tuple[str, ...]
    """Subjects for one side, `{}` standing for it; empty where the part is not paired."""
    verbs: tuple[str, ...]
    """Plain forms; the third person is made by `third`."""
    parts: tuple[str, ...]
    """Participles that follow a form of "be", or a bare subject after "with"."""
    nouns: tuple[str, ...]
    """Nouns without their article; a leading `~` marks those that take none."""
    heads: tuple[str, ...]
    """Nouns that take "of" and the subject: "lift" gives "a lift of the inner brows"."""

    @property
    def directed(self) -> bool:
        """Whether its side is where it goes."""
        return self.kind == "directed"


def table(name: str) -> list[dict[str, str]]:
    """The rows of one of this package's tables."""
    text = (files(__package__) / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def alternatives(field: str) -> tuple[str, ...]:
    """What one field of a table offers."""
    return tuple(field.split(BETWEEN)) if field else ()


@cache
def _lexicon() -> dict[str, Movement]:
    return {
        row["au"]: Movement(
            kind=row["kind"],
            plural=row["number"] == "many",
            **{key: alternatives(row[key]) for key in ("many", "one", "verbs", "parts", "nouns", "heads")},
        )
        for row in table("movements")
    }


def movement(au: int) -> Movement:
    """The entry of `au`. Codes outside the lexicon share one that leaves the naming to the number."""
    lexicon = _lexicon()
    return lexicon.get(str(au)) or lexicon[""]


@cache
def in_lexicon(au: int) -> bool:
    """Whether `au` is a movement with words of its own (head and gaze codes are not counted)."""
    found = _lexicon().get(str(au))
    return found is not None and found.kind != "pose"


def third(base: str) -> str:
    """Third person singular of a plain verb form with whatever follows it: "press together" -> "presses together"."""
    verb, _, rest = base.partition(" ")
    ending = "es" if verb.endswith(("ss", "sh", "ch", "x", "o")) else "s"
    return f"{verb}{ending} {rest}".rstrip()
