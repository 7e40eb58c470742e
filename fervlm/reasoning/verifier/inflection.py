"""Word forms: the patterns of `words/*.yaml` spelt out into phrases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

SKIPPED = frozenset(
    (
        "the", "a", "an", "his", "her", "their", "its", "my", "your", "our", "this", "these", "those", "subject's",
        "person's",
    )
)  # fmt: skip
"""Skipped inside a phrase: "the corners of her mouth"."""

_IRREGULAR = {
    "rise": ("rose", "risen"), "draw": ("drew", "drawn"), "fall": ("fell", "fallen"), "hang": ("hung", "hanged"),
    "hold": ("held",), "sink": ("sank", "sunk", "sunken"), "spread": ("spread",), "stick": ("stuck",),
    "bite": ("bit", "bitten"), "blow": ("blew", "blown"), "shut": ("shut",), "set": ("set",), "thrust": ("thrust",),
    "knit": ("knit", "knitted"), "show": ("showed", "shown"), "come": ("came", "come"), "go": ("went", "gone"),
    "grind": ("grinded",), "meet": ("met",), "swell": ("swelled", "swollen"), "catch": ("caught",), "keep": ("kept",),
    "shake": ("shook", "shaken"), "put": ("put",), "weep": ("wept",), "fight": ("fought",), "feel": ("felt",),
    "think": ("thought",), "know": ("knew", "known"), "understand": ("understood",), "hide": ("hid", "hidden"),
    "make": ("made",), "tell": ("told",), "stand": ("stood",), "sit": ("sat",), "bend": ("bent",),
    "get": ("got",), "become": ("became",), "lie": ("lay", "lain"), "arise": ("arose", "arisen"),
    "mean": ("meant",), "read": ("read",), "forgive": ("forgave", "forgiven"), "light": ("lit",), "see": ("saw", "seen"),  # noqa: E501
    "upset": ("upset",), "deal": ("dealt",), "consist": ("consisted",), "take": ("took", "taken"),
}  # fmt: skip
_DOUBLING = re.compile(r"^[^aeiou]*(?:qu)?[aeiou][bdgklmnprtz]$")
_BRITISH = re.compile(r"^[a-z]+[aeiou][a-z]*[^aeiou][aeiou]l$")
_NOUNS = frozenset(
    (
        "raise", "lift", "stretch", "press", "drop", "pull", "tuck", "pucker", "wrinkle", "droop", "rise",
        "flare", "line", "fold", "ridge", "gap", "movement", "motion", "action", "change", "frown", "twitch",
        "furrow", "crease", "dimple", "curl", "tug", "squint", "bulge", "upturn", "downturn", "funnel",
        "thrust", "clench", "bite", "puff", "blow", "suck", "part", "narrow", "arch", "hike", "flash", "push",
        "sag", "slant", "shift", "crinkle", "purse",
    )
)  # fmt: skip
_NO_NOUNS = frozenset(("together", "narrower", "tighter", "wider", "smaller", "closer", "thinner", "deeper", "higher"))
_NOUN_ENDINGS = ("ing", "ion", "er", "or", "ers", "ors", "ions", "ment", "ments", "ity", "ure", "ness", "rest")


def inflect(verb: str) -> tuple[str, ...]:
    """Every form of an English verb: base, -s, past and participle, -ing."""
    if verb.endswith(("s", "x", "z", "ch", "sh", "o")):
        third = verb + "es"
    elif verb.endswith("y") and verb[-2] not in "aeiou":
        third = verb[:-1] + "ies"
    else:
        third = verb + "s"
    stem = verb + verb[-1] if _DOUBLING.match(verb) else verb
    if verb.endswith("ie"):
        running = verb[:-2] + "ying"
    else:
        running = (verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else stem) + "ing"
    past = _IRREGULAR.get(verb)
    if _BRITISH.match(verb):  # "funneled" and "funnelled"
        return (verb, third, verb + "ed", verb + "led", verb + "ing", verb + "ling")
    if past is None:
        if verb.endswith("e"):
            past = (verb + "d",)
        elif verb.endswith("y") and verb[-2] not in "aeiou":
            past = (verb[:-1] + "ied",)
        else:
            past = (stem + "ed",)
    return (verb, third, *past, running)


def plural(noun: str) -> str:
    """The regular plural."""
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def _forms(token: str) -> Iterator[str]:
    for choice in token.split("|"):
        if choice.endswith("*"):
            yield from inflect(choice[:-1])
        elif choice.endswith("~"):
            yield choice[:-1]
            yield plural(choice[:-1])
        else:
            yield choice.replace("_", " ")


def slots(pattern: str) -> list[tuple[str, ...]]:
    """Return a pattern's places in order, each with the forms that may stand there ("" where it may be missing)."""
    found_slots: list[tuple[str, ...]] = []
    for token in pattern.split():
        optional = token.startswith("[") and token.endswith("]") and len(token) > 1
        found = tuple(_forms(token[1:-1] if optional else token))
        found_slots.append((*found, "") if optional else found)
    return found_slots


def expand(pattern: str) -> Iterator[tuple[str, ...]]:
    """All phrases of a pattern, as tokens, without determiners inside."""
    if pattern == "|":  # the sign itself
        yield ("|",)
        return
    options = slots(pattern)
    if len(options) == 1:
        for token in options[0]:
            yield (token,)
        return
    for phrase in product(*options):
        words = " ".join(phrase).split()
        kept = tuple(token for index, token in enumerate(words) if index == 0 or token not in SKIPPED)
        if kept:
            yield kept


def is_noun(phrase: tuple[str, ...]) -> bool:
    """Whether a movement's form is a noun ("a raise of", "the tightening"), so that its part follows or precedes."""
    word = phrase[0]
    return word not in _NO_NOUNS and (
        word in _NOUNS or (word[-1] == "s" and word[:-1] in _NOUNS) or word.endswith(_NOUN_ENDINGS)
    )


def adverb(adjective: str) -> str:
    """The regular adverb of an adjective: "sorrowful" to "sorrowfully"."""
    if adjective.endswith("y"):
        return adjective[:-1] + "ily"
    if adjective.endswith("ic"):
        return adjective + "ally"
    if adjective.endswith("le"):
        return adjective[:-1] + "y"
    return adjective + "ly"
