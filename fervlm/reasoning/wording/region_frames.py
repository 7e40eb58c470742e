"""Sentence frames for one region, as data.

A frame is text with one marked hole per unit: `{c}` a clause, `{a}` subject and participle (after "with"), `{n}` a
noun phrase, `{t}` a short noun phrase. `{name}` and `{zone}` are the region's words; `{seen}` and `{are_seen}` one of
the verbs below, each of which makes a frame of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from fervlm.reasoning.wording.regions import REGION_WORDS, RegionWords
from fervlm.reasoning.wording.tokens import clip_cost

SEEN = ("is recorded", "is seen", "is noted", "is present", "is registered", "is observed", "can be seen")
ARE_SEEN = ("are recorded", "are seen", "are noted", "are present", "are registered", "are observed", "can be seen")

ONE = (
    "{c}.",
    "{c}.",
    "{c}.",
    "In the {zone}, {c}.",
    "In the {zone}, {c}.",
    "{n} {seen}.",
    "{n} {seen} in the {zone}.",
    "In the {zone}, {n} {seen}.",
    "There is {n}.",
    "There is {n} in the {zone}.",
    "In the {zone} there is {n}.",
    "The {zone} shows {n}.",
    "The {zone} presents {n}.",
    "Recorded in the {zone}: {n}.",
    "Noted in the {zone}: {n}.",
    "The record gives {n}.",
    "The record gives {n} in the {zone}.",
    "Change in the {zone} takes the form of {n}.",
)
ALONE = (
    "{c}, the only change measured in the {name}.",
    "{c}, which is the only change measured in the {name}.",
    "{n} is the only change measured in the {name}.",
    "{n} is the one change recorded in the {name}.",
    "{n} makes up all the change measured in the {name}.",
    "{n} alone {seen} in the {name}.",
    "{n}, and that alone, {seen} in the {name}.",
    "The record gives {n} alone in the {name}.",
    "There is {n}, the only change measured in the {name}.",
    "There is just {n} in the {name}.",
)
"""For a region whose one present unit this is."""
TWO = (
    "{c} and {c}.",
    "{c}, and {c}.",
    "{c} while {c}.",
    "{c}; {c}.",
    "As {c}, {c}.",
    "In the {zone}, {c} and {c}.",
    "In the {zone}, {c} while {c}.",
    "In the {zone}, {c}; {c}.",
    "{c}, and in addition {c}.",
    "{c}; in addition, {c}.",
    "{c}; at the same time, {c}.",
    "{c}, and at the same time {c}.",
    "Two changes are recorded in the {zone}: {c}, and {c}.",
    "{c}, with {a}.",
    "In the {zone}, {c}, with {a}.",
    "With {a}, {c}.",
    "{c}, with {t}.",
    "{c}, accompanied by {t}.",
    "{c}, along with {t}.",
    "{c}, joined by {t}.",
    "{c}; there is also {t}.",
    "{c}, and there is also {t}.",
    "{c}, and {t} {seen} as well.",
    "{n} and {t} {are_seen}.",
    "{n} and {t} {are_seen} in the {zone}.",
    "In the {zone}, {n} and {t} {are_seen}.",
    "There is {n}, and with it {t}.",
    "In the {zone} there is {n} as well as {t}.",
    "The {zone} shows {n} and {t}.",
    "The {zone} combines {n} with {t}.",
    "The {zone} pairs {n} with {t}.",
    "{n} goes with {t}.",
    "{n} is accompanied by {t}.",
    "{n} is joined by {t}.",
    "{n} appears alongside {t}.",
    "Beside {n}, there is {t}.",
    "Along with {n}, {t} {seen}.",
    "In addition to {n}, there is {t}.",
    "Recorded in the {zone}: {n} and {t}.",
    "The record gives {n} and {t}.",
)
THREE = (
    "{c}, {c} and {c}.",
    "{c}, {c}, and {c}.",
    "{c}; {c}, and {c}.",
    "{c} while {c}, and {c}.",
    "{c} and {c}, with {a}.",
    "{c} and {c}, with {t}.",
    "{c} while {c}, with {t}.",
    "{c}, with {a} and {a}.",
    "With {a}, {c} and {c}.",
    "With {a} and {a}, {c}.",
    "{c}, with {t} and {t}.",
    "{c}, joined by {t} and {t}.",
    "{c}, along with {t} and {t}.",
    "{c}, accompanied by {t} and {t}.",
    "{c}; there is also {t}, with {t}.",
    "In the {zone}, {c}, {c} and {c}.",
    "In the {zone}, {c}, with {t} and {t}.",
    "The {zone} shows {t}, {t} and {t}.",
    "The {zone} combines {t}, {t} and {t}.",
    "{t}, {t} and {t} {are_seen}.",
    "{t}, {t} and {t} {are_seen} in the {zone}.",
    "In the {zone}, {t}, {t} and {t} {are_seen}.",
    "Recorded in the {zone}: {t}, {t} and {t}.",
    "There is {t}, with {t} and {t}.",
    "{t} goes with {t} and {t}.",
    "The record gives {t}, {t} and {t}.",
    "Beside {t} there is {t}, with {t}.",
)
FOUR = (
    "The {zone} shows {t}, {t}, {t} and {t}.",
    "{t}, {t}, {t} and {t} {are_seen}.",
    "{t} and {t} {are_seen}, with {t} and {t}.",
    "Recorded are {t}, {t}, {t} and {t}.",
    "There is {t} with {t}, {t} and {t}.",
)
LISTS: dict[int, tuple[str, ...]] = {
    1: ("{t} {seen}.", "There is {t}.", "{c}."),
    2: ("{t} and {t} {are_seen}.", "There is {t} with {t}.", "{t} goes with {t}.", "{c}; {c}.", "{c} and {c}."),
    3: ("{t}, {t} and {t} {are_seen}.", "There is {t} with {t} and {t}.", "{c}; {c}; {c}.", "{c}, {c} and {c}."),
    4: FOUR,
}
"""Short frames, for sentences that would run past the token limit."""

BESIDE = (", while", ";", ", but", ", and", ", whereas")
"""How a telling absence follows."""

RESTING = (
    "None of the movements measured in the {name} is present ({d}).",
    "The movements measured in the {name} are all absent ({d}).",
    "The {name} is at rest as far as measured ({d}).",
    "As far as measured, the {name} is at rest ({d}).",
    "As far as measured, nothing moves in the {name} ({d}).",
    "Nothing moves in the {name} as far as measured ({d}).",
    "Every movement measured in the {name} is absent ({d}).",
    "The measured movements of the {name} are absent ({d}).",
    "The {name} stays at rest as far as measured ({d}).",
    "As far as measured, the {name} stays at rest ({d}).",
)
"""A region where all measured units are absent; `{d}` is "no AU1, no AU2, no AU4"."""
QUIET: dict[int, tuple[str, ...]] = {
    1: ("%s.", "As measured, %s.", "Here %s.", "As for the rest, %s."),
    2: ("%s, and %s.", "%s; %s.", "As measured, %s, and %s."),
}
"""Denials for a region of which only a part was measured."""

_HOLE = re.compile(r"\{([cant])\}")


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame ready for `%`."""

    text: str
    kinds: str
    """One letter per hole."""
    cost: int
    """CLIP tokens of the text around the holes."""


