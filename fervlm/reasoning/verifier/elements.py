"""A sentence's tokens as elements: the longest phrases of the lexicon, AU numbers in every notation, level letters."""

from __future__ import annotations

import re
from functools import cache

from fervlm.reasoning.verifier.codes import CodeScanner, Element
from fervlm.reasoning.verifier.idioms import Idiom, idioms
from fervlm.reasoning.verifier.inflection import SKIPPED
from fervlm.reasoning.verifier.kinds import Entry, Kind
from fervlm.reasoning.verifier.lexicon import lexicon
from fervlm.reasoning.verifier.tokens import lowered

__all__ = ["Element", "elements"]

_LEVEL_WORDS = frozenset(("level", "levels", "intensity", "intensities", "strength", "grade", "degree"))
_UNIT_WORDS = frozenset(("au", "aus", "unit", "units", "ad", "ads"))
_PRONOUNS = frozenset(("he", "she", "they", "who"))
_SINGLE = frozenset("abcdelr")
_CAREFUL = frozenset((Kind.UNITS, Kind.SIMILE, Kind.LEVEL, Kind.MEAS, Kind.GONE, Kind.NO))


_CLAUSES = frozenset((Kind.COMMA, Kind.BREAK, Kind.AND, Kind.COLON))
_SIGNED = frozenset((Kind.MOVE, Kind.UNIT, Kind.AU, Kind.COLON))


_STATED = frozenset((Kind.PART, Kind.COP, Kind.COLON, Kind.AND, Kind.MOVE))


@cache
def _straight_entry() -> Entry:
    return Entry(Kind.MOVE, ("straight",))


@cache
def _lower_entry() -> Entry:
    return Entry(Kind.QUAL, "lower")


