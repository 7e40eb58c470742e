"""Turns of phrase with places for other words ("the detector gives us no value for"), from `words/idioms.yaml`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from fervlm.reasoning.verifier import words as _words
from fervlm.reasoning.verifier.kinds import Entry, Kind

Idiom = tuple[re.Pattern[str], Entry, bool]
"""A pattern, what it is, and whether it stands only where a clause begins (written "^had")."""


class Turn:
    """The turns of phrase that begin with one word.

    Their patterns are compiled when a text first holds that word: all of them would take a tenth of a cold start.
    """

    __slots__ = ("_bodies", "_whole", "either")

    def __init__(self) -> None:
        self._bodies: list[tuple[str, Entry, bool]] = []
        self._whole: list[Idiom] | None = None
        self.either: Callable[[str, int], re.Match[str] | None] = self._first
        """Whether any of them stands in a text at a place: `match` of one pattern for all."""

    def add(self, body: str, entry: Entry, fronted: bool) -> None:
        """One more turn of phrase, in the order of the file."""
        self._bodies.append((body, entry, fronted))

    def _first(self, text: str, at: int) -> re.Match[str] | None:
        self.either = re.compile("|".join(f"(?:{body})" for body, _, _ in self._bodies)).match
        return self.either(text, at)

    def each(self) -> list[Idiom]:
        """All of them, compiled."""
        if self._whole is None:
            self._whole = [(re.compile(body), entry, fronted) for body, entry, fronted in self._bodies]
        return self._whole


Idioms = dict[str, Turn]
"""First word -> its turns of phrase."""

_WORD = r"[\w'’-]+"
_DEVICE = (
    "(?:detectors?|tools?|models?|systems?|software|schemes?|instruments?|sensors?|coders?|coding|protocols?"
    "|networks?|recordings?|scale|vocabulary|repertoire|measurements?)"
)
_VALUE = (
    "(?:values?|readings?|numbers?|scores?|information|data|measurements?|channels?|columns?|outputs?|entry|entries"
    "|figures?|answers?)"
)
_PLACES = re.compile(r"\b[WDV]\b")
_MEANING = {"W": _WORD, "D": _DEVICE, "V": _VALUE}


def _body(rest: str) -> str:
    body = _PLACES.sub(lambda place: _MEANING[place[0]], rest.strip())
    return rf"{_WORD}\s+{body}(?![\w'])" if body else _WORD


@cache
def idioms() -> Idioms:
    """All turns of phrase by their first words."""
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    text = (files(_words.__name__) / "idioms.yaml").read_text(encoding="utf-8")
    groups: dict[str, Any] = yaml.load(text, Loader=loader)
    found: Idioms = {}
    for name, patterns in groups.items():
        entry = Entry(Kind[name.upper()])
        for pattern in patterns:
            first, _, rest = pattern.partition("~")
            body = _body(rest)
            for word in first.strip().split("|"):
                found.setdefault(word.lstrip("^"), Turn()).add(body, entry, word[0] == "^")
    return found
