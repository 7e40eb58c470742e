"""Strengths as letters and numbers: `(B)`, `level C`, `intensity of 2.4`, "3 out of 5", `L > R`."""

from __future__ import annotations

from functools import cache

from fervlm.reasoning.observe import level_of
from fervlm.reasoning.verifier.kinds import Entry, Kind
from fervlm.reasoning.verifier.scan import Scan

_LEVEL_LEADS = frozenset(
    (
        "at", "coded", "scored", "rated", ":", "=", "(", "level", "intensity", "grade", "strength", "of", ",",
        "to", "reaches",
    )
)  # fmt: skip
_SURE_LEADS = frozenset(("coded", "scored", "rated", "=", "level", "intensity", "grade", "strength", "reaches"))
_NAMING = frozenset(("of", "at", "is", ":", "=", "-", "level", "grade", "an", "the"))
_NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5"}
LETTERS = "abcde"
LETTER_ENDS = frozenset((",", ".", ";", ")", "and", "-"))


@cache
def _side_entry(side: str) -> Entry:
    return Entry(Kind.SIDE, side)


class GradeScanner(Scan):
    """Readers of level letters, level numbers and side letters."""

    __slots__ = ()

    def _level(self, start: int) -> None:
        """`level C`, `intensity 3`, `intensity of 2.4`, `strength: B`; a bare "level" means nothing."""
        words = self.words
        k = start + 1
        while k < self.count and words[k] in _NAMING:
            k += 1
        if k >= self.count:
            return
        word = _NUMBERS.get(words[k], words[k])
        if word[0].isdigit():
            found = level_of(float(word)) if float(word) <= 5.5 else None
            if found is not None:
                self._add(Kind.LEVEL, Entry(Kind.LEVEL, (found, found)), start, k + 1)
                self.at = self._scale(k + 1)
        elif len(word) == 1 and word in LETTERS and (word != "a" or self.text[self.starts[k]] == "A"):
            self.at = k
            self._letter(word, sure=True)

    def _scale(self, k: int) -> int:
        """Past "/5" or "out of five" after a number."""
        words = self.words[k : k + 2]
        if words in (["/", "5"], ["of", "5"], ["of", "five"]):
            return k + 2
        return k + 3 if words == ["out", "of"] else k

    def _letter(self, word: str, sure: bool = False) -> bool:
        """A FACS letter standing alone: `(B)`, `coded C`; `A` only where it cannot be the article."""
        if word in "lr":
            return self._side_letter(word)
        if word not in LETTERS:
            return False
        at = self.at
        if at and self.words[at - 1] == "/" and self.stops[at - 1] == self.starts[at] and self.starts[at - 1] > 0:
            before = self.text[self.starts[at - 1] - 1]
            if before.isalpha():
                return False  # "O/E"
        if not sure and not self._is_grade(word):
            return False
        level = LETTERS.index(word) + 1
        self._add(Kind.LEVEL, Entry(Kind.LEVEL, (level, level)), at, at + 1)
        self.at = at + 1
        return True

    def _side_letter(self, word: str) -> bool:
        at, words = self.at, self.words
        compared = words[at + 1 : at + 3]
        if compared in ([">", "r"], ["<", "r"], [">", "l"], ["<", "l"]):
            left = (word == "l") == (compared[0] == ">")
            self._add(Kind.SIDE, _side_entry("more_left" if left else "more_right"), at, at + 3)
            self.at = at + 3
            return True
        if self.text[self.starts[at]].isupper():
            self._add(Kind.SIDE, _side_entry("left" if word == "l" else "right"), at, at + 1)
            self.at = at + 1
            return True
        return False

    def _is_grade(self, word: str) -> bool:
        """Whether the letter at hand is a strength where nothing has announced one."""
        at, words = self.at, self.words
        if not self.text[self.starts[at]].isupper() or (at == 0 and word == "a"):
            return False
        before = words[at - 1] if at else ""
        after = words[at + 1] if at + 1 < self.count else "."
        if word == "a" and before not in _SURE_LEADS and (before not in _LEVEL_LEADS or after[0].isalpha()):
            if after not in LETTER_ENDS or (after == "and" and before not in ("at", "to", "of")):
                return False  # "Mouth: A lip stretch"
        return at > 0 or after in (".", "-")
