"""A sentence's tokens as elements: the phrases of the lexicon, AU numbers in every notation, and level letters."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from fervlm.facs.units import action_units
from fervlm.reasoning.observe import level_of
from fervlm.reasoning.verifier.lexicon import SKIPPED, Entry, Kind, lexicon
from fervlm.reasoning.verifier.tokens import Token, tokens


class Element(NamedTuple):
    """A meaningful phrase of a sentence."""

    kind: Kind
    entry: Entry
    start: int
    end: int
    token: int
    """Index of its first token, for distances."""


_LEVEL_WORDS = frozenset(("level", "levels", "intensity", "intensities", "strength", "grade", "degree"))
_LEVEL_LEADS = frozenset(("at", "coded", "scored", "rated", ":", "=", "(", "level", "intensity", "grade", "strength", "of", ",", "to", "reaches"))
_LETTERS = "abcde"
_JOINS = {"+": Kind.AND, "&": Kind.AND, "and": Kind.AND, ",": Kind.COMMA, "/": Kind.OR, "or": Kind.OR, "-": Kind.AND, "–": Kind.AND, "nor": Kind.NOR}
_AFTER_BARE = frozenset((")", ",", "+", "&", "/", ".", ";", ":", "]", "and", "or", "nor", "absent", "present", "active", "inactive", "is", "are", "at", "not", "-", "="))
_STATES = frozenset(("present", "absent", "active", "inactive"))
_ENDS = frozenset((",", ".", ";", ")", "and", "but"))
_LISTING = frozenset((":", "are", "were", "is", "=", "include", "includes", "namely"))
_COUNTED = frozenset(("of", "%", "out", "percent", "units", "unit", "aus", "action", "measured", "other", "muscles", "years", "frames", "points"))
_UNIT_WORDS = frozenset(("au", "aus", "unit", "units", "ad", "ads"))


@cache
def _numbers() -> frozenset[str]:
    known = [str(au) for au in action_units()]
    return frozenset(known + [f"0{n}" for n in known if len(n) == 1])


@cache
def _entries() -> dict[Kind, Entry]:
    return {kind: Entry(kind) for kind in Kind}


class _Scanner:
    """Walks the tokens of one sentence once."""

    __slots__ = ("at", "entries", "found", "numbers", "text", "toks")

    def __init__(self, text: str) -> None:
        self.text = text
        self.toks: list[Token] = tokens(text)
        self.found: list[Element] = []
        self.at = 0
        self.numbers = _numbers()
        self.entries = _entries()

    def run(self) -> list[Element]:
        toks = self.toks
        tree = lexicon().tree
        count = len(toks)
        while self.at < count:
            word = toks[self.at].word
            node = tree.get(word)
            if node is None:
                self._unknown(word)
            elif len(word) == 1 and self._letter(word):
                continue
            else:
                self._phrase(node)
        return self.found

    def _phrase(self, node: dict[str | None, object]) -> None:
        toks = self.toks
        count = len(toks)
        start = self.at
        best = node.get(None)
        stop = k = start + 1
        while k < count:
            word = toks[k].word
            deeper = node.get(word)
            if deeper is None:
                if word == "-" or word in SKIPPED:
                    k += 1
                    continue
                break
            node = deeper  # type: ignore[assignment]
            k += 1
            here = node.get(None)
            if here is not None:
                best, stop = here, k
        self.at = stop
        if best is None:
            self.at = start + 1
            return
        assert isinstance(best, Entry)
        kind = best.kind
        if kind is Kind.UNITS:
            if toks[stop - 1].word in _UNIT_WORDS and self._numbers_at(stop):
                return
        elif kind is Kind.COMMA and toks[start].word == "-" and self._joined(start):
            return
        elif kind is Kind.SIMILE and start and toks[start - 1].word == "-":
            return  # "yawn-like" is the thing itself
        self._add(kind, best, start, stop)

    def _joined(self, index: int) -> bool:
        """A hyphen inside a word joins; one with blanks around separates."""
        toks = self.toks
        return (0 < index and toks[index - 1].end == toks[index].start) or (
            index + 1 < len(toks) and toks[index].end == toks[index + 1].start
        )

    def _add(self, kind: Kind, entry: Entry, start: int, stop: int) -> None:
        found = self.found
        toks = self.toks
        if found and kind in _MERGING:
            last = found[-1]
            if kind is Kind.LEVEL:
                if self._span(entry, start, stop):
                    return
            elif start - last.token <= 3:
                if kind is Kind.MEAS:
                    other = found[-2] if last.kind is Kind.COP and len(found) > 1 else last
                    if other.kind is Kind.NOT:
                        del found[found.index(other) :]
                        found.append(Element(Kind.UNKNOWN, self.entries[Kind.UNKNOWN], other.start, toks[stop - 1].end, other.token))
                        return
                elif last.kind in (Kind.NOT, Kind.NO):
                    if kind is Kind.GONE:
                        found[-1] = Element(Kind.PRED, self.entries[Kind.PRED], last.start, toks[stop - 1].end, last.token)
                        return
                    if kind is Kind.NO:
                        found.pop()
                        return
        found.append(Element(kind, entry, toks[start].start, toks[stop - 1].end, start))

    def _span(self, entry: Entry, start: int, stop: int) -> bool:
        """Join "slight to moderate" and "B-C" into one span of levels."""
        found = self.found
        last = found[-1]
        gap = [t.word for t in self.toks[last.token + 1 : start]]
        if last.kind is not Kind.LEVEL:
            if len(found) < 2 or found[-2].kind is not Kind.LEVEL or gap:
                return False
            joint = self.toks[last.token].word
            if joint not in ("to", "or", "-", "–", "/", "through"):
                return False
            found.pop()
            last = found[-1]
        elif gap and gap != ["-"] and gap != ["–"]:
            return False
        low = min(last.entry.value[0], entry.value[0])
        high = max(last.entry.value[1], entry.value[1])
        found[-1] = Element(Kind.LEVEL, Entry(Kind.LEVEL, (low, high)), last.start, self.toks[stop - 1].end, start)
        return True

    def _unknown(self, word: str) -> None:
        """A token that starts no phrase of the lexicon."""
        start = self.at
        self.at = start + 1
        first = word[0]
        if first.isdigit():
            self._number(start)
        elif word in _LEVEL_WORDS:
            self._level(start)
        elif len(word) == 1:
            self.at = start
            if not self._letter(word):
                self.at = start + 1
        elif "'" in word:
            self._possessive(word, start)
        elif word.startswith("un") and len(word) > 4 or word == "non":
            self._prefixed(word, start)

    def _possessive(self, word: str, start: int) -> None:
        node = lexicon().tree.get(word.split("'", 1)[0])
        entry = node.get(None) if node else None
        if entry is not None:
            kind = Kind.POSSESSIVE if entry.kind is Kind.PERSON else entry.kind
            self._add(kind, entry if kind is entry.kind else self.entries[kind], start, start + 1)

    def _prefixed(self, word: str, start: int) -> None:
        if word in ("un", "non"):
            self._add(Kind.NOT, self.entries[Kind.NOT], start, start + 1)
            return
        node = lexicon().tree.get(word[2:])
        entry = node.get(None) if node else None
        if entry is not None and entry.kind is Kind.MOVE:
            self._add(Kind.NOT, self.entries[Kind.NOT], start, start + 1)
            self.found.append(Element(Kind.MOVE, entry, self.toks[start].start, self.toks[start].end, start))

    # Levels -----------------------------------------------------------------------------------------------------

    def _level(self, start: int) -> None:
        """`level C`, `intensity 3`, `intensity of 2.4`, `strength: B`; a bare "level" means nothing."""
        toks = self.toks
        k = start + 1
        while k < len(toks) and toks[k].word in ("of", "at", "is", ":", "=", "-", "level", "grade", "an", "the"):
            k += 1
        if k >= len(toks):
            return
        word = toks[k].word
        if word[0].isdigit():
            found = level_of(float(word)) if float(word) <= 5.5 else None
            if found is not None:
                self._add(Kind.LEVEL, Entry(Kind.LEVEL, (found, found)), start, k + 1)
                self.at = self._scale(k + 1)
        elif len(word) == 1 and word in _LETTERS and (word != "a" or self.text[toks[k].start] == "A"):
            self.at = k
            self._letter(word, sure=True)

    def _scale(self, k: int) -> int:
        """Past "/5" or "out of five" after a number."""
        words = [t.word for t in self.toks[k : k + 3]]
        if words[:2] in (["/", "5"], ["of", "5"], ["of", "five"]):
            return k + 2
        if words[:2] == ["out", "of"]:
            return k + 3
        return k

    def _letter(self, word: str, sure: bool = False) -> bool:
        """A FACS letter standing alone: `(B)`, `coded C`; `A` only where it cannot be the article. Or `L14`."""
        toks, at = self.toks, self.at
        if word in "lr" and at + 1 < len(toks) and toks[at + 1].start == toks[at].end and toks[at + 1].word in self.numbers:
            return self._numbers_at(at)
        if word not in _LETTERS:
            return False
        if not sure:
            if not self.text[toks[at].start].isupper() or (at == 0 and word == "a"):
                return False
            before = toks[at - 1].word if at else ""
            if word == "a" and before not in _LEVEL_LEADS:
                return False
            if at == 0 and len(toks) > 1 and toks[1].word != ".":
                return False
        level = _LETTERS.index(word) + 1
        self._add(Kind.LEVEL, Entry(Kind.LEVEL, (level, level)), at, at + 1)
        self.at = at + 1
        return True

    # Numbers ----------------------------------------------------------------------------------------------------

    def _number(self, start: int) -> None:
        """A bare number: an AU only in a code such as `1B+2B`, in `(27)`, or after "no"."""
        toks = self.toks
        word = toks[start].word
        after = toks[start + 1] if start + 1 < len(toks) else None
        scale = self._scale(start + 1)
        if scale > start + 1 and word.isdigit() and 1 <= int(word) <= 5 and toks[start + 1].word != "of":
            self._add(Kind.LEVEL, Entry(Kind.LEVEL, (int(word), int(word))), start, start + 1)
            self.at = scale
            return
        if word not in self.numbers:
            if word == "0":
                self._add(Kind.GONE, self.entries[Kind.GONE], start, start + 1)
            return
        before = toks[start - 1].word if start else ""
        joined = after is not None and after.start == toks[start].end
        coded = joined and after is not None and len(after.word) == 1 and after.word in "abcdelr"
        summed = after is not None and after.word == "+" and start + 2 < len(toks) and self._is_au(start + 2)
        boxed = before == "(" and (after is None or after.word in _AFTER_BARE or coded)
        denied = bool(self.found) and self.found[-1].kind in (Kind.NO, Kind.NOR, Kind.NOT) and self.found[-1].token == start - 1
        denied = denied and (after is None or after.word in _AFTER_BARE)
        told = after is not None and after.word in _STATES and (start + 2 >= len(toks) or toks[start + 2].word in _ENDS)
        listed = (
            after is not None
            and after.word in _JOINS
            and before in _LISTING
            and self._is_au(start + 2)
            and any(e.kind is Kind.UNITS for e in self.found)
        )
        if coded or summed or boxed or denied or told or listed:
            self._numbers_at(start)

    def _is_au(self, k: int) -> bool:
        toks = self.toks
        if k < len(toks) and toks[k].word in ("l", "r") and k + 1 < len(toks) and toks[k + 1].start == toks[k].end:
            k += 1
        return k < len(toks) and toks[k].word in self.numbers

    def _numbers_at(self, k: int) -> bool:
        """Read `12`, `12C`, `L14D`, `1+2`, `1, 2 and 5` from token `k` on; whether there was any."""
        toks = self.toks
        count = len(toks)
        while k < count and toks[k].word in ("-", "#", ".") and k + 1 < count and self._is_au(k + 1):
            k += 1
        any_found = False
        while self._is_au(k):
            first, side, level = k, None, None
            if toks[k].word in ("l", "r"):
                side = "left" if toks[k].word == "l" else "right"
                k += 1
            number = int(toks[k].word)
            k += 1
            while k < count and toks[k].start == toks[k - 1].end and toks[k].word.isalpha() and len(toks[k].word) <= 2:
                for letter in toks[k].word:
                    if letter in _LETTERS:
                        level = _LETTERS.index(letter) + 1
                    elif letter in "lr":
                        side = "left" if letter == "l" else "right"
                k += 1
            span = None if level is None else (level, level)
            self._add(Kind.AU, Entry(Kind.AU, (number, side, span)), first, k)
            any_found = True
            if k + 1 >= count:
                break
            joint = _JOINS.get(toks[k].word)
            ahead = k + 1
            if toks[k].word == "," and toks[ahead].word in ("and", "or", "nor"):
                ahead += 1
            if joint is None or not self._is_au(ahead) or (ahead + 1 < count and toks[ahead + 1].word in _COUNTED):
                break
            self._add(joint, self.entries[joint], k, k + 1)
            if ahead > k + 1:
                joint = _JOINS[toks[k + 1].word]
                self._add(joint, self.entries[joint], k + 1, k + 2)
            k = ahead
        if any_found:
            self.at = self._value(k)
        return any_found

    def _value(self, k: int) -> int:
        """`AU4: 3`, `AU9 = 0`, `AU12 (2.4)`: a level from 2 on, absent at 0; past it, or `k` where there is none."""
        toks = self.toks
        boxed = k < len(toks) and toks[k].word == "("
        if k + 1 >= len(toks) or not (boxed or toks[k].word in (":", "=")) or not toks[k + 1].word[0].isdigit():
            return k
        after = toks[k + 2].word if k + 2 < len(toks) else "."
        if (boxed and after != ")") or after in _COUNTED or (not boxed and after in ("+", "/", "and")):
            return k
        number = float(toks[k + 1].word)
        if number > 5.5:
            return k
        stop = k + 3 if boxed else k + 2
        level = level_of(number)
        if number == 0:
            self._add(Kind.MINUS, self.entries[Kind.MINUS], k, stop)
        elif level is not None and number != 1:
            self._add(Kind.LEVEL, Entry(Kind.LEVEL, (level, level)), k, stop)
        return stop


_MERGING = frozenset((Kind.LEVEL, Kind.MEAS, Kind.GONE, Kind.NO))


def elements(text: str) -> list[Element]:
    """The elements of one sentence, in order."""
    return _Scanner(text).run()
