"""Words for the rows of `au_interactions.csv`: what a combination is, and how it reads (`cues.csv`).

Each row has subjects (singular; the AU numbers follow in parentheses, or stand at `{u}`) and predicates. What a
combination "reads as" is how observers take it; nothing here says what anybody feels. The meaning of each row and its
source stand in the table of interactions; the wording is ours. An id with `+` is a row's second reading: AU5 at C or
more (I11), AU9 instead of AU10 (I20), AU24 without AU23 (I29, I39, I41), AU32 without AU28 (I50).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from fervlm.reasoning.wording.movements import alternatives, table

EXPRESSIONS = {
    "happiness": "happiness",
    "happy": "happiness",
    "joy": "happiness",
    "sadness": "sadness",
    "sad": "sadness",
    "anger": "anger",
    "angry": "anger",
    "fear": "fear",
    "disgust": "disgust",
    "surprise": "surprise",
    "surprised": "surprise",
    "contempt": "contempt",
    "pain": "pain",
    "fatigue": "fatigue",
}
"""Words in the table that name an expression -> its class."""


@dataclass(frozen=True, slots=True)
class CueWords:
    """How one row may be told."""

    subjects: tuple[str, ...]
    named_always: frozenset[str]
    """Classes that the subjects name."""
    predicates: tuple[tuple[str, frozenset[str]], ...]
    """Each with the classes it names."""


def _named(text: str) -> frozenset[str]:
    words = text.replace(",", " ").split()
    return frozenset(EXPRESSIONS[word] for word in words if word in EXPRESSIONS)


@cache
def cue_words() -> dict[str, CueWords]:
    """Row id -> its words."""
    return {
        row["id"]: CueWords(
            alternatives(row["subjects"]),
            _named(row["subjects"]),
            tuple((text, _named(text)) for text in alternatives(row["predicates"])),
        )
        for row in table("cues")
    }


COMBINED: tuple[str, ...] = (
    "In this combination, {s} {p}.",
    "Taken together, {s} {p}.",
)
"""Openings for subjects of several units."""
LEADS: tuple[str, ...] = (
    "{S} {p}.",
    "{S} {p}.",
    "Here, {s} {p}.",
    "As a cue, {s} {p}.",
    "Among the cues, {s} {p}.",
    "As one cue, {s} {p}.",
    "To begin with, {s} {p}.",
    "On this face, {s} {p}.",
    "Notably, {s} {p}.",
    "First of all, {s} {p}.",
    *COMBINED,
)
SECOND_LEADS: tuple[str, ...] = (
    "{S} {p}.",
    "Besides, {s} {p}.",
    "In addition, {s} {p}.",
    "At the same time, {s} {p}.",
    "Further, {s} {p}.",
    "Then {s} {p}.",
    "Moreover, {s} {p}.",
    "Next to this, {s} {p}.",
)
"""For the second combination told."""
GENERAL: tuple[str, ...] = (
    "the combination of {u}",
    "the joint presence of {u}",
)
"""Subjects that fit every row with two or more units."""
