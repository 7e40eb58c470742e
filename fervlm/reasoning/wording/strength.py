"""Words for FACS levels, sides and certainty. A level word is used only where the evidence carries a level.

Each word belongs to one level and no other, so that a reader can take the level back from the text:
A trace, B slight, C marked, D strong, E maximal (`facs/intensity.yaml`). "Confidently detected" and "possibly" are
about certainty and say nothing of strength.
"""

from __future__ import annotations

from fervlm.reasoning.observe import LEVEL_LETTERS

AFTER: dict[int, tuple[str, ...]] = {
    1: ("faintly", "at trace level"),
    2: ("slightly", "mildly"),
    3: ("markedly", "clearly"),
    4: ("strongly",),
    5: ("maximally",),
}
"""Adverbials that follow a verb: "the lips part slightly"."""

BEFORE: dict[int, tuple[str, ...]] = {
    1: ("faintly",),
    2: ("slightly", "mildly"),
    3: ("markedly", "clearly"),
    4: ("strongly",),
    5: ("maximally",),
}
"""Adverbs that stand before a participle: "slightly parted"."""

ADJECTIVES: dict[int, tuple[str, ...]] = {
    1: ("faint", "trace-level"),
    2: ("slight", "mild"),
    3: ("marked", "clear", "pronounced"),
    4: ("strong",),
    5: ("maximal",),
}
"""Adjectives before a noun: "a slight parting of the lips"."""


def letter_note(level: int) -> str:
    """The level as coders write it: `, level C`, inside the parentheses of the AU number."""
    return f", level {LEVEL_LETTERS[level - 1]}"


CONFIDENT_NOTE = ", confidently detected"
"""Stands inside the parentheses of the AU number."""

ON_SIDE = {"left": "on the left", "right": "on the right", "both": "on both sides"}
TOWARDS_SIDE = {"left": "to the left", "right": "to the right", "both": "to both sides"}
MORE_ON = {"left": ", more on the left", "right": ", more on the right"}
"""Both sides move, one of them by at least a level more; stands inside the parentheses of the AU number."""
