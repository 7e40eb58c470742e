"""A sentence under scanning: its words and where they stand, what has been found, and how neighbours merge."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from fervlm.facs.units import action_units
from fervlm.reasoning.verifier.kinds import Entry, Kind
from fervlm.reasoning.verifier.tokens import spans


class Element(NamedTuple):
    """A meaningful phrase of a sentence."""

    kind: Kind
    entry: Entry
    start: int
    end: int
    token: int
    """Index of its first token, for distances."""


MERGING = frozenset((Kind.LEVEL, Kind.MEAS, Kind.GONE, Kind.NO))
"""Kinds that may join what stands before ("not absent", "slight to moderate")."""


@cache
def _numbers() -> frozenset[str]:
    known = [str(au) for au in action_units()]
    return frozenset(known + [f"0{n}" for n in known if len(n) == 1])


@cache
def _entries() -> dict[Kind, Entry]:
    return {kind: Entry(kind) for kind in Kind}


class Scan:
    """The tokens of one sentence and the elements found so far."""

    __slots__ = ("at", "count", "entries", "found", "low", "numbers", "starts", "stops", "text", "words")

    def __init__(self, text: str) -> None:
        self.text = text
        self.low = ""
        self.words, self.starts, self.stops = spans(text)
        self.count = len(self.words)
        self.found: list[Element] = []
        self.at = 0
        self.numbers = _numbers()
        self.entries = _entries()

    def _add(self, kind: Kind, entry: Entry, start: int, stop: int) -> None:
        """Append what the tokens from `start` up to `stop` are, or merge it with what stands before."""
        found = self.found
        if found and kind in MERGING:
            last = found[-1]
            if kind is Kind.LEVEL:
                near = last.kind is Kind.LEVEL or (len(found) > 1 and found[-2].kind is Kind.LEVEL)
                if near and self._span(entry, start, stop):
                    return
            elif start - last.token <= 3 and self._merged(kind, last, stop):
                return
        found.append(Element(kind, entry, self.starts[start], self.stops[stop - 1], start))

    def _merged(self, kind: Kind, last: Element, stop: int) -> bool:
        """ "not measured" is one element, so is "not absent"; "no" after "not" adds nothing."""
        found = self.found
        if kind is Kind.MEAS:
            other = found[-2] if last.kind is Kind.COP and len(found) > 1 else last
            if other.kind is not Kind.NOT:
                return False
            del found[found.index(other) :]
            found.append(Element(Kind.UNKNOWN, self.entries[Kind.UNKNOWN], other.start, self.stops[stop - 1], other[4]))
            return True
        if last.kind not in (Kind.NOT, Kind.NO):
            return False
        if kind is Kind.GONE:
            found[-1] = Element(Kind.PRED, self.entries[Kind.PRED], last.start, self.stops[stop - 1], last.token)
            return True
        if kind is Kind.NO:
            found.pop()
            return True
        return False

    def _span(self, entry: Entry, start: int, stop: int) -> bool:
        """Join "slight to moderate" and "B-C" into one span of levels."""
        found, words = self.found, self.words
        last = found[-1]
        gap = words[last.token + 1 : start]
        if last.kind is not Kind.LEVEL:
            if len(found) < 2 or found[-2].kind is not Kind.LEVEL or gap not in ([], ["-"]):
                return False
            joint = words[last.token]
            first = found[-2].token
            between = joint == "and" and first > 0 and words[first - 1] == "between"
            if joint not in ("to", "or", "-", "–", "/", "through") and not between:
                return False
            found.pop()
            last = found[-1]
        elif gap and gap not in (["-"], ["–"]):
            return False
        low = min(last.entry.value[0], entry.value[0])
        high = max(last.entry.value[1], entry.value[1])
        found[-1] = Element(Kind.LEVEL, Entry(Kind.LEVEL, (low, high)), last.start, self.stops[stop - 1], start)
        return True
