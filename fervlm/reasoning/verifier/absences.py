"""What is called absent, off or zero, and what is denied after it was named: "of a smile there is no trace"."""

from __future__ import annotations

import re

from fervlm.reasoning.verifier.cursor import NONE, SEPARATING
from fervlm.reasoning.verifier.drafts import Draft
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import Entry, Kind
from fervlm.reasoning.verifier.moves import MoveReader

_CLAIMING = frozenset((Kind.MOVE, Kind.UNIT, Kind.AU, Kind.PART, Kind.QUAL))
_LEADING = frozenset((Kind.BREAK, Kind.COMMA, Kind.COLON))
_PAST_TRACE = frozenset((Kind.LEVEL, Kind.PREP, Kind.MEAS, Kind.PRED, Kind.COP))
_PAST_COPULA = frozenset((Kind.LEVEL, Kind.SIDE, Kind.QUAL, Kind.COLON, Kind.COP, Kind.ALL))
_PAST_PREP = frozenset((Kind.PREP,))
_PAST_SIDE_QUAL = frozenset((Kind.SIDE, Kind.QUAL))
_ENDING = (None, Kind.BREAK, Kind.COMMA, Kind.CLOSE, Kind.COLON)

_LISTED = frozenset((Kind.COMMA, Kind.AND, Kind.BREAK))
_VANISHED = frozenset(("vanished", "disappeared", "gone"))
_LIPS = frozenset(("lip", "ulip", "llip"))
_AWAY = frozenset(("stays away", "stay away", "stayed away", "stays out", "stay out", "stayed out"))
_LETTER = re.compile(r"[a-z]", re.IGNORECASE)
_WHAT = re.compile(r"\W*what\b", re.IGNORECASE)
_ODDS = re.compile(r"\b(?:probabilit|likelihood|chance|odds|score|value|reading)", re.IGNORECASE)


