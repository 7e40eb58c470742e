"""Statements on everything or on all the rest: "nothing moves", "no other unit", "only AU12", "apart from a smile"."""

from __future__ import annotations

from fervlm.reasoning.verifier.cursor import NONE, SEPARATING
from fervlm.reasoning.verifier.denials import DenialReader
from fervlm.reasoning.verifier.drafts import NOTHING, Draft, Subject
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import Entry, Kind
from fervlm.reasoning.verifier.parts import PAIRED_PARTS

_PAST_OF_ALL_MEAS = frozenset((Kind.OF, Kind.ALL, Kind.MEAS))
_PAST_QUAL = frozenset((Kind.QUAL,))
_OPENING = frozenset((Kind.ALL, Kind.OPEN, Kind.COMMA, Kind.AND))
_MOVING = frozenset((Kind.MOVE, Kind.UNIT, Kind.PART, Kind.AU, Kind.ACT, Kind.PRED))
_DENYING = frozenset((Kind.NO, Kind.NOT, Kind.NOTHING, Kind.NOR, Kind.GONE, Kind.MINUS))
_BROKEN = frozenset((Kind.BREAK, Kind.COLON))
_NARROW = ([Kind.QUAL], [Kind.PART])
_BEYOND = frozenset(("above", "below", "beneath", "under", "underneath", "over", "between"))
_PAST_COP = frozenset((Kind.COP, Kind.HEDGE))


