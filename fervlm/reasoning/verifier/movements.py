"""What stands around a movement: whose it is, what it governs, and whether it says anything at all."""

from __future__ import annotations

from fervlm.reasoning.verifier.cursor import NONE
from fervlm.reasoning.verifier.drafts import Subject
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import Entry, Kind
from fervlm.reasoning.verifier.units import UnitReader

_DIRECTIONS = frozenset(
    ("together", "up", "down", "back", "apart", "out", "forward", "inward", "outward", "upward", "downward")
)
_IS_STILL = frozenset(
    (Kind.COMMA, Kind.BREAK, Kind.AND, Kind.OR, Kind.NOR, Kind.OPEN, Kind.CLOSE, Kind.PREP, Kind.WITH)
)
"""After "still" as a state; before anything else it is an adverb."""
_ARTICLES = frozenset(("the", "his", "her", "their", "its", "both", "a"))
_BEFORE_VERB = frozenset((Kind.AND, Kind.NOT, Kind.NOR))
_LISTING = frozenset((Kind.AND, Kind.COMMA, Kind.PART, Kind.QUAL, Kind.SIDE, Kind.ALL))
_PAST_ONLY = (Kind.LEVEL, Kind.ONLY, Kind.ALL, Kind.COP, Kind.HEDGE)


class MovementAhead(UnitReader):
    """Questions about the movement at hand."""

    __slots__ = ()

    def _none_waits(self) -> bool:
        """Whether no movement waits for a part but such as say no direction ("they don't curl up")."""
        return all(p.element.entry.value == ("pull",) for p in self.pending)

    def _governs(self) -> bool:
        """ "Raised brows wrinkle the forehead": a verb right between its subject, a plural, and its object."""
        if "wrinkle" not in self.els[self.i].entry.value or self.kinds[self.i + 1 : self.i + 2] != [Kind.PART]:
            return False
        if self.text[self.els[self.i - 1].end - 1] != "s":
            return False
        between = self.text[self.els[self.i].end : self.els[self.i + 1].start].lower()
        return between.strip() in _ARTICLES

    def _has_object(self, part: int) -> bool:
        """Whether the part ahead is the object of another verb: "... and push the cheeks"."""
        if Kind.AND not in self.kinds[self.i + 1 : part] or self.kinds[part - 1] is not Kind.MOVE:
            return False
        between = self.text[self.els[part - 1].end : self.els[part].start].lower()
        return between.strip() in _ARTICLES

    def _attributive_move(self, element: Element) -> bool:
        """ "... which makes the strongly lowered brows stand out": it stands between an article and its part."""
        first = self.els[self.i - 1] if self.i and self.kinds[self.i - 1] is Kind.LEVEL else element
        return self.text[: first.start].lower().endswith((" the ", " his ", " her ", " their "))

    def _introduced(self) -> bool:
        """ "Besides a smile there is only a raised chin"."""
        k = self.i - 1
        while k > 0 and self.kinds[k] in _PAST_ONLY:
            k -= 1
        return self.kinds[k] is Kind.PRED and self._word(self.els[k]) == "there"

    def _narrowed(self, subjects: list[Subject]) -> list[Subject]:
        """ "the brows ...; the outer raise": a qualifier without a part is of the part before."""
        if not self.quals or self.kinds[self.i - 1] is not Kind.QUAL:
            return subjects
        name, made = self.quals[-1], []
        for subject in subjects:
            whole = self.lex.whole.get(subject.part, subject.part)
            narrow = self.lex.qualified.get(whole, {}).get(name)
            made.append(Subject(narrow, subject.side, subject.start, subject.end) if narrow else subject)
        self.quals = []
        return made

    def _followed(self) -> tuple[str, ...]:
        """The movement that "the outer ends do not follow": the first of the same part, else the last of all."""
        whole = {self.lex.whole.get(s.part, s.part) for s in self.subject}
        for draft in self.out:
            if draft.part is not None and draft.move and self.lex.whole.get(draft.part, draft.part) in whole:
                return draft.move
        fits = any(self._fits(s.part, self.last_move) for s in self.subject)
        return self.last_move if fits else ("any",)  # "a smile, and the cheeks follow"

    def _clause_end(self, other: Kind = Kind.BREAK) -> int:
        """Index of the break, or element of the kind `other`, that ends the clause."""
        return next((k for k in range(self.i, self.count) if self.kinds[k] in (Kind.BREAK, other)), self.count)

    def _is_adverb(self, element: Element) -> bool:
        nxt, k = self._next(NONE)
        if nxt is Kind.PART and self.text[: element.start].lower().endswith((" a ", "otherwise ")):
            return False  # "otherwise a still face"
        stop = self.els[k].start if k < self.count else len(self.text)
        return (nxt is not None and nxt not in _IS_STILL) or bool(self.text[element.end : stop].strip(" \"'"))

    def _takers(self, element: Element, entry: Entry) -> list[Subject]:
        """The named parts that this movement may be of."""
        if self.adjunct and self.adjunct_at == self.i - 1:  # "over cheeks at rest"
            found = [s for s in self.adjunct if self._fits(s.part, entry.value)]
            if found:
                return found
        if entry.noun and self.fresh and self.kinds[self.i - 1] not in _BEFORE_VERB and not self._compound(element):
            return []  # "jaw drop on, stretch off"
        verb = self.closed and self.kinds[self.i - 1] is Kind.AND and not self._word(element).endswith("ing")
        if (
            entry.noun
            and (
                not self.naked or self.kinds[self.i - 1] is Kind.NO or self.kinds[self.i + 1 : self.i + 2] == [Kind.OF]
            )
            and not verb
            and (entry.unit is not None or self._placed_part(self.i, entry.value))
        ):
            return []  # "an upper lip raise, dimpling and a tuck at the lip corner"
        found = [s for s in self.subject if self._fits(s.part, entry.value)]
        if found and len(found) > 1 and entry.noun and self._compound(element) and not self._listed(found):
            found = [s for s in found if s.start == found[-1].start]
        return found

    def _listed(self, subjects: list[Subject]) -> bool:
        """Whether only "and" and the like stand between the parts: "cheeks and lip corners rise"."""
        between = [k for k, e in enumerate(self.els[: self.i]) if subjects[0].end <= e.start < subjects[-1].start]
        return all(self.kinds[k] in _LISTING for k in between)

    def _compound(self, element: Element, *, named: bool = False) -> bool:
        """ "chin raising": the part stands right before the movement."""
        before = self.els[self.i - 1]
        return (named or before.kind in (Kind.PART, Kind.QUAL)) and self.text[before.end : element.start].strip(
            " -"
        ) == ""

    def _is_nothing(self, element: Element) -> bool:
        """ "no movement", "no other measured movement": the denial stands right before, and no place follows."""
        for k in range(self.i - 1, -1, -1):
            if self.kinds[k] in (Kind.NO, Kind.NOTHING, Kind.NOR):
                return element.token - self.els[k].token <= 4 and not self._located()
        return False

    def _adrift(self, element: Element) -> bool:
        """ "AU6 and AU12 together": a bare direction with nothing to go by."""
        if element.entry.noun or self.kinds[self.i - 1] is Kind.MOVE:
            return False
        if self.i + 1 < self.count and self.kinds[self.i + 1] is Kind.MOVE and self.els[self.i + 1].entry.noun:
            if self.els[self.i + 1].token - element.token == 1 and self._placed_part(self.i + 1, element.entry.value):
                return False  # "a downward pull at the corners"
        return self.text[element.start : element.end].lower() in _DIRECTIONS
