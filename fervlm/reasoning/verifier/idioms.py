"""Turns of phrase with places for other words ("the detector gives us no value for"), from `words/idioms.yaml`."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from fervlm.reasoning.verifier import words as _words
from fervlm.reasoning.verifier.kinds import Entry, Kind

Idiom = tuple[re.Pattern[str], Entry, bool]
"""A pattern, what it is, and whether it stands only where a clause begins (written "^had")."""
Idioms = dict[str, tuple[re.Pattern[str], list[Idiom]]]
"""First word -> one pattern that matches where any does, and all of them in the order of the file."""

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


def _compiled(rest: str) -> re.Pattern[str]:
    body = _PLACES.sub(lambda place: _MEANING[place[0]], rest.strip())
    return re.compile(rf"{_WORD}\s+{body}(?![\w'])" if body else _WORD)


@cache
def idioms() -> Idioms:
    """All turns of phrase by their first words."""
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    text = (files(_words.__name__) / "idioms.yaml").read_text(encoding="utf-8")
    groups: dict[str, Any] = yaml.load(text, Loader=loader)
    found: dict[str, list[Idiom]] = {}
    for name, patterns in groups.items():
        entry = Entry(Kind[name.upper()])
        for pattern in patterns:
            first, _, rest = pattern.partition("~")
            compiled = _compiled(rest)
            for word in first.strip().split("|"):
                found.setdefault(word.lstrip("^"), []).append((compiled, entry, word[0] == "^"))
    return {
        word: (re.compile("|".join(f"(?:{pattern.pattern})" for pattern, _, _ in made)), made)
        for word, made in found.items()
    }