class AbsenceReader(MoveReader):
    """Handlers for absences."""

    __slots__ = ()

    def _on_move(self, element: Element) -> None:
        if element.entry.value == ("low",) and self.copula and self.group and _ODDS.search(self.text[: element.start]):
            self._on_gone(element)  # "the probability of a smile is low"
        elif self.soft and self.group and not self.naked and self._word(element) in _AWAY:
            self._flip()  # "a squint stays away"
            self.closed = True
        else:
            MoveReader._on_move(self, element)

    def _on_gone(self, element: Element) -> None:
        word = self._word(element)
        leads = not self.i or self.kinds[self.i - 1] in _LISTED
        if word == "gone" and leads and (self._next(_PAST_SIDE_QUAL)[0] in _CLAIMING or self._announced()):
            self._start_group()
            self._deny()
            return  # "gone is the frown, gone the squint"
        if word in ("off", "gone") and self._next(NONE)[0] not in (None, Kind.COLON, *SEPARATING):
            return  # "off the teeth"
        if word == "off" and self.text[: element.start].endswith("ing ") and not self.copula:
            return  # "squaring off"
        if word in _VANISHED and self.naked and self.subject and self.subject[-1].part in _LIPS:
            copied = Element(Kind.MOVE, Entry(Kind.MOVE, ("suck",)), element.start, element.end, element.token)
            for subject in self.subject:
                self._emit(subject, copied, self.denying, self.i)
            self.closed = True
            return  # "the lips have vanished"
        if self.predicate_denied:
            self.predicate_denied = False
            self.closed = True
            return
        side, k = self._next(_PAST_PREP)
        if side is Kind.SIDE and self._not_there(k):
            return
        nxt, _ = self._next(_PAST_COPULA)
        if self._cleft():
            return
        if self._attributive(element) or self._announced():
            self._start_group()
            self._deny()
            return
        if self.naked and self.subject and self.group and self.paren < 0:
            if not self.closed and not self.fresh and self.kinds[self.i - 1] is Kind.COLON:
                self._flip()  # "jaw, lip parting, brow: zero"
            self._still()
        elif self.group and not self.fresh:
            self._assert()
            if self.paren >= 0:
                boxed = self.group[self.paren :] or [d for d in self.group if d.at == self.group[-1].at]
                for draft in boxed:
                    draft.negated = True
            else:
                self._flip()
            self.closed = True
        elif self.pending and (self.fresh or not self.subject):
            for waiting in self.pending:
                waiting.denied = not waiting.denied
        elif nxt in _CLAIMING or nxt is Kind.UNITS:
            self._deny()
        elif self.subject:
            self._still()

    def _not_there(self, k: int) -> bool:
        """ "present on the right, absent on the left": the same movement, denied on the other side."""
        last = next((d for d in reversed(self.group) if d.kind == "au"), None)
        value = self.els[k].entry.value
        if last is None or value not in ("left", "right") or last.side in (None, value) or last.negated:
            return False
        if last.side not in ("left", "right") or self.naked:
            return False
        for told in [d for d in self.group if d.at == last.at]:
            other = Draft("au", told.units, told.start, told.end, True)
            other.side, other.part, other.move, other.at = value, told.part, told.move, self.i
            self._append(other)
        self.closed, self.i = True, k
        return True

    def _cleft(self) -> bool:
        """ "What is missing from the smile is the lift of the cheeks": what comes after the next "is" is denied."""
        begin = self.els[self.clause_at].end if self.clause_at else 0
        heads = not _LETTER.search(self.text[begin : self.els[self.i].start])  # "Missing from this face are ..."
        if self.group or not (heads or _WHAT.match(self.text, begin)):
            return False
        for k in range(self.i + 1, self.count):
            if self.kinds[k] in (Kind.BREAK, Kind.COMMA):
                return False
            if self.kinds[k] is Kind.COP:
                self.cleft = k
                return k > self.i + 1
        return False

    def _announced(self) -> bool:
        """ "what it calls absent are lips part and jaw drop"."""
        stated = self.kinds[self.i + 1 : self.i + 2] == [Kind.COP]
        return stated and self._next(_PAST_SIDE_QUAL, self.i + 2)[0] in _CLAIMING

    def _attributive(self, element: Element) -> bool:
        """ "by the missing brow lowering": an absence that stands before what is absent."""
        nxt, k = self._next(_PAST_SIDE_QUAL)
        if nxt not in _CLAIMING or " " in self._word(element) or not self.i:
            return False
        before = self.els[self.i - 1]
        counted = self._word(element) == "zero" and before.kind in (Kind.COMMA, Kind.BREAK)  # "..., zero jaw drop"
        return (counted or before.kind in (Kind.PREP, Kind.OF, Kind.WITH, Kind.AND)) and self.els[
            k
        ].token - element.token <= 2

    def _on_plus(self, element: Element) -> None:
        self.closed = True

    def _on_minus(self, element: Element) -> None:
        if self.group:
            last = self.group[-1].at
            numbers = self.els[self.i - 1].kind is Kind.AU and all(d.part is None for d in self.group)  # "25, 26 = 0"
            for draft in self.group:
                if draft.at == last or numbers:
                    draft.negated = True
        self.closed = True

    def _lead(self, before: frozenset[Kind]) -> int:
        """Index of the element that begins what is being said, right after one of the kinds `before`."""
        return next((k for k in range(self.i - 1, -1, -1) if self.kinds[k] in before), -1) + 1

    def _deny_before(self) -> bool:
        """ "Of a smile there is no trace", "of a smile no sign": what was named in front is denied."""
        lead = self._lead(_LEADING)
        nxt, k = self._next(_PAST_TRACE)
        if self.kinds[lead : lead + 2] == [Kind.AND, Kind.OF]:
            lead += 1  # "..., and of a smile there was no sign"
        if not self.group or self.kinds[lead] is not Kind.OF or nxt not in _ENDING:
            return False
        told = [d for d in self.group if d.at > lead]
        for draft in told:
            draft.negated = True
        self.closed, self.i = True, k - 1
        return bool(told)

    def _none_of_it(self, element: Element) -> bool:
        """ "A frown would be needed, and there is none"."""
        if self._word(element) != "none" or self.kinds[self.i - 2 : self.i] != [Kind.PRED, Kind.COP]:
            return False
        told = [d for d in self.out[self.clause :] if d.kind == "au"]
        if not told or self._next(NONE)[0] not in _ENDING:
            return False
        for draft in told:
            if draft.at == told[-1].at:
                draft.negated, draft.unreal = True, False
        self.closed = True
        return True