class _Scanner(CodeScanner):
    """Walks the tokens of one sentence once."""

    __slots__ = ()

    def run(self) -> list[Element]:
        toks, found = self.toks, self.found
        tree, turns = lexicon().tree, idioms()
        count = len(toks)
        new = tuple.__new__
        at = 0
        while at < count:
            word, begin, end = toks[at]
            if word in turns:
                past = self._idiom(at, turns[word])
                if past > at:
                    at = past
                    continue
            node = tree.get(word)
            if node is None:
                if word[0] == "[" and len(word) > 1:  # a tick box
                    found.append(new(Element, (Kind.BREAK, self.entries[Kind.BREAK], begin, end, at)))
                    if "x" not in word and "✓" not in word and "✔" not in word:
                        found.append(new(Element, (Kind.NO, self.entries[Kind.NO], begin, end, at)))
                    at += 1
                    continue
                if word in SKIPPED:
                    at += 1
                    continue
                self.at = at
                self._unknown(word)
                at = self.at
                continue
            if begin + 1 == end and word in _SINGLE:
                self.at = at
                if self._letter(word):
                    at = self.at
                    continue
            best: Entry | None = node.get(None)
            stop = k = at + 1
            if best is None or len(node) > 1:  # longer phrases begin with this word
                while k < count:
                    following = toks[k][0]
                    deeper = node.get(following)
                    if deeper is None:
                        if following == "-" or following in SKIPPED:
                            k += 1
                            continue
                        break
                    node = deeper
                    k += 1
                    here = node.get(None)
                    if here is not None:
                        best, stop = here, k
                if best is None:
                    at += 1
                    if word in _LEVEL_WORDS:
                        self.at = at - 1
                        self._unknown(word)
                        at = self.at
                    continue
            kind = best.kind
            if word == "lower" and stop == at + 1 and self._is_adjective(stop):
                best, kind = _lower_entry(), Kind.QUAL
            if kind in _CAREFUL or word == "-":
                self.at = stop
                self._careful(best, at, stop)
                at = self.at
            else:
                found.append(new(Element, (kind, best, begin, toks[stop - 1][2], at)))
                at = stop
        return found

    def _idiom(self, at: int, turns: tuple[re.Pattern[str], list[Idiom]]) -> int:
        """The token after the turn of phrase that begins at token `at`, or `at` where there is none."""
        toks = self.toks
        begin = toks[at][1]
        low = self.low = self.low or lowered(self.text)
        if turns[0].match(low, begin) is None:
            return at
        for pattern, entry, fronted in turns[1]:
            if fronted and at and not (self.found and self.found[-1].kind in _CLAUSES):
                continue
            found = pattern.match(low, begin)
            if found is None:
                continue
            stop = at + 1
            while stop < len(toks) and toks[stop][1] < found.end():
                stop += 1
            self.found.append(Element(entry.kind, entry, begin, toks[stop - 1][2], at))
            return stop
        return at

    def _is_adjective(self, k: int) -> bool:
        """ "lower" before "ones", or before "and upper lids"."""
        words = [t[0] for t in self.toks[k : k + 3] if t[0] not in SKIPPED]
        return words[:1] in (["ones"], ["one"]) or (words[:1] in (["and"], ["or"], ["/"]) and words[1:2] == ["upper"])

    def _careful(self, best: Entry, start: int, stop: int) -> None:
        """Kinds that depend on what stands around them."""
        toks, kind = self.toks, best.kind
        if kind is Kind.UNITS:
            if stop < len(toks) and toks[stop - 1][0] in _UNIT_WORDS and self._numbers_at(stop):
                return
        elif kind is Kind.COMMA:
            if toks[start][0] == ",":
                pass
            elif self._is_sign(start):  # "corner depress -"
                kind, best = Kind.MINUS, self.entries[Kind.MINUS]
            elif self._joined(start):
                return
        elif kind is Kind.SIMILE and start and toks[start - 1][0] == "-":
            return  # "yawn-like" is the thing itself
        self._add(kind, best, start, stop)

    def _is_sign(self, index: int) -> bool:
        """A minus after a movement, before the end or the next of a list."""
        after = self.toks[index + 1][0] if index + 1 < len(self.toks) else "."
        signed = self.toks[index][0] in "-–" and after in (".", ",", ";", ")", "/", "|")
        return signed and bool(self.found) and self.found[-1].kind in _SIGNED

    def _joined(self, index: int) -> bool:
        """A hyphen inside a word joins; one with blanks around separates."""
        toks = self.toks
        return (index > 0 and toks[index - 1][2] == toks[index][1]) or (
            index + 1 < len(toks) and toks[index][2] == toks[index + 1][1]
        )

    def _unknown(self, word: str) -> None:
        """A token that starts no phrase of the lexicon."""
        start = self.at
        self.at = start + 1
        first = word[0]
        if first.isdigit():
            self._number(start)
        elif word in _LEVEL_WORDS:
            before = len(self.found)
            self._level(start)
            if word == "level" and before and len(self.found) == before and self.found[-1].kind in _STATED:
                self._add(Kind.MOVE, _straight_entry(), start, start + 1)  # "corners level"
        elif len(word) == 1:
            self.at = start
            if not self._letter(word):
                self.at = start + 1
        elif "'" in word:
            self._possessive(word, start)
        elif (word.startswith("un") and len(word) > 4) or word == "non":
            self._prefixed(word, start)

    def _possessive(self, word: str, start: int) -> None:
        base, _, rest = word.partition("'")
        node = lexicon().tree.get(base)
        entry = node.get(None) if node else None
        if entry is not None and base in _PRONOUNS and rest in ("s", "re", "d", "ll", "ve"):  # "he's angry"
            self._add(Kind.PERSON, entry, start, start + 1)
            self._add(Kind.COP, self.entries[Kind.COP], start, start + 1)
            return
        if entry is not None:
            kind = Kind.POSSESSIVE if entry.kind is Kind.PERSON else entry.kind
            self._add(kind, entry if kind is entry.kind else self.entries[kind], start, start + 1)

    def _prefixed(self, word: str, start: int) -> None:
        if word in ("un", "non"):
            self._add(Kind.NOT, self.entries[Kind.NOT], start, start + 1)
            return
        node = lexicon().tree.get(word[2:])
        entry = node.get(None) if node else None
        if entry is not None and entry.kind in (Kind.MOVE, Kind.UNIT):
            self._add(Kind.NOT, self.entries[Kind.NOT], start, start + 1)
            self.found.append(Element(entry.kind, entry, self.toks[start][1], self.toks[start][2], start))


def elements(text: str) -> list[Element]:
    """The elements of one sentence, in order."""
    return _Scanner(text).run()
