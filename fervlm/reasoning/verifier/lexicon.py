"""The words the verifier knows, compiled once from `words/*.yaml` into a tree of tokens and a table of meanings.

A phrase is found by walking the tree from a token; the longest one wins. `PAIRS` says which action units a movement of
a part means.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from fervlm.reasoning.verifier import words as _words
from fervlm.reasoning.verifier.inflection import adverb, expand, is_noun, slots
from fervlm.reasoning.verifier.kinds import AUSet, Entry, Kind, Loose

__all__ = ["AUSet", "Entry", "Kind", "Lexicon", "lexicon"]


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


_Node = dict[str | None, Any]
WIDE = 16
"""A pattern with more alternatives than this has too many phrases to hold each of them."""


def _wide_tree(pattern: str, entry: Entry) -> _Node:
    """The phrases of a pattern as a tree whose equal endings are one object: 10^5 phrases in some dozen nodes."""
    node: _Node = {None: entry}
    for slot in reversed(slots(pattern)):
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
    vague, absent = "~" in text[:2], text.startswith("!")
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
                    self.phrases[phrase] = Entry(Kind.MOVE, (name,), before.value, is_noun(phrase))
                else:
                    self.phrases[phrase] = Entry(Kind.MOVE, (name,), None, is_noun(phrase))

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
    "viewseen": Kind.PRED, "viewact": Kind.ACT, "viewgone": Kind.GONE,
    "against": Kind.AGAINST, "weakly": Kind.WEAK, "rival": Kind.RIVAL, "pronoun": Kind.ONE, "whether": Kind.WHETHER, "except": Kind.EXCEPT, "sole": Kind.SOLE, "about": Kind.ABOUT, "attributed": Kind.ATTRIBUTED, "typical": Kind.TYPICAL,  # noqa: E501
}  # fmt: skip
_PERSONS = {
    "person": Kind.PERSON, "possessive": Kind.POSSESSIVE, "identity": Kind.IDENTITY, "sincerity": Kind.SINCERITY,
    "state": Kind.STATE, "mental": Kind.MENTAL,
}  # fmt: skip
_SIDES = ("left", "right", "both", "one", "even", "opposite")


def _add_words(builder: _Builder) -> None:
    emotions = _document("emotions")
    for key, patterns in _document("persons").items():
        builder.add(patterns, _PERSONS[key])
    for label, forms in emotions.items():
        if label == "harmless":
            continue
        for form in ("verb", "adv", "adj", "noun"):  # "anger" is first of all a noun
            builder.add(forms.get(form, ()), Kind.EMOTION, (label, form))
        adverbs = {adverb(word) for word in forms.get("adj", ()) if word.isalpha()}
        builder.add([word for word in adverbs if (word,) not in builder.phrases], Kind.EMOTION, (label, "adv"))
    grammar = _document("grammar")
    for key, patterns in grammar.items():
        if key in _SIDES:
            builder.add(patterns, Kind.SIDE, key)
        elif key == "level":
            for span, words in patterns.items():
                low, high = (int(number) for number in span.lstrip("~").split())
                builder.add(words, Kind.LEVEL, Loose((low, high)) if span[0] == "~" else (low, high))
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
