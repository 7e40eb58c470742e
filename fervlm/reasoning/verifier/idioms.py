"""Turns of phrase with places for other words ("the detector gives us no value for"), from `words/idioms.yaml`."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from fervlm.reasoning.verifier import words as _words
from fervlm.reasoning.verifier.kinds import Entry, Kind

Idioms = dict[str, list[tuple[re.Pattern[str], Entry, bool]]]
"""The flag: only where a clause begins (written "^had")."""
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
    """First word -> the patterns that may begin with it, in the order of the file."""
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    told: dict[str, Any] = yaml.load(
        (files(_words.__name__) / "idioms.yaml").read_text(encoding="utf-8"), Loader=loader
    )
    found: Idioms = {}
    for name, patterns in told.items():
        entry = Entry(Kind[name.upper()])
        for pattern in patterns:
            first, _, rest = pattern.partition("~")
            compiled = _compiled(rest)
            for word in first.strip().split("|"):
                found.setdefault(word.lstrip("^"), []).append((compiled, entry, word[0] == "^"))
    return found
