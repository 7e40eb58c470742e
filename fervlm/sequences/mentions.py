"""Which action units a sentence of a course speaks of, and in which words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fervlm.records import Side

_NUMBERS = re.compile(r"\bAUs?[ -]?0*(\d{1,2})((?:(?:\s*(?:,|\+|/|&|and)\s*)(?:AU ?)?0*\d{1,2}\b(?![.:]?\d| ?m?s\b))*)")
_NEGATED = re.compile(r"\b(?:no|not|without|never)\s+$")


@dataclass(frozen=True, slots=True)
class Mention:
    """One movement named by number or in plain words."""

    start: int
    end: int
    text: str
    aus: tuple[int, ...]
    """Any of these is meant (plain words may fit several)."""
    numbered: bool
    side: Side | None = None
    level: tuple[int, int] | None = None
    """FACS levels that the strength word allows."""
    negated: bool = False


def numbered_mentions(sentence: str) -> list[Mention]:
    """Every AU number: `AU12`, `AU 12`, `AUs 1, 2 and 4`, `AU1+2`."""
    found = []
    for match in _NUMBERS.finditer(sentence):
        negated = bool(_NEGATED.search(sentence[: match.start()].lower()))
        numbers = [match[1], *re.findall(r"\d+", match[2] or "")]
        found += [
            Mention(match.start(), match.end(), match[0], (int(n),), True, negated=negated)
            for n in numbers
            if 1 <= int(n) <= 99
        ]
    return found
