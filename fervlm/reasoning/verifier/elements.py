"""A sentence's tokens as elements: the longest phrases of the lexicon, AU numbers in every notation, level letters."""

from __future__ import annotations

from functools import cache

from fervlm.reasoning.verifier.codes import CodeScanner, au_entry
from fervlm.reasoning.verifier.idioms import Turn, idioms
from fervlm.reasoning.verifier.inflection import SKIPPED
from fervlm.reasoning.verifier.kinds import Entry, Kind
from fervlm.reasoning.verifier.lexicon import lexicon
from fervlm.reasoning.verifier.scan import MERGING, Element
from fervlm.reasoning.verifier.starts import CAREFUL, CLOSER, LEVEL_WORDS, SINGLE, Node, Start, starts
from fervlm.reasoning.verifier.tokens import lowered

__all__ = ["Element", "elements"]

_WITHIN = SKIPPED | {"-"}
"""May stand between the words of a phrase."""
_PREFIXES = frozenset(("un", "no"))
"""Begin words that mean something though the lexicon has them only without ("unraised", "non")."""
_UNIT_WORDS = frozenset(("au", "aus", "unit", "units", "ad", "ads"))
_PRONOUNS = frozenset(("he", "she", "they", "who"))
_CLAUSES = frozenset((Kind.COMMA, Kind.BREAK, Kind.AND, Kind.COLON))
_SIGNED = frozenset((Kind.MOVE, Kind.UNIT, Kind.AU, Kind.COLON, Kind.PART))
_STATED = frozenset((Kind.QUAL, Kind.PART, Kind.COP, Kind.COLON, Kind.AND, Kind.MOVE))


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
        words, begins, ends, last = self.words, self.starts, self.stops, self.count - 1
        append, new, element = self.found.append, tuple.__new__, Element
        past = 0
        for at, start in enumerate(map(starts().get, words)):
            if at < past:
                continue
            if start is None:
                word = words[at]
                if not word.isalpha() or word[:2] in _PREFIXES:
                    past = self._one(at, word)
                continue
            kind, best, node, turn, merges = start
            if turn is not None:
                low = self.low = self.low or lowered(self.text)
                if turn.either(low, begins[at]) is not None:
                    past = self._idiom(at, turn)
                    if past > at:
                        continue
            if node is not None and at < last:
                following = words[at + 1]
                if following in node or following in _WITHIN:
                    past = self._phrase(at, start)
                    continue
            if best is None:
                if start is CLOSER:
                    past = self._one(at, words[at])
                continue
            if merges:
                self._add(kind, best, at, at + 1)
            else:
                append(new(element, (kind, best, begins[at], ends[at], at)))
        return self.found

    def _phrase(self, at: int, start: Start) -> int:
        """Read the longest phrase that begins with token `at`; the token to go on with."""
        assert start.longer is not None
        best, stop = self._longest(at, start.longer)
        if best is None:
            return at + 1
        kind = best.kind
        if kind in MERGING:
            self._add(kind, best, at, stop)
        elif kind in CAREFUL:
            self.at = stop
            self._careful(best, at, stop)
            return self.at
        else:
            self.found.append(Element(kind, best, self.starts[at], self.stops[stop - 1], at))
        return stop

    def _longest(self, at: int, node: Node) -> tuple[Entry | None, int]:
        """The longest phrase from token `at` on, whose subtree `node` is, and the token after it."""
        words, count = self.words, self.count
        best: Entry | None = node.get(None)
        stop = k = at + 1
        while k < count:
            following = words[k]
            deeper = node.get(following)
            if deeper is None:
                if following in _WITHIN:
                    k += 1
                    continue
                break
            node = deeper
            k += 1
            here = node.get(None)
            if here is not None:
                best, stop = here, k
        return best, stop

    def _one(self, at: int, word: str) -> int:
        """Read the token `at`, which needs a closer look; the token to go on with."""
        if word == "au" and at + 1 < self.count:
            number = self.words[at + 1]
            if self._is_lone(at + 1):
                self.found.append(Element(Kind.AU, au_entry(number), self.starts[at + 1], self.stops[at + 1], at + 1))
                return at + 2
            if number in self.numbers and self._numbers_at(at + 1):
                return self.at
        node = lexicon().tree.get(word)
        turn = idioms().get(word)
        if turn is not None:
            low = self.low = self.low or lowered(self.text)
            past = self._idiom(at, turn) if turn.either(low, self.starts[at]) is not None else at
            if past > at:
                return past
        if node is None:
            if word in SKIPPED:
                return at + 1
            if word[0] == "[" and len(word) > 1:
                return self._tick_box(at, word)
            self.at = at
            self._unknown(word)
            return self.at
        if word in SINGLE and not (word == "a" and self.text[self.starts[at]] == "a"):
            self.at = at
            if self._letter(word):
                return self.at
        best, stop = self._longest(at, node)
        if best is None:
            if word in LEVEL_WORDS:
                self.at = at
                self._unknown(word)
                return self.at
            return at + 1
        kind = best.kind
        if word == "lower" and stop == at + 1 and self._is_adjective(stop):
            best, kind = _lower_entry(), Kind.QUAL
        if kind in CAREFUL or word == "-":
            self.at = stop
            self._careful(best, at, stop)
            return self.at
        self.found.append(Element(kind, best, self.starts[at], self.stops[stop - 1], at))
        return stop

    def _tick_box(self, at: int, word: str) -> int:
        """ "[x]", "[ ]": a break, and a denial where it is empty."""
        self.found.append(Element(Kind.BREAK, self.entries[Kind.BREAK], self.starts[at], self.stops[at], at))
        if "x" not in word and "✓" not in word and "✔" not in word:
            self.found.append(Element(Kind.NO, self.entries[Kind.NO], self.starts[at], self.stops[at], at))
        return at + 1

    def _idiom(self, at: int, turns: Turn) -> int:
        """The token after the turn of phrase that begins at token `at`, or `at` where there is none."""
        begin, low = self.starts[at], self.low
        for pattern, entry, fronted in turns.each():
            if fronted and at and not (self.found and self.found[-1].kind in _CLAUSES):
                continue
            found = pattern.match(low, begin)
            if found is None:
                continue
            stop = at + 1
            while stop < self.count and self.starts[stop] < found.end():
                stop += 1
            self.found.append(Element(entry.kind, entry, begin, self.stops[stop - 1], at))
            return stop
        return at

    def _is_adjective(self, k: int) -> bool:
        """ "lower" before "ones", or before "and upper lids"."""
        words = [word for word in self.words[k : k + 3] if word not in SKIPPED]
        return words[:1] in (["ones"], ["one"]) or (words[:1] in (["and"], ["or"], ["/"]) and words[1:2] == ["upper"])

    def _careful(self, best: Entry, start: int, stop: int) -> None:
        """Kinds that depend on what stands around them."""
        words, kind = self.words, best.kind
        if kind is Kind.UNITS:
            if stop < self.count and words[stop - 1] in _UNIT_WORDS and self._numbers_at(stop):
                return
        elif kind is Kind.COMMA:
            if words[start] == ",":
                pass
            elif self._is_sign(start):  # "corner depress -"
                kind, best = Kind.MINUS, self.entries[Kind.MINUS]
            elif self._joined(start):
                return
        elif kind is Kind.SIMILE and start and words[start - 1] == "-":
            return  # "yawn-like" is the thing itself
        self._add(kind, best, start, stop)

    def _is_sign(self, index: int) -> bool:
        """A minus after a movement, before the end or the next of a list."""
        after = self.words[index + 1] if index + 1 < self.count else "."
        signed = self.words[index] in "-–" and after in (".", ",", ";", ")", "/", "|")
        return signed and bool(self.found) and self.found[-1].kind in _SIGNED

    def _joined(self, index: int) -> bool:
        """A hyphen inside a word joins; one with blanks around separates."""
        return (index > 0 and self.stops[index - 1] == self.starts[index]) or (
            index + 1 < self.count and self.stops[index] == self.starts[index + 1]
        )

    def _unknown(self, word: str) -> None:
        """A token that starts no phrase of the lexicon."""
        start = self.at
        self.at = start + 1
        if word[0].isdigit():
            self._number(start)
        elif word in LEVEL_WORDS:
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
        if start + 1 < self.count and self.words[start + 1] == "by" and word.endswith(("ed", "t", "en")):
            self._add(Kind.NO, self.entries[Kind.NO], start, start + 2)  # "unspoilt by a frown"
            self.at = start + 2
            return
        node = lexicon().tree.get(word[2:])
        entry = node.get(None) if node else None
        if entry is not None and entry.kind in (Kind.MOVE, Kind.UNIT):
            self._add(Kind.NOT, self.entries[Kind.NOT], start, start + 1)
            self.found.append(Element(entry.kind, entry, self.starts[start], self.stops[start], start))


def elements(text: str) -> list[Element]:
    """The elements of one sentence, in order."""
    return _Scanner(text).run()
