"""The words the verifier knows, compiled once from `words/*.yaml` into a tree of tokens and a table of meanings.

A phrase is found by walking the tree from a token; the longest one wins. `PAIRS` says which action units a movement of
a part means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any, NamedTuple

import yaml

from fervlm.reasoning.verifier import words as _words


class Kind(IntEnum):
    """What a phrase does in a sentence; the lower-case names are the keys of `grammar.yaml`."""

    NOISE = 0
    PART = 1
    QUAL = 2
    MOVE = 3
    UNIT = 4
    AU = 5
    SIDE = 6
    LEVEL = 7
    NO = 8
    NOT = 9
    NOR = 10
    GONE = 11
    PRED = 12
    ACT = 13
    MEAS = 14
    UNKNOWN = 15
    HEDGE = 16
    HYP = 17
    GENERIC = 18
    SIMILE = 19
    COP = 20
    COLON = 21
    PREP = 22
    OF = 23
    AND = 24
    OR = 25
    COMMA = 26
    OPEN = 27
    CLOSE = 28
    RELATIVE = 29
    BREAK = 30
    ONLY = 31
    MORE = 32
    LESS = 33
    ELSE = 34
    UNITS = 35
    NOTHING = 36
    ALL = 37
    PLUS = 38
    MINUS = 39
    PAIRED = 40
    THAN = 41
    EMOTION = 42
    PERSON = 43
    POSSESSIVE = 44
    IDENTITY = 45
    SINCERITY = 46
    STATE = 47
    MENTAL = 48
    AGAINST = 49
    WEAK = 50
    RIVAL = 51
    ONE = 52
    WITH = 53
    WHETHER = 54
    EXCEPT = 55
    SOLE = 56
    ABOUT = 57
    TYPICAL = 58
    ATTRIBUTED = 59


class AUSet(NamedTuple):
    """What a phrase means in action units.

    A statement is true where any of `aus` or `also` is present. Its denial is false where any of `aus` is present, and
    supported where all of `aus` (with `either`: one of them) were measured and none is present.
    """

    aus: tuple[int, ...]
    also: tuple[int, ...] = ()
    either: bool = False
    vague: bool = False
    absent: bool = False
    """The phrase itself is the denial ("the lips touch")."""
    near: tuple[int, ...] = ()
    """Make a statement true as well, but are no part of what a denial denies ("movement around the mouth")."""
    yields: bool = False
    """Gives way to another movement of the same part in the clause ("pressed together", "open wide")."""


class Entry(NamedTuple):
    """The meaning of one phrase."""

    kind: Kind
    value: Any = None
    """PART: name; MOVE: names of movements; UNIT: AUSet; SIDE: side; LEVEL: (low, high); EMOTION: (label, form)."""
    unit: AUSet | None = None
    """For a movement word that also means something by itself ("pucker")."""
    noun: bool = False
    """A movement named as a thing ("raising", "raise"), so that its predicate may still follow."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Everything compiled."""

    tree: dict[str | None, Any]
    """Token -> subtree; the key None holds the `Entry` of the phrase that ends here."""
    pairs: dict[str, dict[str, AUSet]]
    regions: dict[str, AUSet]
    qualified: dict[str, dict[str, str]]
    bare: dict[str, str]
    whole: dict[str, str]
    """Narrow part -> the part it belongs to."""
    weak: frozenset[str]


SKIPPED = frozenset(
    (
        "the",
        "a",
        "an",
        "his",
        "her",
        "their",
        "its",
        "my",
        "your",
        "our",
        "this",
        "these",
        "those",
        "subject's",
        "person's",
    )
)
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
    [
        "raise",
        "lift",
        "stretch",
        "press",
        "drop",
        "pull",
        "tuck",
        "pucker",
        "wrinkle",
        "droop",
        "rise",
        "flare",
        "line",
        "fold",
        "ridge",
        "gap",
        "movement",
        "motion",
        "action",
        "change",
        "frown",
        "twitch",
        "furrow",
        "crease",
        "dimple",
        "curl",
        "tug",
        "squint",
        "bulge",
        "upturn",
        "downturn",
        "funnel",
        "thrust",
        "clench",
        "bite",
        "puff",
        "blow",
        "suck",
        "part",
        "narrow",
        "arch",
        "hike",
        "flash",
        "push",
        "sag",
        "slant",
        "shift",
        "crinkle",
        "purse",
    ]
)
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


_Node = dict[str | None, Any]
WIDE = 16
"""A pattern with more alternatives than this has too many phrases to hold each of them."""


