"""Sentence frames for one region, as data.

A frame is text with one marked hole per unit: `{c}` a clause, `{a}` subject and participle (after "with"), `{n}` a
noun phrase, `{t}` a short noun phrase. `{name}`, `{there}`, `{where}` and `{here}` are the region's words, with a
capital in `{There}` and `{Where}`; `{seen}` and `{are_seen}` one of the verbs below. Each choice is a frame of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import product

from fervlm.reasoning.wording.regions import REGION_WORDS, RegionWords
from fervlm.reasoning.wording.tokens import clip_cost

SEEN = ("is recorded", "is seen", "is noted", "is present", "is registered", "is observed", "can be seen")
ARE_SEEN = ("are recorded", "are seen", "are noted", "are present", "are registered", "are observed", "can be seen")

ONE = (
    "{c}.",
    "{c}.",
    "{c}.",
    "{here}, {c}.",
    "{here}, {c}.",
    "{n} {seen}.",
    "{Where}, {n} {seen}.",
    "{n} {seen} {where}.",
    "There is {n}.",
    "There is {n} {where}.",
    "{Where} there is {n}.",
    "The {name} shows {n}.",
    "The {name} presents {n}.",
    "Recorded {where}: {n}.",
    "Noted {where}: {n}.",
    "The record gives {n} {where}.",
    "Movement {where} takes the form of {n}.",
)
ALONE = (
    "{c}, the only movement {there}.",
    "{c}; this is all that moves {there}.",
    "{There}, one movement is recorded: {n}.",
    "A single movement is recorded {there}: {n}.",
    "Movement {there} is limited to {n}.",
    "Movement {there} amounts to {n}.",
    "The only movement {there} is {n}.",
    "The one movement recorded {there} is {n}.",
    "{n} is the only movement {there}.",
    "{n} makes up all the movement {there}.",
    "{n} alone {seen} {there}.",
)
"""For a region whose one present unit this is."""
TWO = (
    "{c} and {c}.",
    "{c}, and {c}.",
    "{c} while {c}.",
    "{c}; {c}.",
    "As {c}, {c}.",
    "{here}, {c} and {c}.",
    "{here}, {c} while {c}.",
    "{here}, {c}; {c}.",
    "{c}, and in addition {c}.",
    "{c}; in addition, {c}.",
    "{c}; at the same time, {c}.",
    "{c}, and at the same time {c}.",
    "Two movements are recorded {where}: {c}, and {c}.",
    "{c}, with {a}.",
    "{here}, {c}, with {a}.",
    "With {a}, {c}.",
    "{here}, with {a}, {c}.",
    "{c}, with {t}.",
    "{c}, accompanied by {t}.",
    "{c}, together with {t}.",
    "{c}, along with {t}.",
    "{c}, joined by {t}.",
    "{c}; there is also {t}.",
    "{c}, and there is also {t}.",
    "{c}, and {t} {seen} as well.",
    "{n} and {t} {are_seen}.",
    "{n} and {t} {are_seen} {where}.",
    "{Where}, {n} and {t} {are_seen}.",
    "There is {n} together with {t}.",
    "There is {n}, and with it {t}.",
    "{Where} there is {n} as well as {t}.",
    "The {name} shows {n} and {t}.",
    "The {name} combines {n} with {t}.",
    "The {name} pairs {n} with {t}.",
    "{n} goes with {t}.",
    "{n} goes together with {t}.",
    "{n} is accompanied by {t}.",
    "{n} is joined by {t}.",
    "{n} appears alongside {t}.",
    "Beside {n}, there is {t}.",
    "Along with {n}, {t} {seen}.",
    "In addition to {n}, there is {t}.",
    "Recorded {where}: {n} and {t}.",
    "Movement {where} consists of {n} and {t}.",
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
    "{c}, together with {t} and {t}.",
    "{c}, accompanied by {t} and {t}.",
    "{c}; there is also {t}, with {t}.",
    "{here}, {c}, {c} and {c}.",
    "{here}, {c}, with {t} and {t}.",
    "The {name} shows {t}, {t} and {t}.",
    "The {name} combines {t}, {t} and {t}.",
    "{t}, {t} and {t} {are_seen}.",
    "{t}, {t} and {t} {are_seen} {where}.",
    "{Where}, {t}, {t} and {t} {are_seen}.",
    "Recorded {where}: {t}, {t} and {t}.",
    "There is {t}, with {t} and {t}.",
    "Movement {where} consists of {t}, {t} and {t}.",
    "{t} goes with {t} and {t}.",
    "Beside {t} there is {t}, with {t}.",
)
FOUR = (
    "The {name} shows {t}, {t}, {t} and {t}.",
    "{t}, {t}, {t} and {t} {are_seen}.",
    "{t} and {t} {are_seen}, with {t} and {t}.",
    "{Where}: {t}, {t}, {t} and {t}.",
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
    "No measured movement is present {there} ({d}).",
    "None of the movements measured {there} is present ({d}).",
    "The {name} shows none of the movements measured there ({d}).",
    "{There}, the measured movements are all absent ({d}).",
    "The movements measured {there} are all absent ({d}).",
    "The {name} is at rest as far as measured ({d}).",
    "As far as measured, the {name} is at rest ({d}).",
    "As far as measured, nothing moves {there} ({d}).",
    "Nothing moves {there} as far as measured ({d}).",
    "Every movement measured {there} is absent ({d}).",
    "{There}, every measured movement is absent ({d}).",
    "The measured movements of the {name} are absent ({d}).",
)
"""A region where all measured units are absent; `{d}` is "no AU1, no AU2, no AU4"."""

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
    choices = {
        "name": (words.name,),
        "where": words.where,
        "Where": tuple(w[0].upper() + w[1:] for w in words.where),
        "there": words.there,
        "There": tuple(w[0].upper() + w[1:] for w in words.there),
        "here": words.here,
        "seen": SEEN,
        "are_seen": ARE_SEEN,
    }
    used = [key for key in choices if "{" + key + "}" in frame]
    found = []
    for values in product(*(choices[key] for key in used)):
        text = frame
        for key, value in zip(used, values, strict=True):
            text = text.replace("{" + key + "}", value)
        found.append(text)
    return found


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
