"""Words for the rows of `au_interactions.csv`: what a combination is, and how it reads (`cues.csv`).

Each row has subjects (singular; the AU numbers follow in parentheses, or stand at `{u}`) and predicates. What a
combination "reads as" is how observers take it; nothing here says what anybody feels. The meaning of each row and its
source stand in the table of interactions; the wording is ours. `I11+` and `I20+` are the readings of those rows for a
raise of C or more and for AU9.
"""

from __future__ import annotations

from functools import cache

from fervlm.reasoning.wording.movements import alternatives, table


@cache
def cue_words() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Row id -> subjects and predicates."""
    return {row["id"]: (alternatives(row["subjects"]), alternatives(row["predicates"])) for row in table("cues")}


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
    "the presence of {u} together",
    "the joint presence of {u}",
)
"""Subjects that fit every row with two or more units."""
