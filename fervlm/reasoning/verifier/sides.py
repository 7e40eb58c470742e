"""Sides: which drafts a "left" or "more on the right" belongs to."""

from __future__ import annotations

from fervlm.reasoning.verifier.cursor import NONE, SEPARATING
from fervlm.reasoning.verifier.drafts import Draft, DraftSide, Subject
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import Entry, Kind
from fervlm.reasoning.verifier.parts import PAIRED_PARTS, PartReader

_LEFT = frozenset((Kind.PART, Kind.QUAL))
_PAST_ATTRIBUTES = frozenset(
    (Kind.QUAL, Kind.LEVEL, Kind.OF, Kind.PAIRED, Kind.NOISE, Kind.ALL, Kind.SIDE, Kind.EMOTION)
)
_PAST_QUAL = frozenset((Kind.QUAL,))
_PAST_QUAL_LEVEL = frozenset((Kind.QUAL, Kind.LEVEL))
_PAST_QUAL_OF = frozenset((Kind.QUAL, Kind.OF))
_PAST_ONLY = frozenset((Kind.ONLY,))
_PAST_QUAL_ONE = frozenset((Kind.QUAL, Kind.ONE))
_PAST_SIDE = frozenset((Kind.SIDE,))
_OWN_OR_LEVEL = frozenset((Kind.LEVEL, Kind.COP, Kind.NOT, Kind.GONE))
_OWN = frozenset((Kind.COP, Kind.NOT, Kind.PRED, Kind.GONE, Kind.ACT))


