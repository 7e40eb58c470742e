"""AU numbers in every notation: `AU12`, `12C`, `L14D`, `1+2`, `AU4: 3`, "no 4, no 7"."""

from __future__ import annotations

from functools import cache

from fervlm.reasoning.observe import level_of
from fervlm.reasoning.verifier.grades import LETTER_ENDS, LETTERS, GradeScanner
from fervlm.reasoning.verifier.kinds import Entry, Kind
from fervlm.reasoning.verifier.lexicon import lexicon
from fervlm.reasoning.verifier.scan import Element

_JOINS = {
    "+": Kind.AND, "&": Kind.AND, "and": Kind.AND, ",": Kind.COMMA, "/": Kind.OR, "or": Kind.OR, "-": Kind.AND,
    "–": Kind.AND, "nor": Kind.NOR,
}  # fmt: skip
_AFTER_BARE = frozenset(
    (
        ")", ",", "+", "&", "/", ".", ";", ":", "]", "and", "or", "nor", "absent", "present", "active",
        "inactive", "is", "are", "at", "not", "-", "=", "|",
    )
)  # fmt: skip
_COUNTING = frozenset(
    (
        "of", "about", "around", "roughly", "approximately", "all", "first", "last", "frame", "row", "image", "page",
        "line", "number", "age", "aged", "figure", "fig", "table", "section", "step", "item", "score", "scores",
        "subject", "participant", "person", "patient", "version", "the", "than", "top", "in", "every", "at", "level",
        "confidence", "probability", "photo", "picture", "clip", "case", "trial", "day", "week", "part", "condition",
    )
)  # fmt: skip
"""Before a number that counts or names something else than an AU."""
_ANNOUNCING = frozenset(
    (":", "no", "not", "nor", "neither", "only", "unlike", "w/", "w/o", "without", "with", "except", "zero")
)
_FOLLOWING = frozenset(
    (
        Kind.COP, Kind.PRED, Kind.GONE, Kind.ACT, Kind.AND, Kind.OR, Kind.NOR, Kind.COMMA, Kind.BREAK, Kind.NOT,
        Kind.NO, Kind.PREP, Kind.SIDE, Kind.LEVEL, Kind.HEDGE, Kind.CLOSE, Kind.OPEN, Kind.COLON, Kind.MEAS,
        Kind.UNKNOWN, Kind.ONLY, Kind.PAIRED, Kind.WITH, Kind.THAN,
    )
)  # fmt: skip
"""What may follow the number of an AU."""
_REMARKS = frozenset(("ruled", "too", "also", "caught", "given", "then", "just"))
_SHORT = 7
"""In a sentence of so few tokens a number can hardly be anything but an AU."""
_RATED = frozenset(("scored", "coded", "rated", "at", "is", "reaches", "gets"))
_COUNTED = frozenset(
    (
        "of", "%", "out", "percent", "units", "unit", "aus", "action", "measured", "other", "muscles", "years",
        "year", "frames", "frame", "points", "movements", "movement", "facial", "seconds", "second", "s", "ms",
        "times", "people", "persons", "faces", "face", "px", "images", "pictures", "regions", "more",
        "different",
    )
)  # fmt: skip
"""After a number that counts."""
_CLOSED = frozenset((")", "is", "are", ".", ";", "speaks", "points", "counts", "supports", "fits"))
"""After an AU number: nothing belongs to it any more."""
_LITTLE = frozenset(("bit", "little", "touch", "trace", "hint", "lot"))


@cache
def au_entry(number: str) -> Entry:
    """An AU by its number alone."""
    return Entry(Kind.AU, (int(number), None, None))