def _slots(pattern: str) -> list[tuple[str, ...]]:
    slots: list[tuple[str, ...]] = []
    for token in pattern.split():
        optional = token.startswith("[") and token.endswith("]") and len(token) > 1
        found = tuple(_forms(token[1:-1] if optional else token))
        slots.append((*found, "") if optional else found)
    return slots


def expand(pattern: str) -> Iterator[tuple[str, ...]]:
    """All phrases of a pattern, as tokens, without determiners inside."""
    slots = _slots(pattern)
    if len(slots) == 1:
        for token in slots[0]:
            yield (token,)
        return
    for phrase in product(*slots):
        words = " ".join(phrase).split()
        kept = tuple(token for index, token in enumerate(words) if index == 0 or token not in SKIPPED)
        if kept:
            yield kept


def _wide_tree(pattern: str, entry: Entry) -> _Node:
    """The phrases of a pattern as a tree whose equal endings are one object: 10^5 phrases in some dozen nodes."""
    node: _Node = {None: entry}
    for slot in reversed(_slots(pattern)):
        here: _Node = {}
        for choice in slot:
            path = node
            for word in reversed(choice.split()):
                path = {word: path}
            here = _merged(here, path)
        node = here
    return node


def _merged(one: _Node, other: _Node) -> _Node:
    """Both trees as a new one; neither is changed, since parts of them may be shared."""
    both = dict(one)
    for key, value in other.items():
        before = both.get(key)
        both[key] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return both


def au_set(text: str) -> AUSet | None:
    """The set written as in `pairs.yaml`; None for the empty string."""
    if not text:
        return None
    yields = text.startswith("?")
    text = text.lstrip("?")
    vague, absent = text.startswith("~"), text.startswith("!")
    body = text.lstrip("~!")
    also = tuple(int(number) for number in re.findall(r"\((\d+)\)", body))
    near = tuple(int(number) for number in re.findall(r"<(\d+)>", body))
    plain = tuple(int(number) for number in re.findall(r"\d+", re.sub(r"\(\d+\)|<\d+>", "", body)))
    return AUSet(plain, also, "/" in body, vague, absent, near, yields)


def _document(name: str) -> dict[str, Any]:
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # every scalar a string: "no" is a word here
    loaded: dict[str, Any] = yaml.load(
        (files(_words.__name__) / f"{name}.yaml").read_text(encoding="utf-8"), Loader=loader
    )
    return loaded


def _is_noun(phrase: tuple[str, ...]) -> bool:
    word = phrase[0]
    return word in _NOUNS or (word[-1] == "s" and word[:-1] in _NOUNS) or word.endswith(_NOUN_ENDINGS)


class _Builder:
    def __init__(self) -> None:
        self.phrases: dict[tuple[str, ...], Entry] = {}
        self.wide: list[_Node] = []

    def add(self, patterns: Iterable[str], kind: Kind, value: Any = None) -> None:  # noqa: ANN401
        entry = Entry(kind, value)
        for pattern in patterns:
            if pattern.count("|") > WIDE:
                self.wide.append(_wide_tree(pattern, entry))
                continue
            for phrase in expand(pattern):
                self.phrases[phrase] = entry

    def add_moves(self, name: str, patterns: Iterable[str]) -> None:
        for pattern in patterns:
            for phrase in expand(pattern):
                before = self.phrases.get(phrase)
                if before is not None and before.kind is Kind.MOVE:
                    if name not in before.value:
                        self.phrases[phrase] = before._replace(value=(*before.value, name))
                elif before is not None and before.kind is Kind.UNIT:
                    self.phrases[phrase] = Entry(Kind.MOVE, (name,), before.value, _is_noun(phrase))
                else:
                    self.phrases[phrase] = Entry(Kind.MOVE, (name,), None, _is_noun(phrase))

    def tree(self) -> _Node:
        root: _Node = {}
        for phrase, entry in self.phrases.items():
            node = root
            for token in phrase:
                node = node.setdefault(token, {})
            node[None] = entry
        for wide in self.wide:
            root = _merged(wide, root)  # a phrase with an entry of its own keeps it
        return root