class SideReader(PartReader):
    """Handlers for sides."""

    __slots__ = ()

    def _on_side(self, element: Element) -> None:
        value: DraftSide = element.entry.value
        kinds = self.kinds
        if element.entry.value == "opposite":
            across = self._opposite()
            if across is None:
                return
            value = across
            element = element._replace(entry=Entry(Kind.SIDE, value))
        if self._word(element) == "left" and self.i and kinds[self.i - 1] in _LEFT and self._left_so():
            return  # "lips left loose"
        if self.i and kinds[self.i - 1] is Kind.NOT and value in ("left", "right"):
            nxt, _ = self._next(_PAST_QUAL_ONE)
            if nxt is None or nxt in SEPARATING:
                return
        after, _ = self._next(NONE)
        if value in ("left", "right") and after in _OWN and self._other_one(value, element):
            return
        if value in ("left", "right") and self.i and kinds[self.i - 1] is Kind.THAN:
            weaker = (value == "left") != (self.more < 0)
            value, self.more = "more_right" if weaker else "more_left", 0
        elif value in ("left", "right"):
            more = self.more or (1 if after in (Kind.MORE, Kind.THAN) else -1 if after is Kind.LESS else 0)
            if more:
                stronger = value if more > 0 else "right" if value == "left" else "left"
                value = "more_left" if stronger == "left" else "more_right"
                self.more = 0
        nxt, k = self._next(_PAST_ATTRIBUTES)
        if value[:4] == "more" and kinds[self.i - 1] is Kind.THAN:
            self._side_back(value, element)
            self.i = k if nxt is Kind.ONE else self.i
            return
        started = self.subject or self.out[self.clause :] or (self.i and kinds[self.i - 1] is Kind.PREP)
        verb = after in (Kind.COP, Kind.NOT, Kind.PRED, Kind.GONE, Kind.ACT)
        verb = verb or (
            after is Kind.MOVE and not self.els[self.i + 1].entry.noun and not self._move_has_part(self.i + 1)
        )
        if not started and self.earlier and verb:
            self.subject = [Subject(self.earlier[-1].part, value, element.start, element.end)]
            return
        if self.no_side:
            return
        if value[:4] == "more" and not started and self.out:
            for draft in self.out:  # "on both sides, but stronger on the left"
                if draft.at == self.out[-1].at and draft.side in (None, "both", "pair"):
                    draft.side = value
            return
        if nxt is Kind.ONE and not started and self.out and self._next(_PAST_ONLY, k + 1)[0] in (None, Kind.BREAK):
            for draft in self.out:  # "One eyebrow is up. It is the left one."
                if draft.at == self.out[-1].at and draft.side in (None, "one"):
                    draft.side = value
            return
        known = self.subject or self.earlier
        elided = nxt is not Kind.ONE and bool(known) and self._elided_side(after)
        if nxt is Kind.ONE and known and kinds[self.i - 1] is Kind.PREP and self.group:
            if self.group[-1].at == self.i - 2 and self.group[-1].side is None:
                self.group[-1].side, self.i = value, k  # "... and stays level at the right one"
                return
        if nxt is Kind.ONE or elided:
            if known:
                k = self.i if elided else k
                if self.fresh or self._next(NONE, k + 1)[0] in _OWN_OR_LEVEL:
                    self._start_group()
                self.subject = [Subject(known[-1].part, value, element.start, element.end)]
                self.naked = True
                self.i = k
            return
        if after in (Kind.COP, Kind.NOT, Kind.MOVE) and self.text[element.start : element.end].lower().endswith(
            ("half", "side")
        ):
            if self.fresh:
                self._start_group()
            self.subject = [Subject("face", value, element.start, element.end)]
            return
        forward = nxt in (Kind.PART, Kind.UNIT, Kind.AU, Kind.MOVE, Kind.QUAL) or (
            k > self.i + 1 and kinds[k - 1] is Kind.QUAL
        )
        bare = kinds[self.i + 1 : self.i + 2] == [Kind.QUAL] and self.els[self.i + 1].entry.value == "corner"
        bare = bare and (not self.i or kinds[self.i - 1] in SEPARATING)  # "..., the right corner tucked in"
        if nxt is Kind.MOVE and forward and not bare:
            entry = self.els[k].entry
            named = entry.noun and (entry.unit is not None or self._placed_part(k, entry.value))
            forward = not self.subject or named or self._move_has_part(k)
        if forward and not (
            self.i and kinds[self.i - 1] is Kind.PREP and self.group and nxt is not Kind.PART and not self.fresh
        ):
            self.side = self._joined_side(value)
            return
        self._side_back(value, element)

    def _elided_side(self, after: Kind | None) -> bool:
        """ "Both corners go up, the left clearly, the right slightly"; "that of the left is not"."""
        before = self.kinds[self.i - 2 : self.i]
        if before == [Kind.RELATIVE, Kind.OF]:
            return after in _OWN_OR_LEVEL
        listed = bool(before) and before[-1] in SEPARATING and after is Kind.LEVEL
        paired = bool(self.group) and self.group[-1].side in ("both", "pair", "left", "right")
        return listed and paired and self._next(NONE, self.i + 2)[0] in (None, *SEPARATING)

    def _opposite(self) -> DraftSide | None:
        """The side that "the opposite corner" is on."""
        told = [s.side for s in (*self.earlier, *self.subject)] + [d.side for d in self.out]
        sides = [side for side in told if side in ("left", "right")]
        return None if not sides else "left" if sides[-1] == "right" else "right"

    def _other_one(self, value: DraftSide, element: Element) -> bool:
        """ "the right brow is lowered, the left is not": the same part on the other side."""
        last = next((d for d in reversed(self.out) if d.part is not None), None)
        if last is None or last.side in (None, value) or self.kinds[self.i - 1] not in SEPARATING:
            return False
        if element.token - self.els[self.i - 1].token > 2:
            return False
        self._start_group()
        self.subject = [Subject(last.part or "", value, element.start, element.end)]
        self.naked, self.last_move = True, last.move
        return True

    def _left_so(self) -> bool:
        nxt, k = self._next(NONE)
        still = nxt is Kind.MOVE and "still" in self.els[k].entry.value
        return (still or nxt is Kind.GONE) and self.els[k].token == self.els[self.i].token + 1

    def _joined_side(self, value: DraftSide) -> DraftSide:
        if self.side in ("left", "right") and value in ("left", "right") and self.side != value:
            return "both"
        return value

    def _side_back(self, value: DraftSide, element: Element) -> None:
        if self.tentative is not None and value in ("left", "right"):
            self.tentative.kind, self.tentative.side = "rest", value  # "nothing on the right"
            return
        than = self.i > 0 and self.kinds[self.i - 1] is Kind.THAN
        if value in ("left", "right") and self._mirrored(value):
            return
        open_drafts = [
            d
            for d in (self.group[self.within :] or self.group)
            if d.side is None or d.side == "one" or (value[:4] == "more" and (than or d.side in ("both", "pair")))
        ]
        if self.paren > 0:
            open_drafts = self._boxed(open_drafts)
        elif value in ("left", "right") and any(d.side == "one" for d in open_drafts):
            open_drafts = [d for d in open_drafts if d.side == "one"]  # "smiling, with one brow up: the left"
        if open_drafts and (not self.fresh or value[:4] == "more"):
            for draft in open_drafts:
                draft.side = value
        elif value[:4] == "more" and self.group:
            self.group[-1].side = value
        elif self.subject and not self.closed and not self.group:
            for subject in self.subject:
                subject.side = value
        elif self.group and value in ("left", "right", "both", "one", "even", "more_left", "more_right"):
            for draft in self.group:
                if draft.side is None or draft.side == "one":
                    draft.side = value
        elif value in ("left", "right") and not self.out[self.clause :] and self._trace_of_it():
            pass
        elif (self.i and self.kinds[self.i - 1] is Kind.PREP) or value not in ("left", "right", "both"):
            self.clause_side = value
            if not self.out[self.clause :] and not self.subject:
                return
        elif self.out and self._next(NONE)[0] in (None, Kind.BREAK):
            for draft in self.out:  # "unilateral dimpling; side: right"
                if draft.at == self.out[-1].at and draft.side in (None, "one"):
                    draft.side = value
        self.side = None

    def _trace_of_it(self) -> bool:
        """ "..., with only a trace of it on the left": nothing that follows is on the left."""
        return bool(self.out) and Kind.LEVEL in self.kinds[self.clause_at : self.i]

    def _mirrored(self, value: DraftSide) -> bool:
        """ "lowered strongly on the right, slightly on the left": the same movement on the other side."""
        last = next((d for d in reversed(self.group) if d.kind == "au"), None)
        if last is None or last.side not in ("left", "right") or last.side == value:
            return False
        other = Draft("au", last.units, last.start, last.end, last.negated)
        other.side, other.part, other.move, other.at = value, last.part, last.move, self.i
        other.paired = last.paired = True
        self._append(other)
        self.fresh = self.closed = False
        return True

    def _boxed(self, drafts: list[Draft]) -> list[Draft]:
        """Those that a remark in parentheses is about: the ones right before, and the ones inside."""
        before = self.group[self.paren - 1].at if self.paren <= len(self.group) else -1
        inside = self.group[self.paren :]
        return [d for d in drafts if d.at == before or d in inside]

    def _on_paired(self, element: Element) -> None:
        """ "both" names sides only right before a paired part that is not the first of two."""
        nxt, k = self._next(_PAST_SIDE)
        if nxt is Kind.QUAL:
            name = self.els[k].entry.value
            if name != "corner":
                return
            nxt = Kind.PART
        elif nxt is not Kind.PART or self.els[k].entry.value not in PAIRED_PARTS:
            return
        after, j = self._next(_PAST_QUAL_OF, k + 1)
        if after is Kind.MOVE and self.els[j].entry.noun and self._next(NONE, j + 1)[0] is not Kind.MOVE:
            return  # "both brow lowering and lid tightening", but not "both lip corners pull up"
        if after is Kind.AND and self._next(_PAST_QUAL, j + 1)[0] is Kind.PART:
            return
        self.side = "pair"

    def _on_one(self, element: Element) -> None:
        """ "one eyebrow is raised"."""
        nxt, k = self._next(_PAST_QUAL_LEVEL)
        if k + 1 < self.count and self.kinds[k + 1] is Kind.MOVE and self.els[k + 1].entry.noun:
            return  # "a single brow lowerer"
        if nxt is Kind.PART and self.els[k].entry.value in PAIRED_PARTS and self.els[k].token - element.token <= 3:
            self.side = "one"