class CodeScanner(GradeScanner):
    """Readers of AU numbers."""

    __slots__ = ()

    def _side_letter(self, word: str) -> bool:
        """Also `L14`."""
        at = self.at
        if at + 1 < self.count and self.starts[at + 1] == self.stops[at] and self.words[at + 1] in self.numbers:
            return self._numbers_at(at)
        return super()._side_letter(word)

    def _word_at(self, k: int) -> str:
        """The token `k`, or "" past the end."""
        return self.words[k] if k < self.count else ""

    def _number(self, start: int) -> None:
        """A bare number: an AU only in a code such as `1B+2B`, in `(27)`, or after "no"."""
        words = self.words
        word, before, after = words[start], words[start - 1] if start else "", self._word_at(start + 1)
        if self._grade(start, word, before, after):
            return
        if word not in self.numbers:
            if word == "0":
                self._add(Kind.GONE, self.entries[Kind.GONE], start, start + 1)
            elif word == "3" and before == "(" and after == ")":
                self._add(Kind.LEVEL, Entry(Kind.LEVEL, (3, 3)), start, start + 1)
            return
        joined = bool(after) and self.starts[start + 1] == self.stops[start]
        coded = joined and len(after) == 1 and after in "abcdelr"
        summed = after == "+" and start + 2 < self.count and self._is_au(start + 2)
        boxed = before == "(" and (not after or after in _AFTER_BARE or coded)
        if coded or summed or boxed or self._is_code(start, before, after):
            self._numbers_at(start, bare=True)

    def _grade(self, start: int, word: str, before: str, after: str) -> bool:
        """ "pucker at 1", "coded 3/5": whether the number is a strength."""
        after_at = before == "at" and word in "12345" and bool(self.found)
        if after_at and (not after or after in LETTER_ENDS):
            self._add(Kind.LEVEL, Entry(Kind.LEVEL, (int(word), int(word))), start, start + 1)
            return True
        scale = self._scale(start + 1)
        if scale == start + 1 or not word.isdigit() or not 1 <= int(word) <= 5:
            return False
        if after == "of" and not (before in _RATED or before in self.numbers):
            return False
        self._add(Kind.LEVEL, Entry(Kind.LEVEL, (int(word), int(word))), start, start + 1)
        self.at = scale
        return True

    def _is_code(self, start: int, before: str, after: str) -> bool:
        """Whether a bare number among words is an AU: "12 is not", "no 4, no 7", "scored: 4, 7"; not "2 vertical lines"."""  # noqa: E501
        if before == "of" and self._measured_out():
            return True
        if before in _COUNTING or (start == 0 and after in (".", ")")):
            return False
        if after:
            node = lexicon().tree.get(after)
            entry = node.get(None) if node else None
            if after in _COUNTED:
                return False
            if entry is None or entry.kind not in _FOLLOWING:
                graded = after in LETTERS and self.text[self.starts[start + 1]].isupper()
                if graded and any(e.kind is Kind.AU for e in self.found):
                    return True  # "23 at B and 24 C"
                return after in _REMARKS or (after == "a" and self._word_at(start + 2) in _LITTLE)
            if entry.kind is Kind.COP and any(e.kind is Kind.UNITS for e in self.found):
                return False  # "of the units measured, 4 are active"
        if before in _ANNOUNCING or any(e.kind is Kind.AU for e in self.found):
            return True
        codes = [word for word in self.words if word in self.numbers]
        return len(codes) > 1 or self.count <= _SHORT

    def _measured_out(self) -> bool:
        """ "a trace of 6", "absence of 12"."""
        kinds = [e.kind for e in self.found[-2:]]
        return bool(kinds) and (
            kinds[-1] in (Kind.LEVEL, Kind.NO) or (kinds[-1] is Kind.OF and kinds[0] in (Kind.LEVEL, Kind.NO))
        )

    def _is_au(self, k: int) -> bool:
        words = self.words
        if k + 1 < self.count and words[k] in ("l", "r") and self.starts[k + 1] == self.stops[k]:
            k += 1
        return k < self.count and words[k] in self.numbers

    def _is_lone(self, k: int) -> bool:
        """ "(AU12)", "AU12, AU7 and AU4": by far the most usual."""
        words = self.words
        if k + 1 >= self.count or words[k] not in self.numbers:
            return False
        after = words[k + 1]
        return after in _CLOSED or (after in (",", "and") and k + 2 < self.count and words[k + 2] == "au")

    def _numbers_at(self, k: int, *, bare: bool = False) -> bool:
        """Read `12`, `12C`, `L14D`, `1+2`, `1, 2 and 5` from token `k` on; whether there was any."""
        words, count = self.words, self.count
        if not bare and self._is_lone(k):
            self.found.append(Element(Kind.AU, au_entry(words[k]), self.starts[k], self.stops[k], k))
            self.at = k + 1
            return True
        while k + 1 < count and words[k] in ("-", "#", ".", "_") and self._is_au(k + 1):
            k += 1
        any_found = False
        while self._is_au(k):
            k = self._one_number(k, bare)
            any_found = True
            if k + 1 >= count:
                break
            joint = _JOINS.get(words[k])
            ahead = k + 1
            if words[k] == "," and words[ahead] in ("and", "or", "nor"):
                ahead += 1
            if joint is None or not self._is_au(ahead) or self._word_at(ahead + 1) in _COUNTED:
                break
            self._add(joint, self.entries[joint], k, k + 1)
            if ahead > k + 1:
                joint = _JOINS[words[k + 1]]
                self._add(joint, self.entries[joint], k + 1, k + 2)
            k = ahead
        if any_found:
            self.at = self._value(k)
        return any_found

    def _one_number(self, k: int, bare: bool) -> int:
        """Read one number with its side, strength and sign; the token after it."""
        words, starts, stops = self.words, self.starts, self.stops
        first, side, level = k, None, None
        if words[k] in ("l", "r"):
            side = "left" if words[k] == "l" else "right"
            k += 1
        au = int(words[k])
        k += 1
        while k < self.count and starts[k] == stops[k - 1] and words[k].isalpha() and len(words[k]) <= 2:
            for letter in words[k]:
                if letter in LETTERS:
                    level = LETTERS.index(letter) + 1
                elif letter in "lr":
                    side = "left" if letter == "l" else "right"
            k += 1
        denied = self._signed(k)
        span = None if level is None else (level, level)
        self._add(Kind.AU, Entry(Kind.AU, (au, side, span), None, bare), first, k)
        if denied is not None:
            self._add(denied, self.entries[denied], k, k + 1)
            k += 1
        return k

    def _signed(self, k: int) -> Kind | None:
        """`AU4-`, `AU7+` before a comma or the end."""
        words = self.words
        if k >= self.count or words[k] not in "+-" or self.starts[k] != self.stops[k - 1]:
            return None
        if k + 1 < self.count and words[k + 1] not in (",", ".", ";", ")"):
            return None
        return Kind.PLUS if words[k] == "+" else Kind.MINUS

    def _value(self, k: int) -> int:
        """`AU4: 3`, `AU9 = 0`, `AU12 (2.4)`: a level from 2 on, absent at 0; past it, or `k` where there is none."""
        words = self.words
        boxed = self._word_at(k) == "("
        if k + 1 >= self.count or not (boxed or words[k] in (":", "=")) or not words[k + 1][0].isdigit():
            return k
        after = self._word_at(k + 2) or "."
        if (boxed and after != ")") or after in _COUNTED or (not boxed and after in ("+", "/", "and")):
            return k
        number = float(words[k + 1])
        if number > 5.5:
            return k
        stop = k + 3 if boxed else k + 2
        level = level_of(number)
        if number == 0:
            self._add(Kind.MINUS, self.entries[Kind.MINUS], k, stop)
        elif number == 1:
            self._add(Kind.PLUS, self.entries[Kind.PLUS], k, stop)
        elif level is not None:
            self._add(Kind.LEVEL, Entry(Kind.LEVEL, (level, level)), k, stop)
        return stop