_GRAMMAR = {
    "no": Kind.NO, "not": Kind.NOT, "nor": Kind.NOR, "notonly": Kind.NOISE, "gone": Kind.GONE, "pred": Kind.PRED,
    "act": Kind.ACT, "meas": Kind.MEAS, "unknown": Kind.UNKNOWN, "hedge": Kind.HEDGE, "simile": Kind.SIMILE,
    "hyp": Kind.HYP, "generic": Kind.GENERIC, "cop": Kind.COP, "colon": Kind.COLON, "prep": Kind.PREP, "of": Kind.OF,
    "and": Kind.AND, "or": Kind.OR, "comma": Kind.COMMA, "open": Kind.OPEN, "close": Kind.CLOSE, "with": Kind.WITH,
    "relative": Kind.RELATIVE, "break": Kind.BREAK, "only": Kind.ONLY, "more": Kind.MORE, "less": Kind.LESS,
    "else": Kind.ELSE, "units": Kind.UNITS, "nothing": Kind.NOTHING, "all": Kind.ALL, "than": Kind.THAN,
    "plus": Kind.PLUS, "minus": Kind.MINUS, "pairsword": Kind.PAIRED, "noise": Kind.NOISE, "viewing": Kind.NOISE,
    "against": Kind.AGAINST, "weakly": Kind.WEAK, "rival": Kind.RIVAL, "pronoun": Kind.ONE, "whether": Kind.WHETHER, "except": Kind.EXCEPT, "sole": Kind.SOLE, "about": Kind.ABOUT, "attributed": Kind.ATTRIBUTED, "typical": Kind.TYPICAL,  # noqa: E501
}  # fmt: skip
_PERSONS = {
    "person": Kind.PERSON, "possessive": Kind.POSSESSIVE, "identity": Kind.IDENTITY, "sincerity": Kind.SINCERITY,
    "state": Kind.STATE, "mental": Kind.MENTAL,
}  # fmt: skip
_SIDES = ("left", "right", "both", "one", "even")


def _adverb(adjective: str) -> str:
    """The regular adverb of an adjective: "sorrowful" to "sorrowfully"."""
    if adjective.endswith("y"):
        return adjective[:-1] + "ily"
    if adjective.endswith("ic"):
        return adjective + "ally"
    if adjective.endswith("le"):
        return adjective[:-1] + "y"
    return adjective + "ly"


def _add_words(builder: _Builder) -> None:
    emotions = _document("emotions")
    for key, patterns in _document("persons").items():
        builder.add(patterns, _PERSONS[key])
    for label, forms in emotions.items():
        if label == "harmless":
            continue
        for form in ("verb", "adv", "adj", "noun"):  # "anger" is first of all a noun
            builder.add(forms.get(form, ()), Kind.EMOTION, (label, form))
        adverbs = {_adverb(word) for word in forms.get("adj", ()) if word.isalpha()}
        builder.add([word for word in adverbs if (word,) not in builder.phrases], Kind.EMOTION, (label, "adv"))
    grammar = _document("grammar")
    for key, patterns in grammar.items():
        if key in _SIDES:
            builder.add(patterns, Kind.SIDE, key)
        elif key == "level":
            for span, words in patterns.items():
                low, high = span.split()
                builder.add(words, Kind.LEVEL, (int(low), int(high)))
        elif key in _GRAMMAR:
            builder.add(patterns, _GRAMMAR[key])
        else:
            raise ValueError(f"grammar.yaml: unknown group '{key}'")
    builder.add(emotions["harmless"], Kind.NOISE)


@cache
def lexicon() -> Lexicon:
    """The compiled lexicon, built on first use."""
    builder = _Builder()
    _add_words(builder)
    parts, moves = _document("parts"), _document("moves")
    for name, patterns in parts["qualifiers"].items():
        builder.add(patterns, Kind.QUAL, name)
    for name, patterns in parts["parts"].items():
        builder.add(patterns, Kind.PART, name)
    for text, patterns in _document("units").items():
        builder.add(patterns, Kind.UNIT, au_set(text))
    for name, patterns in moves["moves"].items():
        builder.add_moves(name, patterns)
    pairs = {
        part: {move: found for move, text in row.items() if (found := au_set(text)) is not None}
        for part, row in _document("pairs").items()
    }
    regions = {part: found for part, text in parts["regions"].items() if (found := au_set(text)) is not None}
    for part, region in regions.items():
        row = pairs.setdefault(part, {})
        row["any"] = region
        row["still"] = row["neutral"] = region._replace(absent=True)
    qualified: dict[str, dict[str, str]] = parts["qualified"]
    whole = {narrow: part for part, row in qualified.items() for narrow in row.values()}
    return Lexicon(builder.tree(), pairs, regions, qualified, parts["bare"], whole, frozenset(moves["weak"]))