class WholeReader(DenialReader):
    """Handlers for what speaks of the whole face or of what is left of it."""

    __slots__ = ()

    def _on_units(self, element: Element) -> None:
        if self.against:
            return  # "against: none of the coded units"
        if self._next(NONE)[0] is Kind.PREP and self._word(self.els[self.i + 1]) in _BEYOND:
            return  # "everything above the lower lip minds its own business"
        if self.prep and self.out and self.out[-1].kind in ("all", "rest") and self.out[-1].negated:
            self.denying, self.denied_first, self.deny_verb = True, Kind.AU, False  # "none among the units and AU28"
            self.fresh = self.copula = self.prep = False
            return
        region = self.subject[-1] if self.subject and self.kinds[self.i - 1] is Kind.PART else None
        if region is not None and not self.copula:
            copied = Element(Kind.MOVE, Entry(Kind.MOVE, ("any",)), element.start, element.end, element.token)
            made = self._emit(region, copied, self.denying, self.i)
            if made is not None:
                made.weak = True  # "the chin muscles push up" says how
            self.soft = True
            return
        if self.fresh or self.separated is not None:
            self._start_group()
            if not self.naked:
                self.subject = []  # "corners dimpled, everything else - brows, nose - off duty"
        draft = Draft("rest" if self.rest else "all", NOTHING, element.start, element.end, self.denying)
        self._append(draft)

    def _on_nothing(self, element: Element) -> None:
        self._flush_level()
        if self._deny_before():
            return  # "of a smile there is nothing"
        ends = self._next(NONE)[0] in (None, *SEPARATING)
        if ends and self.subject and not self.group and (self.colon or self.copula):  # "eyes: nothing to report"
            copied = Element(Kind.MOVE, Entry(Kind.MOVE, ("any",)), element.start, element.end, element.token)
            for subject in self.subject:
                self._emit(subject, copied, True, self.i)
            self.closed = True
            return
        if self._next(NONE)[0] in (None, Kind.BREAK) and self.group and self.kinds[self.i - 1] is Kind.COMMA:
            if self._strange(element):
                return  # "one blink, nothing lasting"
            for draft in self.group:  # "of a smile, nothing"
                draft.negated = draft.negated != (draft.at == self.group[-1].at)
            return
        self._start_group()
        self._deny()
        self.deny_word = "nothing"
        nxt, k = self._next(_PAST_COP)
        if nxt in (None, *SEPARATING) and self.i and self._next(NONE)[0] is nxt:
            return  # "commits us to nothing"
        if nxt is Kind.MOVE and not {"any", "seen"} & set(self.els[k].entry.value):
            return  # "nothing opened"
        if self._of_labels() or self._strange(element):
            return  # "nothing supports happiness"
        if not self.naked:
            self.subject = []  # "though the brows are drawn together, nothing has changed about the nose"
        draft = Draft("all", NOTHING, element.start, element.end, True)
        self._append(draft)
        if self.clause_side in ("left", "right") or self.side in ("left", "right"):  # "character-right gets nothing"
            draft.kind, draft.side = "rest", self.side or self.clause_side
        self.group = []
        self.tentative = draft

    def _of_labels(self) -> bool:
        """Whether a label comes before anything that could move."""
        for k in range(self.i + 1, self.count):
            kind = self.kinds[k]
            if kind is Kind.EMOTION:
                return True
            if kind in _MOVING or kind is Kind.BREAK or kind is Kind.ELSE:
                return False
        return False

    def _on_only(self, element: Element) -> None:
        """ "only AU12 is active", "R14 only": nothing else is."""
        nxt, k = self._next(_PAST_QUAL)
        if not self.group and not self.denying and self.kinds[self.i + 1 : self.i + 2] in _NARROW:
            self.only_at = self.i
        if self.group and self.kinds[self._lead(_BROKEN)] is Kind.OF:
            for draft in self.group:
                draft.unreal = True  # "of AU4, AU5 and AU7 only AU4 is there"
            self._start_group()
        if nxt is Kind.MOVE and "any" in self.els[k].entry.value:
            if self._placed(k):
                self.here_only = self.excepted = True
            else:
                self._on_sole(element)
            self.i = k
            return
        if nxt is Kind.PART and self._only_there(k):
            return
        if nxt in (Kind.SIDE, Kind.LEVEL, Kind.BREAK) and k < self.count and nxt is not Kind.BREAK:
            return
        counted = any(
            e.kind in (Kind.AU, Kind.PRED, Kind.ACT, Kind.UNITS) or (e.kind is Kind.MOVE and "any" in e.entry.value)
            for e in self.els
        )
        last = self.kinds[self.i - 1] if self.i else None
        if nxt in (Kind.AU, Kind.UNIT, Kind.PART, Kind.MOVE, Kind.UNITS) and counted:
            pass
        elif last is not Kind.AU or not (
            nxt is None or (nxt is Kind.BREAK and self.els[k].end - self.els[k].start == 1)
        ):
            return
        draft = Draft("rest", NOTHING, element.start, element.end, True)
        self.out.append(draft)

    def _only_there(self, k: int) -> bool:
        """ "... was the only brow movement": nothing else of this part."""
        region = self.lex.regions.get(self.els[k].entry.value)
        after = self.els[k + 1] if k + 1 < self.count else None
        if region is None or after is None or after.kind is not Kind.MOVE or "any" not in after.entry.value:
            return False
        self.out.append(Draft("rest", region, self.els[self.i].start, after.end, True))
        self.i = k + 1
        return True

    def _on_else(self, element: Element) -> None:
        nxt, k = self._next(_PAST_OF_ALL_MEAS)
        if nxt is Kind.PART and self.els[k].entry.value in PAIRED_PARTS and self.text[self.els[k].end - 1] != "s":
            self.side = self._opposite() or self.side  # "the other corner"
            return
        if nxt is Kind.QUAL and self.els[k].entry.value == "corner" and self.text[self.els[k].end - 1] != "s":
            self.side = self._opposite() or self.side
            return
        if nxt in (Kind.SIDE, Kind.QUAL, Kind.ONE):
            return
        self.rest = True
        if self.group and self.group[-1].kind == "all":
            self.group[-1].kind = "rest"  # "everything else"
            return
        if self.tentative is not None:
            self.tentative.kind = "rest"
            self.excepted = True
        elif self.denying and self._strange(element):
            return  # "on no other list"
        elif self.denying and nxt not in (Kind.MOVE, Kind.UNITS, Kind.PART, Kind.UNIT, Kind.AU):
            self._append(Draft("rest", NOTHING, element.start, element.end, True))
        elif (
            nxt in (Kind.GONE, Kind.MOVE, Kind.COP)
            and not self.denying
            and (self.fresh or not (self.group or self.subject) or self.kinds[self.i - 1] in _OPENING)
        ):
            self._start_group()
            self.subject = [Subject("face", None, element.start, element.end)]

    def _on_except(self, element: Element) -> None:
        """ "no movement apart from a smile", "apart from a smile, nothing moves"."""
        if self._next(NONE)[0] is Kind.EMOTION:
            return  # "nothing but surprise"
        whole = Kind.UNITS in self.kinds[: self.i] and not _DENYING & set(self.kinds[: self.i])
        self.excepted = True
        self.denying = False
        if self.text[element.start : element.end].lower().startswith("nothing"):
            self.out.append(Draft("rest", NOTHING, element.start, element.end, True))
        for draft in self.out:
            if draft.kind == "all" and draft.negated:
                draft.kind = "rest"
        self.group = []
        if whole and not any(d.kind == "au" for d in self.out[self.clause :]):
            self._deny()  # "the units of the pattern are there with the exception of AU5"

    def _on_sole(self, element: Element) -> None:
        """ "... is all that can be seen"."""
        self.out.append(Draft("rest", NOTHING, element.start, element.end, True))

    def _on_about(self, element: Element) -> None:
        """ "none of these movements is typical of fear" denies no movement."""
        for draft in reversed(self.out[self.clause :]):
            if draft.kind in ("all", "rest"):
                self.out.remove(draft)
                break
        if self.denying:  # "neither blinking nor squinting belongs to any prototype"
            for draft in self.group:
                draft.unreal = draft.unreal or (draft.kind == "au" and draft.negated)
        self.tentative = None

    def _on_measured(self, element: Element) -> None:
        self.measured = True

    def _except(self) -> None:
        for draft in self.out:
            if draft.kind == "all" or self._is_region(draft):
                draft.kind = "rest"

    def _is_region(self, draft: Draft) -> bool:
        """Whether a draft denies all movement of a part."""
        row = self.lex.pairs.get(draft.part or "", {})
        return draft.negated and draft.kind == "au" and draft.units in (row.get("any"), row.get("still"))