def _spellings(frame: str, words: RegionWords) -> list[str]:
    text = frame.replace("{name}", words.name).replace("{zone}", words.zone)
    for hole, verbs in (("{seen}", SEEN), ("{are_seen}", ARE_SEEN)):
        if hole in text:
            return [text.replace(hole, verb) for verb in verbs]
    return [text]


def _compile(frame: str) -> Frame:
    return Frame(_HOLE.sub("%s", frame), "".join(_HOLE.findall(frame)), clip_cost(_HOLE.sub("", frame)))


@cache
def frames(kind: str, region: str) -> tuple[tuple[Frame, ...], ...]:
    """Frames of one kind for one region: per frame its spellings, so that each frame has the same chance.

    `kind` is `1` to `4` (units in the sentence), `alone`, `list1` to `list4`, or with `n` at the end (`2n`, `3n`) those
    whose later holes are nouns, for units that share a subject.
    """
    tables = {"1": ONE, "alone": ONE + ALONE, "2": TWO, "3": THREE, "4": FOUR}
    tables |= {f"list{n}": found for n, found in LISTS.items()}
    source = tables.get(kind)
    if source is None:
        source = tuple(f for f in tables[kind[0]] if set(_HOLE.findall(f)[1:]) <= {"n", "t"})
    words = REGION_WORDS[region]
    return tuple(tuple(_compile(text) for text in _spellings(frame, words)) for frame in source)


@cache
def resting_frames(region: str) -> tuple[str, ...]:
    """Spellings of `RESTING` for one region."""
    words = REGION_WORDS[region]
    return tuple(text.replace("{d}", "%s") for frame in RESTING for text in _spellings(frame, words))
