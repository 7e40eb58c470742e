"""One pass over the tokens of a sentence: its state, AU numbers in every notation, and levels."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from fervlm.facs.units import action_units
from fervlm.reasoning.observe import level_of
from fervlm.reasoning.verifier.kinds import Entry, Kind
from fervlm.reasoning.verifier.lexicon import lexicon
from fervlm.reasoning.verifier.tokens import Token, tokens


class Element(NamedTuple):
    """A meaningful phrase of a sentence."""

    kind: Kind
    entry: Entry
    start: int
    end: int
    token: int
    """Index of its first token, for distances."""


_LEVEL_LEADS = frozenset(
    (
        "at", "coded", "scored", "rated", ":", "=", "(", "level", "intensity", "grade", "strength", "of", ",",
        "to", "reaches",
    )
)  # fmt: skip
_SURE_LEADS = frozenset(("coded", "scored", "rated", "=", "level", "intensity", "grade", "strength", "reaches"))
_LETTERS = "abcde"
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
_LETTER_ENDS = frozenset((",", ".", ";", ")", "and", "-"))
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
_MERGING = frozenset((Kind.LEVEL, Kind.MEAS, Kind.GONE, Kind.NO))


@cache
def _numbers() -> frozenset[str]:
    known = [str(au) for au in action_units()]
    return frozenset(known + [f"0{n}" for n in known if len(n) == 1])


@cache
def _entries() -> dict[Kind, Entry]:
    return {kind: Entry(kind) for kind in Kind}


@cache
def _side_entry(side: str) -> Entry:
    return Entry(Kind.SIDE, side)


@cache
def _au_entry(number: str) -> Entry:
    return Entry(Kind.AU, (int(number), None, None))


class CodeScanner:
    """What has been found so far, and the readers of numbers and level letters."""

    __slots__ = ("at", "entries", "found", "low", "numbers", "text", "toks")

    def __init__(self, text: str) -> None:
        self.text = text
        self.low = ""
        self.toks: list[Token] = tokens(text)
        self.found: list[Element] = []
        self.at = 0
        self.numbers = _numbers()
        self.entries = _entries()

    def _add(self, kind: Kind, entry: Entry, start: int, stop: int) -> None:
        found = self.found
        toks = self.toks
        if found and kind in _MERGING:
            last = found[-1]
            if kind is Kind.LEVEL:
                near = last.kind is Kind.LEVEL or (len(found) > 1 and found[-2].kind is Kind.LEVEL)
                if near and self._span(entry, start, stop):
                    return
            elif start - last.token <= 3:
                if kind is Kind.MEAS:
                    other = found[-2] if last.kind is Kind.COP and len(found) > 1 else last
                    if other.kind is Kind.NOT:
                        del found[found.index(other) :]
                        found.append(
                            Element(
                                Kind.UNKNOWN, self.entries[Kind.UNKNOWN], other.start, toks[stop - 1][2], other.token
                            )
                        )
                        return
                elif last.kind in (Kind.NOT, Kind.NO):
                    if kind is Kind.GONE:
                        found[-1] = Element(
                            Kind.PRED, self.entries[Kind.PRED], last.start, toks[stop - 1][2], last.token
                        )
                        return
                    if kind is Kind.NO:
                        found.pop()
                        return
        found.append(Element(kind, entry, toks[start][1], toks[stop - 1][2], start))

    def _span(self, entry: Entry, start: int, stop: int) -> bool:
        """Join "slight to moderate" and "B-C" into one span of levels."""
        found = self.found
        last = found[-1]
        gap = [t[0] for t in self.toks[last.token + 1 : start]]
        if last.kind is not Kind.LEVEL:
            if len(found) < 2 or found[-2].kind is not Kind.LEVEL or gap not in ([], ["-"]):
                return False
            joint = self.toks[last.token][0]
            first = found[-2].token
            between = joint == "and" and first > 0 and self.toks[first - 1][0] == "between"
            if joint not in ("to", "or", "-", "–", "/", "through") and not between:
                return False
            found.pop()
            last = found[-1]
        elif gap and gap not in (["-"], ["–"]):
            return False
        low = min(last.entry.value[0], entry.value[0])
        high = max(last.entry.value[1], entry.value[1])
        found[-1] = Element(Kind.LEVEL, Entry(Kind.LEVEL, (low, high)), last.start, self.toks[stop - 1][2], start)
        return True

    def _level(self, start: int) -> None:
        """`level C`, `intensity 3`, `intensity of 2.4`, `strength: B`; a bare "level" means nothing."""
        toks = self.toks
        k = start + 1
        while k < len(toks) and toks[k][0] in ("of", "at", "is", ":", "=", "-", "level", "grade", "an", "the"):
            k += 1
        if k >= len(toks):
            return
        word = toks[k][0]
        if word[0].isdigit():
            found = level_of(float(word)) if float(word) <= 5.5 else None
            if found is not None:
                self._add(Kind.LEVEL, Entry(Kind.LEVEL, (found, found)), start, k + 1)
                self.at = self._scale(k + 1)
        elif len(word) == 1 and word in _LETTERS and (word != "a" or self.text[toks[k][1]] == "A"):
            self.at = k
            self._letter(word, sure=True)

    def _scale(self, k: int) -> int:
        """Past "/5" or "out of five" after a number."""
        words = [t[0] for t in self.toks[k : k + 3]]
        if words[:2] in (["/", "5"], ["of", "5"], ["of", "five"]):
            return k + 2
        if words[:2] == ["out", "of"]:
            return k + 3
        return k

    def _letter(self, word: str, sure: bool = False) -> bool:
        """A FACS letter standing alone: `(B)`, `coded C`; `A` only where it cannot be the article. Or `L14`."""
        toks, at = self.toks, self.at
        if word in "lr" and at + 1 < len(toks) and toks[at + 1][1] == toks[at][2] and toks[at + 1][0] in self.numbers:
            return self._numbers_at(at)
        if word in "lr":
            compared = [t[0] for t in toks[at + 1 : at + 3]]
            if compared in ([">", "r"], ["<", "r"], [">", "l"], ["<", "l"]):
                left = (word == "l") == (compared[0] == ">")
                self._add(Kind.SIDE, _side_entry("more_left" if left else "more_right"), at, at + 3)
                self.at = at + 3
                return True
            if self.text[toks[at][1]].isupper():
                self._add(Kind.SIDE, _side_entry("left" if word == "l" else "right"), at, at + 1)
                self.at = at + 1
                return True
            return False
        if word not in _LETTERS:
            return False
        if at and toks[at - 1][0] == "/" and toks[at - 1][2] == toks[at][1] and toks[at - 1][1] > 0:
            before = self.text[toks[at - 1][1] - 1]
            if before.isalpha():
                return False  # "O/E"
        if not sure:
            if not self.text[toks[at][1]].isupper() or (at == 0 and word == "a"):
                return False
            before = toks[at - 1][0] if at else ""
            after = toks[at + 1][0] if at + 1 < len(toks) else "."
            if word == "a" and before not in _SURE_LEADS and (before not in _LEVEL_LEADS or after[0].isalpha()):
                if after not in _LETTER_ENDS or (after == "and" and before not in ("at", "to", "of")):
                    return False  # "Mouth: A lip stretch"
            if at == 0 and after not in (".", "-"):
                return False
        level = _LETTERS.index(word) + 1
        self._add(Kind.LEVEL, Entry(Kind.LEVEL, (level, level)), at, at + 1)
        self.at = at + 1
        return True

    def _number(self, start: int) -> None:
        """A bare number: an AU only in a code such as `1B+2B`, in `(27)`, or after "no"."""
        toks = self.toks
        word = toks[start][0]
        after = toks[start + 1] if start + 1 < len(toks) else None
        scale = self._scale(start + 1)
        rated = start > 0 and (toks[start - 1][0] in _RATED or toks[start - 1][0] in self.numbers)
        after_at = start > 0 and toks[start - 1][0] == "at" and word in "12345" and bool(self.found)
        if after_at and (start + 1 >= len(toks) or toks[start + 1][0] in _LETTER_ENDS):  # "pucker at 1"
            self._add(Kind.LEVEL, Entry(Kind.LEVEL, (int(word), int(word))), start, start + 1)
            return
        if scale > start + 1 and word.isdigit() and 1 <= int(word) <= 5 and (rated or toks[start + 1][0] != "of"):
            self._add(Kind.LEVEL, Entry(Kind.LEVEL, (int(word), int(word))), start, start + 1)
            self.at = scale
            return
        if word not in self.numbers:
            if word == "0":
                self._add(Kind.GONE, self.entries[Kind.GONE], start, start + 1)
            elif (
                word == "3"
                and start
                and toks[start - 1][0] == "("
                and toks[start + 1 : start + 2]
                and toks[start + 1][0] == ")"
            ):
                self._add(Kind.LEVEL, Entry(Kind.LEVEL, (3, 3)), start, start + 1)
            return
        before = toks[start - 1][0] if start else ""
        joined = after is not None and after[1] == toks[start][2]
        coded = joined and after is not None and len(after[0]) == 1 and after[0] in "abcdelr"
        summed = after is not None and after[0] == "+" and start + 2 < len(toks) and self._is_au(start + 2)
        boxed = before == "(" and (after is None or after[0] in _AFTER_BARE or coded)
        if coded or summed or boxed or self._is_code(start, before, after):
            self._numbers_at(start, bare=True)

    def _is_code(self, start: int, before: str, after: Token | None) -> bool:
        """Whether a bare number among words is an AU: "12 is not", "no 4, no 7", "scored: 4, 7"; not "2 vertical lines"."""  # noqa: E501
        if before == "of" and self._measured_out():
            return True
        if before in _COUNTING or (start == 0 and after is not None and after[0] in (".", ")")):
            return False
        if after is not None:
            node = lexicon().tree.get(after[0])
            entry = node.get(None) if node else None
            if after[0] in _COUNTED:
                return False
            if entry is None or entry.kind not in _FOLLOWING:
                more = self.toks[start + 2][0] if start + 2 < len(self.toks) else ""
                return after[0] in _REMARKS or (
                    after[0] == "a" and more in ("bit", "little", "touch", "trace", "hint", "lot")
                )
            if entry.kind is Kind.COP and any(e.kind is Kind.UNITS for e in self.found):
                return False  # "of the units measured, 4 are active"
        if before in _ANNOUNCING or any(e.kind is Kind.AU for e in self.found):
            return True
        codes = [t[0] for t in self.toks if t[0] in self.numbers]
        return len(codes) > 1 or len(self.toks) <= _SHORT

    def _measured_out(self) -> bool:
        """ "a trace of 6", "absence of 12"."""
        kinds = [e.kind for e in self.found[-2:]]
        return bool(kinds) and (
            kinds[-1] in (Kind.LEVEL, Kind.NO) or (kinds[-1] is Kind.OF and kinds[0] in (Kind.LEVEL, Kind.NO))
        )

    def _is_au(self, k: int) -> bool:
        toks = self.toks
        if k < len(toks) and toks[k][0] in ("l", "r") and k + 1 < len(toks) and toks[k + 1][1] == toks[k][2]:
            k += 1
        return k < len(toks) and toks[k][0] in self.numbers

    def _numbers_at(self, k: int, *, bare: bool = False) -> bool:
        """Read `12`, `12C`, `L14D`, `1+2`, `1, 2 and 5` from token `k` on; whether there was any."""
        toks = self.toks
        count = len(toks)
        if (
            not bare
            and k + 1 < count
            and toks[k][0] in self.numbers
            and toks[k + 1][0] in _CLOSED
            and toks[k][2] < toks[k + 1][2]
        ):
            number, start, end = toks[k]  # by far the most usual: "(AU12)"
            self.found.append(Element(Kind.AU, _au_entry(number), start, end, k))
            self.at = k + 1
            return True
        while k < count and toks[k][0] in ("-", "#", ".", "_") and k + 1 < count and self._is_au(k + 1):
            k += 1
        any_found = False
        while self._is_au(k):
            first, side, level = k, None, None
            if toks[k][0] in ("l", "r"):
                side = "left" if toks[k][0] == "l" else "right"
                k += 1
            au = int(toks[k][0])
            k += 1
            while k < count and toks[k][1] == toks[k - 1][2] and toks[k][0].isalpha() and len(toks[k][0]) <= 2:
                for letter in toks[k][0]:
                    if letter in _LETTERS:
                        level = _LETTERS.index(letter) + 1
                    elif letter in "lr":
                        side = "left" if letter == "l" else "right"
                k += 1
            denied = self._signed(k)
            span = None if level is None else (level, level)
            self._add(Kind.AU, Entry(Kind.AU, (au, side, span), None, bare), first, k)
            any_found = True
            if denied is not None:
                self._add(denied, self.entries[denied], k, k + 1)
                k += 1
            if k + 1 >= count:
                break
            joint = _JOINS.get(toks[k][0])
            ahead = k + 1
            if toks[k][0] == "," and toks[ahead][0] in ("and", "or", "nor"):
                ahead += 1
            if joint is None or not self._is_au(ahead) or (ahead + 1 < count and toks[ahead + 1][0] in _COUNTED):
                break
            self._add(joint, self.entries[joint], k, k + 1)
            if ahead > k + 1:
                joint = _JOINS[toks[k + 1][0]]
                self._add(joint, self.entries[joint], k + 1, k + 2)
            k = ahead
        if any_found:
            self.at = self._value(k)
        return any_found

    def _signed(self, k: int) -> Kind | None:
        """`AU4-`, `AU7+` before a comma or the end."""
        toks = self.toks
        if k >= len(toks) or toks[k][0] not in "+-" or toks[k][1] != toks[k - 1][2]:
            return None
        if k + 1 < len(toks) and toks[k + 1][0] not in (",", ".", ";", ")"):
            return None
        return Kind.PLUS if toks[k][0] == "+" else Kind.MINUS

    def _value(self, k: int) -> int:
        """`AU4: 3`, `AU9 = 0`, `AU12 (2.4)`: a level from 2 on, absent at 0; past it, or `k` where there is none."""
        toks = self.toks
        boxed = k < len(toks) and toks[k][0] == "("
        if k + 1 >= len(toks) or not (boxed or toks[k][0] in (":", "=")) or not toks[k + 1][0][0].isdigit():
            return k
        after = toks[k + 2][0] if k + 2 < len(toks) else "."
        if (boxed and after != ")") or after in _COUNTED or (not boxed and after in ("+", "/", "and")):
            return k
        number = float(toks[k + 1][0])
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
