"""Elements to drafts: one left-to-right pass that pairs parts with movements and settles who denies what.

State that matters, all reset at a clause break (but, while, ;, with, ...):

* `subject`: the parts named so far that a movement may take ("the brows and lids ... are raised");
* `pending`: movements still waiting for their part ("raised and knitted brows", "tension in the lids");
* `group`: the drafts a coming predicate or denial applies to ("AU4, AU7 and AU23 ... are not active");
* `denying`: a negation whose scope is open; `_continues` decides at each comma or "and" whether it goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

from fervlm.facs.labels import canonical_label
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.lexicon import AUSet, Entry, Kind, Lexicon, lexicon

DraftKind = Literal["au", "rest", "all", "quality", "label"]
DraftSide = Literal["left", "right", "both", "pair", "one", "even", "more_left", "more_right"]


class Draft:
    """A claim as read, before any evidence."""

    __slots__ = (
        "at", "chunk", "clause", "end", "hedged", "joint", "kind", "label", "level", "lower", "move", "negated", "opposed", "paired", "part", "rival", "side", "specified", "typical", "start", "units", "unreal", "weak",
    )  # fmt: skip

    def __init__(self, kind: DraftKind, units: AUSet, start: int, end: int, negated: bool) -> None:
        self.kind: DraftKind = kind
        self.units = units
        self.start = start
        self.end = end
        self.negated = negated
        self.side: DraftSide | None = None
        self.level: tuple[int, int] | None = None
        self.lower = False
        """The strength itself is denied: absent or below `level`."""
        self.hedged = False
        self.paired = False
        """Each side is told with a strength of its own."""
        self.label: str | None = None
        self.rival = False
        """A label named as an alternative only."""
        self.opposed = False
        """A label that something is said to speak against."""
        self.typical = False
        """Named as the face's whole pattern, not as one reading of some units."""
        self.joint = False
        """One of several labels named together."""
        self.clause = self.chunk = 0
        self.specified = False
        """A number in parentheses told which AU a plain word means."""
        self.unreal = False
        """Said of what would be, not of what is."""
        self.part: str | None = None
        self.move: tuple[str, ...] = ()
        self.weak = False
        self.at = 0
        """Index of the element it was read from; drafts of one movement share it."""


NOTHING = AUSet(())
_CLAIMING = frozenset((Kind.MOVE, Kind.UNIT, Kind.AU, Kind.PART, Kind.QUAL))
_CLOSING = frozenset((Kind.COMMA, Kind.AND, Kind.OR, Kind.BREAK, Kind.CLOSE, Kind.RELATIVE))
_FINITE = frozenset((Kind.COP, Kind.PRED, Kind.ACT, Kind.GONE))
_PAIRED_PARTS = frozenset(("brow", "ibrow", "obrow", "lid", "ulid", "llid", "eye", "eyecorner", "undereye", "cheek", "nostril", "lipcorner", "nasolabial"))
_OWNED = frozenset((Kind.UNIT, Kind.AU, Kind.MOVE))
_BETWEEN = frozenset((Kind.QUAL, Kind.SIDE, Kind.LEVEL, Kind.OF, Kind.PAIRED, Kind.ALL, Kind.MORE, Kind.HEDGE, Kind.NOISE, Kind.POSSESSIVE, Kind.PERSON, Kind.EMOTION, Kind.AND, Kind.OR, Kind.COMMA, Kind.MOVE))
_AIMED = {
    "head": {(51, 52): (51, 52), (55, 56): (55, 56)},
    "gaze": {(61, 62): (61, 62), (61, 62, 63, 64): (61, 62)},
    "eye": {(61, 62): (61, 62), (61, 62, 63, 64): (61, 62)},
}
"""Movements whose side is their direction: (left, right) AUs."""
_DIRECTIONS = frozenset(("together", "up", "down", "back", "apart", "out", "forward", "inward", "outward", "upward", "downward"))
_WAITING = 9
"""Tokens that a movement waits for its part ("a lift at both of the inner ends of the brows")."""
_BEFORE_MOVE = frozenset((Kind.LEVEL, Kind.HEDGE, Kind.AND, Kind.OR, Kind.COMMA, Kind.SIDE, Kind.NOISE, Kind.NOT, Kind.NO, Kind.MORE, Kind.LESS, Kind.PREP))
_FAR = 5
"""Tokens between a movement and the part it stands before."""


class _Subject:
    __slots__ = ("end", "part", "side", "start")

    def __init__(self, part: str, side: DraftSide | None, start: int, end: int) -> None:
        self.part, self.side, self.start, self.end = part, side, start, end


class _Pending:
    __slots__ = ("at", "denied", "element", "level", "lower", "side")

    def __init__(self, element: Element, at: int, denied: bool) -> None:
        self.element, self.at, self.denied = element, at, denied
        self.level: tuple[int, int] | None = None
        self.side: DraftSide | None = None
        self.lower = False


class ClauseReader:
    """Reads one sentence. Use once: `ClauseReader(text, found).run()`."""

    def __init__(self, text: str, found: list[Element]) -> None:
        self.text = text
        self.els = found
        self.kinds = [e[0] for e in found]
        self.count = len(found)
        self.i = 0
        self.lex: Lexicon = lexicon()
        self.out: list[Draft] = []
        self.group: list[Draft] = []
        self.subject: list[_Subject] = []
        self.earlier: list[_Subject] = []
        self.pending: list[_Pending] = []
        self.shared: list[_Pending] = []
        self.quals: list[str] = []
        self.clause = self.clauses = self.chunk = 0
        self.denying = False
        self.denied_first: Kind | None = None
        self.deny_verb = False
        self.closed = False
        self.within = 0
        self.paren = -1
        self.naked = False
        """A part has been named since the last draft, so a predicate speaks of it."""
        self.soft = False
        self.fresh = False
        self.copula = False
        self.prep = False
        self.separated: Kind | None = None
        self.level: tuple[int, int] | None = None
        self.level_at = 0
        self.lower = False
        self.side: DraftSide | None = None
        self.clause_side: DraftSide | None = None
        self.more = 0
        self.hedge = self.hypothetical = self.generic = False
        self.hyp_at = 0
        self.label_first = False
        self.predicate_denied = False
        self.unknown = False
        self.against = False
        self.rival = False
        self.rest = False
        self.colon = False
        self.likened = -1
        self.adjunct: list[_Subject] = []
        self.adjunct_at = -1
        self.here_only = False
        self.located = False
        self.measured = False
        self.typical = False
        self.manner: Element | None = None
        """The sentence speaks of what was measured only."""
        self.denied_group: list[Draft] = []
        self.excepted = False
        self.tentative: Draft | None = None
        self.last_move: tuple[str, ...] = ()
        self.last_part: str | None = None

    def run(self) -> list[Draft]:
        """The drafts, in the order of the sentence."""
        handlers, kinds = _HANDLERS, self.kinds
        while self.i < self.count:
            handler = handlers[kinds[self.i]]
            if handler is not None:
                handler(self, self.els[self.i])
            self.i += 1
        self._end_clause()
        if self.excepted:
            self._except()
        elif self.measured:
            for draft in self.out:
                if self._is_region(draft):
                    draft.kind = "all"
        for draft in self.out:
            if draft.part in _AIMED and draft.side in ("left", "right") and draft.units.aus:
                self._aim(draft)
        return [d for d in self.out if d.negated or d.kind not in ("all", "rest")]

    def _aim(self, draft: Draft) -> None:
        """ "the head is tilted to the left" is an AU of its own."""
        left, right = _AIMED[draft.part or ""].get(draft.units.aus, (0, 0))
        if left:
            draft.units = AUSet((left if draft.side == "left" else right,))
            draft.side = None

    def _except(self) -> None:
        for draft in self.out:
            if draft.kind == "all":
                draft.kind = "rest"
            elif self._is_region(draft):
                draft.kind = "rest"

    def _is_region(self, draft: Draft) -> bool:
        """Whether a draft denies all movement of a part."""
        row = self.lex.pairs.get(draft.part or "", {})
        return draft.negated and draft.kind == "au" and draft.units in (row.get("any"), row.get("still"))

    # Looking ahead ----------------------------------------------------------------------------------------------

    def _next(self, skip: frozenset[Kind], start: int | None = None) -> tuple[Kind | None, int]:
        k = self.i + 1 if start is None else start
        while k < self.count and self.kinds[k] in skip:
            k += 1
        return (self.kinds[k], k) if k < self.count else (None, k)

    def _part_ahead(self) -> int | None:
        """Index of the part that the movement at `i` stands before ("raised left brows"), or None."""
        kinds, els = self.kinds, self.els
        here = els[self.i].token
        k = self.i + 1
        moved = True
        while k < self.count:
            kind = kinds[k]
            if kind is Kind.PART or (kind is Kind.QUAL and els[k].entry.value in self.lex.bare):
                return k if moved and els[k].token - here <= _FAR else None
            if kind not in _BETWEEN:
                return None
            if kind in (Kind.AND, Kind.OR, Kind.COMMA):
                moved = False
            elif kind is Kind.MOVE:
                moved = True
                here = els[k].token
            k += 1
        return None

    def _finite_ahead(self, start: int) -> bool:
        """Whether the list that starts at `start` gets a predicate of its own before the clause ends."""
        kinds = self.kinds
        for k in range(start, self.count):
            kind = kinds[k]
            if kind in (Kind.BREAK, Kind.NO, Kind.NOTHING):
                return False
            if kind is Kind.COP or kind is Kind.PRED or kind is Kind.GONE or kind is Kind.ACT:
                return True
        return False

    def _or_ahead(self, start: int) -> bool:
        for k in range(start, self.count):
            kind = self.kinds[k]
            if kind in (Kind.OR, Kind.NOR):
                return True
            if kind in (Kind.BREAK, Kind.NO, Kind.COP):
                return False
        return False

    def _continues(self, separator: Kind) -> bool:
        """Whether an open denial goes on after this comma, "and" or "or"."""
        if separator in (Kind.OR, Kind.NOR):
            return True
        nxt, k = self._next(frozenset((Kind.AND, Kind.OR, Kind.LEVEL, Kind.SIDE, Kind.HEDGE, Kind.ALL, Kind.OPEN, Kind.PREP)))
        if nxt is None or self.denied_first is None:
            return nxt is not None and self.denied_first is None
        if self.kinds[self.i + 1] in (Kind.OR, Kind.NOR):
            return True
        if self._or_ahead(self.i + 1):
            return True
        if self.deny_verb:
            return separator is Kind.AND and nxt is Kind.MOVE and self._no_part_after(k)
        if nxt is Kind.AU and self.denied_first is Kind.AU:
            return not self._finite_ahead(k) or not self.copula
        if nxt is Kind.PART and self.denied_first is Kind.MOVE and self._is_thing(k):
            return not self._finite_ahead(k)
        if separator is Kind.AND and nxt is self.denied_first and nxt is not Kind.MOVE:
            return not self._finite_ahead(k)
        return False

    def _is_thing(self, k: int) -> bool:
        """Whether the part at `k` makes a noun with the movement after it: "lip tightening"."""
        nxt, j = self._next(frozenset((Kind.QUAL, Kind.PART)), k + 1)
        if nxt is not Kind.MOVE or not self.els[j].entry.noun:
            return False
        part, move = self.els[j - 1], self.els[j]
        return self.text[move.start : move.end].lower().endswith(("ing", "ion")) or self.text[part.end - 1] != "s"

    def _no_part_after(self, k: int) -> bool:
        nxt, _ = self._next(_BETWEEN - {Kind.AND, Kind.OR, Kind.COMMA}, k + 1)
        return nxt is not Kind.PART

    # Making drafts ----------------------------------------------------------------------------------------------

    def _append(self, draft: Draft) -> Draft:
        if self.denying and self.denied_first is None:
            self.denied_first = self.kinds[self.i]
        if self.unknown:
            draft.kind, draft.negated = "quality", False
        if self.tentative is not None and draft.kind != "label":
            if self.tentative in self.out and not self.rest:
                self.out.remove(self.tentative)
            self.tentative = None
        draft.clause, draft.chunk = self.clauses, self.chunk
        draft.unreal = self.hypothetical
        self.naked = False
        self.out.append(draft)
        self.group.append(draft)
        return draft

    def _take_level(self, draft: Draft) -> None:
        if self.level is not None:
            draft.level, draft.lower = self.level, self.lower
            if self.lower:
                draft.negated = False
            self.level, self.lower = None, False

    def _pair(self, part: str, moves: tuple[str, ...]) -> AUSet | None:
        row = self.lex.pairs.get(part)
        if row is None:
            return None
        for move in moves:
            found = row.get(move)
            if found is not None:
                return found
        return None

    def _fits(self, part: str, moves: tuple[str, ...]) -> bool:
        if part == "face":
            return "any" in moves or "still" in moves or "neutral" in moves
        return self._pair(part, moves) is not None

    def _emit(self, subject: _Subject, element: Element, denied: bool, at: int) -> Draft | None:
        """The draft of a part and a movement; None where the pair means nothing."""
        moves: tuple[str, ...] = element.entry.value
        still = "still" in moves or "neutral" in moves
        start, end = min(subject.start, element.start), max(subject.end, element.end)
        if subject.part == "face":
            if not self._fits("face", moves):
                return None
            if moves[0] == "neutral":
                return self._neutral(element, denied)
            draft = Draft("rest" if self.rest else "all", NOTHING, start, end, denied != still)
            draft.at, draft.side, draft.part = at, subject.side, "face"
            return self._append(draft)
        found = self._pair(subject.part, moves)
        if found is None:
            return None
        if denied and still and found is self.lex.pairs[subject.part]["still"]:
            return None  # "not relaxed" names no movement
        draft = Draft("au", found, start, end, denied != found.absent)
        draft.part, draft.move, draft.at, draft.side = subject.part, moves, at, subject.side
        weak = moves[0] in self.lex.weak or found.yields
        if self._superseded(draft, weak):
            return None
        draft.weak = weak
        self.last_move = moves
        return self._append(draft)

    def _neutral(self, element: Element, denied: bool) -> Draft:
        draft = Draft("label", NOTHING, element.start, element.end, denied)
        draft.label, draft.at = "neutral", self.i
        return self._append(draft)

    def _superseded(self, draft: Draft, weak: bool) -> bool:
        """Drop "pulled" where the same part has a direction; whether `draft` itself is to be dropped."""
        for other in reversed(self.group):
            if other.part != draft.part or other.side != draft.side or other.chunk != self.chunk:
                continue
            if other.weak and not weak:
                draft.level, draft.lower = other.level, other.lower
                draft.negated = other.negated != draft.units.absent
                self.group.remove(other)
                self.out.remove(other)
                return False
            if weak and not other.weak:
                return True
        return False

    def _start_group(self) -> None:
        self.group, self.closed, self.soft, self.fresh, self.copula = [], False, False, False, False
        self.predicate_denied = False
        self.within = 0
        self.paren = -1

    # Handlers ---------------------------------------------------------------------------------------------------

    def on_qual(self, element: Element) -> None:
        """inner, outer, upper, corner: to be joined with the part that follows, or just passed."""
        nxt, k = self._next(frozenset((Kind.QUAL, Kind.OF, Kind.SIDE, Kind.AND, Kind.OR, Kind.PAIRED, Kind.PREP, Kind.LEVEL)))
        name: str = element.entry.value
        if nxt is Kind.PART and self.els[k].token - element.token <= _FAR + 1:
            self.quals.append(name)
            return
        if self.quals and self.kinds[self.i - 1] is Kind.QUAL:
            name = self.quals[0]
            self.quals = []
        if self.subject and self.i and (self.kinds[self.i - 1] is Kind.PART or self.prep or self.kinds[self.i - 1] is Kind.SIDE):
            self._narrow(name)
        elif nxt is not Kind.QUAL and (part := self.lex.bare.get(name)) is not None:
            self._part(part, element)
        else:
            self.quals.append(name)

    def _narrow(self, name: str) -> None:
        """ "The brows ... at their outer ends", "the mouth corners": the part just passed was meant more narrowly."""
        for subject in self.subject:
            whole = self.lex.whole.get(subject.part, subject.part)
            subject.part = self.lex.qualified.get(whole, {}).get(name, subject.part)
        for draft in self.group:
            if draft.part and draft.move and draft.at:
                narrow = self.lex.qualified.get(draft.part, {}).get(name)
                found = self._pair(narrow, draft.move) if narrow else None
                if narrow and found is not None:
                    draft.part, draft.units = narrow, found

    def on_part(self, element: Element) -> None:
        self._part(element.entry.value, element)

    def _part(self, name: str, element: Element) -> None:
        parts = self._qualified(name)
        side, self.side = self.side, None
        prep, self.prep = self.prep, False
        if self.i and self.kinds[self.i - 1] is Kind.OF and self.subject and not self.pending and self.els[self.i - 1].token - 1 <= self._last_part_token:
            return  # "the wings of the nose": the first part is meant
        self._last_part_token = element.token
        if side is None and len(self.subject) == 1 and self.subject[0].part == "face" and not self.closed:
            side = self.subject[0].side
            if side is not None:
                self.subject = []
        found = [_Subject(part, side, element.start, element.end) for part in parts]
        if (self.tentative is not None or self.here_only) and prep and not self.pending:
            self.here_only = False
            if self._take_nothing(found, element):
                return
        if self.pending and self._take_pending(found, element):
            return
        if self.shared and self.separated in (Kind.AND, Kind.OR, Kind.COMMA, Kind.NOR) and not self._own_predicate():
            waiting, self.pending = self.pending, list(self.shared)
            if self._take_pending(found, element):
                self.pending = waiting
                return
            self.pending = waiting
        of = self.i > 1 and self.kinds[self.i - 1] is Kind.OF and self.kinds[self.i - 2] in _OWNED and bool(self.group)
        if (prep or of) and (self.subject or self.group) and not self.fresh:
            if side is not None and self.group:
                last = self.group[-1].at
                for draft in self.group:
                    if draft.at == last and draft.side is None:
                        draft.side = side
            self.adjunct, self.adjunct_at = found, self.i
            if not self.subject:
                self.subject, self.located = found, True
            return
        if self.fresh or self.soft or self.colon or self.located:
            if self.fresh:
                self._start_group()
            self.subject = []
            self.soft = self.colon = False
        self.located = prep
        self.shared = []
        self.subject += found
        self.naked = True

    _last_part_token = -9

    def _take_nothing(self, subjects: list[_Subject], element: Element) -> bool:
        """ "nothing happens in the brow region"."""
        copied = Element(Kind.MOVE, Entry(Kind.MOVE, ("any",)), element.start, element.end, element.token)
        made = [self._emit(subject, copied, True, self.i) for subject in subjects]
        return any(made)

    def _own_predicate(self) -> bool:
        """Whether the part at `i` has a movement or predicate of its own after it, so that it shares none."""
        for k in range(self.i + 1, self.count):
            kind = self.kinds[k]
            if kind in (Kind.MOVE, Kind.COP, Kind.COLON, Kind.PRED, Kind.GONE, Kind.ACT, Kind.NOT, Kind.PLUS, Kind.MINUS):
                return kind is not Kind.COP or not self.denying or self._part_then_finite(k)
            if kind in _CLOSING:
                return False
        return False

    def _part_then_finite(self, k: int) -> bool:
        nxt, _ = self._next(frozenset((Kind.HEDGE, Kind.LEVEL)), k + 1)
        return nxt not in (Kind.PRED, Kind.ACT)

    def _qualified(self, name: str) -> list[str]:
        if not self.quals:
            return [name]
        row = self.lex.qualified.get(self.lex.whole.get(name, name), {})
        found = [] if name not in self.lex.whole else [name]
        for qual in self.quals:
            narrow = row.get(qual)
            if narrow is not None and narrow not in found:
                found.append(narrow)
        if "corner" in self.quals and len(found) > 1 and name in ("lip", "mouth"):
            found = [row["corner"]]
        self.quals = []
        return found or [name]

    def _take_pending(self, subjects: list[_Subject], element: Element) -> bool:
        """Give the movements that waited for a part this one; whether any of them fits it."""
        if self.i and self.kinds[self.i - 1] is Kind.PREP:
            self.pending = [p for p in self.pending if not self._finite_verb(p.element)]
        self.pending = [p for p in self.pending if element.token - p.element.token <= _WAITING]
        fitting = [p for p in self.pending if any(self._fits(s.part, p.element.entry.value) for s in subjects)]
        if not fitting:
            return False
        if self.fresh:
            self._start_group()
        for waiting in fitting:
            for subject in subjects:
                side = subject.side
                subject.side = side or waiting.side
                draft = self._emit(subject, waiting.element, waiting.denied, waiting.at)
                subject.side = side
                if draft is not None and waiting.level is not None:
                    draft.level, draft.lower = waiting.level, waiting.lower
                    if waiting.lower:
                        draft.negated = False
        self.shared = fitting
        self.pending = []
        self.subject = subjects
        self.soft = True
        return True

    def _finite_verb(self, element: Element) -> bool:
        """ "hair falls over the forehead": not a movement of the forehead."""
        return not element.entry.noun and self.text[element.end - 1 : element.end] == "s"

    def on_move(self, element: Element) -> None:
        entry = element.entry
        moves: tuple[str, ...] = entry.value
        if moves[0] == "straight" and self.i + 1 < self.count and self.kinds[self.i + 1] is Kind.MOVE:
            return  # "straight back"
        if moves == ("any",) and self.prep and not self.denying:
            return  # "absent from the movement"
        if moves[0] == "any" and not self.denying and not self.naked and not self.copula and self.subject:
            return  # "the tongue shows, and one more movement"
        if moves[0] == "any" and self._located(frozenset((Kind.AU, Kind.UNIT))):
            self._wait(element)
            return
        fitting = self._takers(element, entry)
        ahead = None if fitting and self._compound(element) else self._part_ahead()
        if moves[0] == "any" and self.denying and (self.rest or self.excepted or not self.subject) and ahead is None and self._is_nothing(element):
            self._nothing_of(element)
            return
        if not fitting and ahead is None and self._adrift(element):
            return
        if ahead is not None and not (self.copula and fitting and self.kinds[self.i - 1] is not Kind.OF):
            name: str = self.els[ahead].entry.value
            if self.kinds[ahead] is Kind.QUAL:
                name = self.lex.bare[name]
            narrow = set(self.lex.qualified.get(name, {}).values()) | {name}
            if any(self._fits(part, moves) for part in narrow):
                self._wait(element)
                return
        if not fitting and not self.subject and moves != ("pull",) and (not self.pending or self.copula):
            carried = entry.unit is None and (moves[0] != "any" or self.denying)
            fitting = [s for s in self.earlier if self._fits(s.part, moves)] if carried else []
        if fitting:
            self._predicate(element, fitting)
        elif moves[0] == "same" and self.last_move and self.subject:
            copied = Element(Kind.MOVE, Entry(Kind.MOVE, self.last_move), element.start, element.end, element.token)
            self._predicate(copied, self.subject)
        elif entry.unit is not None:
            self._unit(element, entry.unit)
        elif moves[0] == "neutral":
            self._neutral(element, self.denying)
        elif "still" in moves and self.group and not self.subject:
            self._flip()
            self.closed = True
        else:
            self._wait(element)

    def _located(self, wanted: frozenset[Kind] = frozenset((Kind.PART, Kind.AU, Kind.UNIT))) -> bool:
        """ "no movement in the brow", "no action of AU4": something follows that the movement is of."""
        nxt, k = self._next(frozenset((Kind.NOISE, Kind.MEAS)))
        if nxt not in (Kind.PREP, Kind.OF):
            return False
        return self._next(frozenset((Kind.SIDE, Kind.QUAL, Kind.ALL, Kind.ELSE)), k + 1)[0] in wanted

    def _takers(self, element: Element, entry: Entry) -> list[_Subject]:
        """The named parts that this movement may be of."""
        if self.adjunct and self.adjunct_at == self.i - 1:  # "over cheeks at rest"
            found = [s for s in self.adjunct if self._fits(s.part, entry.value)]
            if found:
                return found
        if entry.noun and not self.naked and (entry.unit is not None or self._placed_part(self.i, entry.value)):
            return []  # "an upper lip raise, dimpling and a tuck at the lip corner"
        found = [s for s in self.subject if self._fits(s.part, entry.value)]
        if found and len(found) > 1 and self._compound(element):
            found = [s for s in found if s.start == found[-1].start]
        return found

    def _placed_part(self, at: int, moves: tuple[str, ...]) -> bool:
        """Whether a movement named as a thing is followed by its place: "a tuck at the left lip corner"."""
        nxt, k = self._next(frozenset(), at + 1)
        if nxt not in (Kind.PREP, Kind.OF):
            return False
        nxt, k = self._next(frozenset((Kind.SIDE, Kind.QUAL, Kind.PAIRED, Kind.POSSESSIVE)), k + 1)
        if moves[0] == "pull":
            return nxt in (Kind.PART, Kind.UNIT)
        return nxt is Kind.PART and self._fits(self.els[k].entry.value, moves)

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
        return self.text[element.start : element.end].lower() in _DIRECTIONS

    def _nothing_of(self, element: Element) -> None:
        """ "AU12 shows no activity", or just "no movement"."""
        if self.denied_group:
            for draft in self.denied_group:
                draft.negated = True
            self.closed = True
        else:
            self._append(Draft("rest" if self.rest or self.excepted else "all", NOTHING, element.start, element.end, True))

    def _compound(self, element: Element) -> bool:
        """ "chin raising": the part stands right before the movement."""
        before = self.els[self.i - 1]
        return before.kind in (Kind.PART, Kind.QUAL) and self.text[before.end : element.start].strip(" -") == ""

    def _predicate(self, element: Element, fitting: list[_Subject]) -> None:
        level, lower = self.level, self.lower
        self.level, self.lower = None, False
        if level is None and self.pending and self.pending[-1].element.entry.value[0] == "pull":
            level = self.pending.pop().level  # "a strong drawing of the lips toward each other"
        for subject in fitting:
            draft = self._emit(subject, element, self.denying, self.i)
            if draft is not None:
                if self.side is not None and draft.side is None:
                    draft.side = self.side
                if level is not None:
                    draft.level, draft.lower = level, lower
                    if lower:
                        draft.negated = False
        self.side = None
        if element.entry.noun and not self.copula:
            self.soft = True
        else:
            self.closed = True
        self.copula = False
        self.shared = []

    def _wait(self, element: Element) -> None:
        waiting = _Pending(element, self.i, self.denying)
        if self.denying and self.denied_first is None:
            self.denied_first = Kind.MOVE
        waiting.level, waiting.lower, waiting.side = self.level, self.lower, self.side
        self.level, self.lower, self.side = None, False, None
        if self.fresh:
            self.pending = []
        self.pending.append(waiting)

    def on_unit(self, element: Element) -> None:
        self._unit(element, element.entry.value)

    def _unit(self, element: Element, units: AUSet) -> None:
        if self.fresh:
            self._start_group()
            self.subject = []
        draft = Draft("au", units, element.start, element.end, self.denying != units.absent)
        draft.at = self.i
        draft.side, self.side = self.side, None
        self._append(draft)
        self._take_level(draft)
        self._take_activity(draft)
        if self.subject:
            self.soft = True
        if self.copula:
            self.closed = True
        self.prep = False

    def on_au(self, element: Element) -> None:
        number, side, level = element.entry.value
        if self.fresh:
            self._start_group()
            self.subject = []
        draft = Draft("au", AUSet((number,)), element.start, element.end, self.denying)
        draft.at = self.i
        draft.side = side or self.side
        self.side = None
        if self.paren > 0:
            self._specify(number)
        self._append(draft)
        if level is not None:
            draft.level = level
            self.closed = True
        else:
            self._take_level(draft)
        self._take_activity(draft)
        self.prep = False

    def _take_activity(self, draft: Draft) -> None:
        """ "a marked activation of AU12": what was said of the activation holds for the unit."""
        if self.pending and self.pending[-1].element.entry.value[0] in ("any", "pull"):
            waiting = self.pending.pop()
            draft.level = draft.level or waiting.level
            draft.side = draft.side or waiting.side
            draft.lower = draft.lower or waiting.lower

    def _specify(self, number: int) -> None:
        """ "a stretched mouth (AU20)": the number tells which of several was meant."""
        last = self.group[self.paren - 1].at if self.paren <= len(self.group) else -1
        for draft in self.group[: self.paren]:
            if draft.at == last and draft.kind == "au" and draft.part is not None:
                if number in draft.units.aus + draft.units.also and not draft.specified:
                    draft.units = AUSet((number,), either=True)
                    draft.specified = True
                elif draft.specified and number in (self.lex.pairs[draft.part].get(draft.move[0]) or NOTHING).aus:
                    draft.units = AUSet((*draft.units.aus, number))

    def on_side(self, element: Element) -> None:
        value: DraftSide = element.entry.value
        kinds = self.kinds
        if self.i and kinds[self.i - 1] is Kind.NOT and value in ("left", "right"):
            nxt, _ = self._next(frozenset((Kind.QUAL, Kind.ONE)))
            if nxt is None or nxt in _CLOSING:
                return
        after, _ = self._next(frozenset())
        if value in ("left", "right") and self.i and kinds[self.i - 1] is Kind.THAN:
            weaker = (value == "left") != (self.more < 0)
            value, self.more = "more_right" if weaker else "more_left", 0
        elif value in ("left", "right"):
            more = self.more or (1 if after is Kind.MORE else -1 if after is Kind.LESS else 0)
            if more:
                stronger = value if more > 0 else "right" if value == "left" else "left"
                value = "more_left" if stronger == "left" else "more_right"
                self.more = 0
        nxt, k = self._next(frozenset((Kind.QUAL, Kind.LEVEL, Kind.OF, Kind.PAIRED, Kind.NOISE, Kind.ALL, Kind.SIDE, Kind.EMOTION)))
        if nxt is Kind.ONE and self.last_part is None and self.subject + self.earlier:
            pass
        if nxt is Kind.ONE:
            known = self.subject or self.earlier
            if known:
                self._start_group() if self.fresh else None
                self.subject = [_Subject(known[-1].part, value, element.start, element.end)]
                self.i = k
            return
        if after in (Kind.COP, Kind.NOT, Kind.MOVE) and self.text[element.start : element.end].lower().endswith(("half", "side")):
            if self.fresh:
                self._start_group()
            self.subject = [_Subject("face", value, element.start, element.end)]
            return
        forward = nxt in (Kind.PART, Kind.UNIT, Kind.AU, Kind.MOVE, Kind.QUAL) or (k > self.i + 1 and kinds[k - 1] is Kind.QUAL)
        if nxt is Kind.MOVE and forward:
            entry = self.els[k].entry
            named = entry.noun and (entry.unit is not None or self._placed_part(k, entry.value))
            forward = not self.subject or named or self._move_has_part(k)
        if forward and not (self.i and kinds[self.i - 1] is Kind.PREP and self.group and nxt is not Kind.PART and not self.fresh):
            self.side = self._joined_side(value)
            return
        self._side_back(value, element)

    def _move_has_part(self, k: int) -> bool:
        saved, self.i = self.i, k
        found = self._part_ahead() is not None
        self.i = saved
        return found

    def _joined_side(self, value: DraftSide) -> DraftSide:
        if self.side in ("left", "right") and value in ("left", "right") and self.side != value:
            return "both"
        return value

    def _side_back(self, value: DraftSide, element: Element) -> None:
        open_drafts = [d for d in self.group if d.side is None or d.side == "one" or (value[:4] == "more" and d.side != value)]
        if self.paren > 0:
            open_drafts = self._boxed(open_drafts)
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
        else:
            self.clause_side = value
            if not self.out[self.clause :] and not self.subject:
                return
        self.side = None

    def _boxed(self, drafts: list[Draft]) -> list[Draft]:
        """Those that a remark in parentheses is about: the ones right before, and the ones inside."""
        before = self.group[self.paren - 1].at if self.paren <= len(self.group) else -1
        inside = self.group[self.paren :]
        return [d for d in drafts if d.at == before or d in inside]

    def on_paired(self, element: Element) -> None:
        """ "both" names sides only right before a paired part that is not the first of two."""
        nxt, k = self._next(frozenset((Kind.SIDE,)))
        if nxt is Kind.QUAL:
            name = self.els[k].entry.value
            if name != "corner":
                return
            nxt = Kind.PART
        elif nxt is not Kind.PART or self.els[k].entry.value not in _PAIRED_PARTS:
            return
        after, j = self._next(frozenset((Kind.QUAL, Kind.OF)), k + 1)
        if after is Kind.AND and self._next(frozenset((Kind.QUAL,)), j + 1)[0] is Kind.PART:
            return
        self.side = "pair"

    def on_level(self, element: Element) -> None:
        value: tuple[int, int] = element.entry.value
        nxt, k = self._next(frozenset((Kind.QUAL, Kind.SIDE, Kind.OF, Kind.NOISE, Kind.PAIRED, Kind.MORE, Kind.EMOTION)))
        if nxt is Kind.PART:
            nxt, _ = self._next(frozenset((Kind.QUAL, Kind.SIDE, Kind.PART, Kind.OF)), k + 1)
            forward = nxt is Kind.MOVE or nxt is Kind.UNIT or bool(self.quals)
        elif nxt is Kind.AND and not self.group:
            forward = self._next(frozenset((Kind.LEVEL,)), k + 1)[0] in (Kind.MOVE, Kind.UNIT)
        else:
            forward = nxt in (Kind.MOVE, Kind.UNIT, Kind.AU)
        prev = self.kinds[self.i - 1] if self.i else None
        if nxt is Kind.AU and prev in (Kind.PREP, Kind.OPEN, Kind.AU, Kind.CLOSE):
            forward = False
        if nxt is Kind.MOVE and forward and self.group and self.group[-1].at == self.i - 1 and not self._move_has_part(k):
            forward = not self._same_predicate(k)
        if forward:
            self.level = value
            if prev in (Kind.NO,) or (prev is Kind.NOT):
                self.lower = True
            return
        self._level_back(value, prev)

    def _same_predicate(self, k: int) -> bool:
        """ "pressed strongly together": the level stands inside one predicate."""
        moves = self.els[k].entry.value
        last = self.group[-1]
        return last.part is not None and self._fits(last.part, moves) and self.els[k].token - self.els[self.i].token <= 2

    def _level_back(self, value: tuple[int, int], prev: Kind | None) -> None:
        open_drafts = [d for d in self.group if d.kind == "au" and d.level is None]
        if not open_drafts and self._other_side(value):
            return
        if not open_drafts:
            if not self.group and self.out and not self.subject and not self.pending:
                open_drafts = [d for d in self.out if d.kind == "au" and d.level is None and not d.negated][-1:]
            elif self.pending:
                self.pending[-1].level = self.pending[-1].level or value
                return
        if not open_drafts:
            again = [d for d in self.group if d.kind == "au" and d.level is not None]
            if again:
                _narrow_level(again[-1], value)
            return
        denied = prev is Kind.NOT
        if self.paren > 0:
            open_drafts = self._boxed(open_drafts)
        elif not self.copula:
            last = open_drafts[-1].at
            open_drafts = [d for d in open_drafts if d.at == last]
        for draft in open_drafts:
            draft.level = value
            if denied:
                draft.lower = True
        self.closed = True

    def _other_side(self, value: tuple[int, int]) -> bool:
        """ "strong on the right, slight on the left": the second strength is that of the other side."""
        nxt, k = self._next(frozenset((Kind.PREP,)))
        last = next((d for d in reversed(self.group) if d.kind == "au"), None)
        if nxt is not Kind.SIDE or last is None or last.side not in ("left", "right"):
            return False
        side = self.els[k].entry.value
        if side == last.side or side not in ("left", "right"):
            return False
        other = Draft("au", last.units, last.start, last.end, last.negated)
        other.side, other.level, other.part, other.move, other.at = side, value, last.part, last.move, self.i
        other.paired = last.paired = True
        self._append(other)
        self.i = k
        self.closed = True
        return True

    def on_no(self, element: Element) -> None:
        self._flush_level()
        if self.group and self._next(frozenset())[0] in (None, Kind.BREAK, Kind.COMMA, Kind.CLOSE) and not self.fresh:
            self.copula = True
            self._flip()  # "nose wrinkling: none"
            self.closed = True
            return
        shown = self.copula or (self.i > 0 and self.kinds[self.i - 1] is Kind.MOVE)
        self.denied_group = self.group if shown and not self.closed and not self.fresh else []
        if self.closed or self.fresh or self.group:
            self.group, self.closed, self.soft, self.fresh = [], False, False, False
        self.denying, self.denied_first, self.deny_verb = True, None, False
        self.copula = False
        self.shared = []

    def on_not(self, element: Element) -> None:
        nxt, k = self._next(frozenset((Kind.HEDGE, Kind.ALL, Kind.COP, Kind.MORE, Kind.NOISE)))
        if nxt in (Kind.PRED, Kind.ACT, Kind.MEAS):
            if self.group or self.subject:
                self.predicate_denied = True
            else:
                self.denying, self.denied_first, self.deny_verb = True, None, False
        elif nxt is Kind.WITH:  # "not accompanied by lip tightening"
            self._start_group()
            self.subject = []
            self.denying, self.denied_first, self.deny_verb = True, None, False
            self.i = k
        elif nxt is None or nxt in _CLOSING or nxt in (Kind.OPEN, Kind.PREP, Kind.COLON):
            self._ellipsis()
        elif nxt is Kind.LEVEL:
            after = self._next(frozenset((Kind.SIDE, Kind.QUAL)), k + 1)[0]
            if after in (Kind.MOVE, Kind.UNIT, Kind.AU, Kind.PART):
                self.lower = True
        elif nxt is Kind.SIDE and self._next(frozenset((Kind.QUAL, Kind.ONE)), k + 1)[0] in (None, *_CLOSING):
            pass
        else:
            if self.closed or self.fresh:
                self.group = []
            self.denying, self.denied_first = True, None
            self.deny_verb = nxt is Kind.MOVE

    def _ellipsis(self) -> None:
        """ "AU12 is active, AU6 is not"; "the brows are raised, the lids are not"."""
        if self.group:
            self._flip()
        elif self.subject and self.last_move:
            element = self.els[self.i]
            copied = Element(Kind.MOVE, Entry(Kind.MOVE, self.last_move), element.start, element.end, element.token)
            for subject in self.subject:
                self._emit(subject, copied, True, self.i)
        self.closed = True

    def on_nor(self, element: Element) -> None:
        self._flush_level()
        self.denying = True
        self.separated = Kind.NOR
        if self.closed:
            self._start_group()
            self.fresh = True

    def _flip(self) -> None:
        for draft in self.group if self.copula else self.group[self.within :]:
            draft.negated = not draft.negated

    def on_gone(self, element: Element) -> None:
        if self.predicate_denied:
            self.predicate_denied = False
            self.closed = True
            return
        nxt, _ = self._next(frozenset((Kind.LEVEL, Kind.SIDE, Kind.QUAL, Kind.COLON, Kind.COP, Kind.ALL)))
        if self.naked and self.subject and self.group and self.paren < 0:
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
        elif self.pending and not self.subject:
            for waiting in self.pending:
                waiting.denied = not waiting.denied
        elif nxt in _CLAIMING or nxt is Kind.UNITS:
            self.denying, self.denied_first, self.deny_verb = True, None, False
        elif self.subject:
            self._still()

    def _still(self) -> None:
        element = self.els[self.i]
        copied = Element(Kind.MOVE, Entry(Kind.MOVE, ("still",)), element.start, element.end, element.token)
        for subject in self.subject:
            self._emit(subject, copied, False, self.i)
        self.closed = True

    def on_pred(self, element: Element) -> None:
        self._assert()
        if self.predicate_denied:
            self.predicate_denied = False
            self.copula = True
            self._flip()
        self._flush_level()
        if self.group:
            self.closed = True
        self.copula = True
        if self.denying and self.denied_first is not None and not self.deny_verb:
            self.denying = False
            self.fresh = True

    def on_act(self, element: Element) -> None:
        if self.group:
            self.on_pred(element)
            return
        denied = self.predicate_denied or self.denying
        self.predicate_denied = False
        copied = Element(Kind.MOVE, Entry(Kind.MOVE, ("any",)), element.start, element.end, element.token)
        for subject in self.subject:
            self._emit(subject, copied, denied, self.i)
        self.copula = True
        if self.subject:
            self.closed = True

    def on_unknown(self, element: Element) -> None:
        for draft in self.group:
            if draft.kind == "au":
                draft.kind, draft.negated, draft.unreal = "quality", False, False
        if self.group:
            self.closed = True
            return
        if self.subject:
            self._unknown_parts()
            self.closed = True
            return
        if self.pending:
            self.pending = []
        self.unknown = True

    def _unknown_parts(self) -> None:
        for subject in self.subject:
            region = self.lex.regions.get(subject.part)
            if region is not None:
                draft = Draft("quality", region, subject.start, subject.end, False)
                draft.part = subject.part
                self._append(draft)

    def on_whether(self, element: Element) -> None:
        """What follows is not asserted; with "cannot be told" it was not measured."""
        if not self.unknown:
            self._end_clause()
            self.hypothetical = True
            self.hyp_at = self.i

    def on_except(self, element: Element) -> None:
        """ "no movement apart from a smile", "apart from a smile, nothing moves"."""
        self.excepted = True
        self.denying = False
        for draft in self.out:
            if draft.kind == "all" and draft.negated:
                draft.kind = "rest"
        self.group = []

    def on_sole(self, element: Element) -> None:
        """ "... is all that can be seen"."""
        self.out.append(Draft("rest", NOTHING, element.start, element.end, True))

    def on_measured(self, element: Element) -> None:
        self.measured = True

    def on_about(self, element: Element) -> None:
        """ "none of these movements is typical of fear" denies no movement."""
        for draft in reversed(self.out[self.clause :]):
            if draft.kind in ("all", "rest"):
                self.out.remove(draft)
                break
        self.tentative = None

    def on_typical(self, element: Element) -> None:
        self.typical = True

    def on_copula(self, element: Element) -> None:
        self.copula = True

    def on_colon(self, element: Element) -> None:
        self._flush_level()
        self.against = False
        if len(self.group) == 1 and self.group[0].kind == "all" and self.group[0].part is None:  # "AUs absent: 4, 15"
            heading = self.group.pop()
            if heading in self.out:
                self.out.remove(heading)
            self.denying, self.denied_first, self.deny_verb = heading.negated, None, False
            self._start_group()
        elif self.denying and self.denied_first is not None:
            self.denying = False
            self._start_group()
        self.copula = True
        self.colon = True

    def on_prep(self, element: Element) -> None:
        self.prep = True

    def on_separator(self, element: Element) -> None:
        kind = self.kinds[self.i]
        self._flush_level()
        if self.likened >= 0:
            self._end_simile()
        if self.closed:
            self.fresh = True
        self.prep = False
        self.more = 0
        self.separated = kind
        self.chunk += 1
        if self.pending and self._next(_BEFORE_MOVE)[0] not in (Kind.MOVE, Kind.QUAL):
            self.pending = []
        if kind is Kind.COMMA and self._next(frozenset((Kind.AND, Kind.OR)))[0] is not Kind.EMOTION:
            self.against = False
        if self.denying and not self._continues(kind):
            self.denying = False
            if not self.soft or kind is not Kind.AND:
                self.fresh = True
        if kind is Kind.OR and self.fresh and self.denying:
            self.fresh = False
        self.predicate_denied = False
        if self.fresh:
            self.copula = False

    def on_open(self, element: Element) -> None:
        self._flush_level()
        self.prep = False
        self.paren = len(self.group)

    def on_close(self, element: Element) -> None:
        self._flush_level()
        self.paren = -1

    def on_relative(self, element: Element) -> None:
        self._flush_level()
        self.prep = self.against = False
        self.closed = False

    def _flush_level(self) -> None:
        if self.level is not None:
            value, self.level = self.level, None
            self.lower = False
            if self.group:
                self._level_back(value, None)

    def on_break(self, element: Element) -> None:
        nxt, _ = self._next(frozenset())
        if nxt is Kind.LEVEL and self.group and element.end - element.start == 2:
            after, _ = self._next(frozenset(), self.i + 2)
            if after is None or after in _CLOSING or after is Kind.CLOSE:
                return  # "only as a trace"
        self._end_clause()

    def on_one(self, element: Element) -> None:
        """ "one eyebrow is raised"."""
        nxt, k = self._next(frozenset((Kind.QUAL, Kind.LEVEL)))
        if nxt is Kind.PART and self.els[k].entry.value in _PAIRED_PARTS and self.els[k].token - element.token <= 3:
            self.side = "one"

    def on_with(self, element: Element) -> None:
        """ "AU6 with AU12 is missing" is one subject, "with the left eye" a place; otherwise a new clause begins."""
        nxt, k = self._next(frozenset((Kind.SIDE, Kind.QUAL, Kind.POSSESSIVE, Kind.ONE)))
        if nxt is Kind.PART and k > self.i + 1 and self.group and self._next(frozenset((Kind.QUAL,)), k + 1)[0] in (None, *_CLOSING):
            self.prep = True
            return
        if not self.group or self.closed or self.denying or self.pending:
            self._end_clause()
            return
        self._flush_level()
        self.chunk += 1
        self.within = len(self.group)
        self.subject, self.copula, self.prep, self.soft = [], False, False, False
        self.separated = Kind.AND

    def on_simile(self, element: Element) -> None:
        """ "as if for a kiss": what is likened is not claimed."""
        self._flush_level()
        self.likened = len(self.out)

    def _end_simile(self) -> None:
        for draft in self.out[self.likened :]:
            if draft.kind != "label":
                self.out.remove(draft)
                if draft in self.group:
                    self.group.remove(draft)
        self.likened = -1
        self.pending = []

    def _end_clause(self) -> None:
        self._flush_level()
        if self.likened >= 0:
            self._end_simile()
        if self.unknown and self.subject and self.naked:
            self._unknown_parts()
        drafts = self.out[self.clause :]
        if self.hypothetical or (self.generic and self.label_first):
            kept = [d for d in drafts if (d.kind == "label" and not self.hypothetical) or (self.hypothetical and not d.unreal)]
            self.out = self.out[: self.clause] + kept
        else:
            for draft in drafts:
                draft.hedged = draft.hedged or self.hedge
                if draft.side is None and draft.kind == "au":
                    draft.side = self.clause_side
                if draft.kind == "label":
                    draft.rival = draft.rival or self.rival
                    draft.typical = self.typical
        if self.subject:
            self.earlier = self.subject
        self._start_group()
        self.subject, self.pending, self.shared, self.quals = [], [], [], []
        self.clause = len(self.out)
        self.clauses += 1
        self.chunk += 1
        self.adjunct, self.adjunct_at, self.here_only, self.located = [], -1, False, False
        self.denying = self.deny_verb = self.prep = self.unknown = self.rest = self.colon = False
        self.denied_first = self.separated = None
        self.level = self.side = self.clause_side = None
        self.lower = False
        self.more = 0
        self.hedge = self.hypothetical = self.generic = self.label_first = self.against = self.rival = self.typical = False
        self.manner = None
        self.tentative = None

    def on_hedge(self, element: Element) -> None:
        self.hedge = True

    def on_hypothetical(self, element: Element) -> None:
        self.hypothetical = True
        self.hyp_at = self.i

    def _assert(self) -> None:
        """ "AU20 would be needed, which is absent": what is said last is real."""
        if self.hypothetical and any(self.kinds[k] in (Kind.RELATIVE, Kind.COMMA) for k in range(self.hyp_at, self.i)):
            for draft in self.group:
                draft.unreal = False

    def on_generic(self, element: Element) -> None:
        self.generic = True

    def on_more(self, element: Element) -> None:
        self.more = 1

    def on_less(self, element: Element) -> None:
        self.more = -1

    def on_only(self, element: Element) -> None:
        """ "only AU12 is active", "R14 only": nothing else is."""
        nxt, k = self._next(frozenset((Kind.QUAL,)))
        if nxt is Kind.MOVE and "any" in self.els[k].entry.value:
            if self._placed(k):
                self.here_only = self.excepted = True
            else:
                self.on_sole(element)
            self.i = k
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
        elif last is not Kind.AU or not (nxt is None or (nxt is Kind.BREAK and self.els[k].end - self.els[k].start == 1)):
            return
        draft = Draft("rest", NOTHING, element.start, element.end, True)
        self.out.append(draft)

    def _placed(self, k: int) -> bool:
        """ "the only change recorded in the brow region"."""
        nxt, j = self._next(frozenset((Kind.PRED, Kind.MEAS, Kind.COP, Kind.NOISE)), k + 1)
        if nxt is not Kind.PREP:
            return False
        nxt, j = self._next(frozenset((Kind.SIDE, Kind.QUAL, Kind.OF)), j + 1)
        return nxt is Kind.PART and self.els[j].entry.value != "face"

    def on_else(self, element: Element) -> None:
        nxt, _ = self._next(frozenset((Kind.OF, Kind.ALL, Kind.MEAS)))
        if nxt in (Kind.SIDE, Kind.QUAL, Kind.ONE):
            return
        self.rest = True
        if self.tentative is not None:
            self.tentative.kind = "rest"
            self.excepted = True
        elif self.denying and nxt not in (Kind.MOVE, Kind.UNITS, Kind.PART, Kind.UNIT, Kind.AU):
            self._append(Draft("rest", NOTHING, element.start, element.end, True))
        elif nxt in (Kind.GONE, Kind.MOVE) and not self.denying and not self.group and not self.subject:
            self.subject = [_Subject("face", None, element.start, element.end)]

    def on_units(self, element: Element) -> None:
        if self.prep and self.out and self.out[-1].kind in ("all", "rest") and self.out[-1].negated:
            self.denying, self.denied_first, self.deny_verb = True, Kind.AU, False  # "none among the units and AU28"
            self.fresh = self.copula = self.prep = False
            return
        region = self.subject[-1] if self.subject and self.kinds[self.i - 1] is Kind.PART else None
        if region is not None and not self.copula:
            copied = Element(Kind.MOVE, Entry(Kind.MOVE, ("any",)), element.start, element.end, element.token)
            self._emit(region, copied, self.denying, self.i)
            self.soft = True
            return
        if self.fresh or self.separated is not None:
            self._start_group()
        draft = Draft("rest" if self.rest else "all", NOTHING, element.start, element.end, self.denying)
        self._append(draft)

    def on_nothing(self, element: Element) -> None:
        self._flush_level()
        self._start_group()
        self.denying, self.denied_first, self.deny_verb = True, None, False
        draft = Draft("all", NOTHING, element.start, element.end, True)
        self._append(draft)
        self.group = []
        self.tentative = draft

    def on_plus(self, element: Element) -> None:
        self.closed = True

    def on_minus(self, element: Element) -> None:
        if self.group:
            last = self.group[-1].at
            for draft in self.group:
                if draft.at == last:
                    draft.negated = True
        self.closed = True

    def on_emotion(self, element: Element) -> None:
        if not self.out[self.clause :]:
            self.label_first = True
        label, form = element.entry.value
        if form == "adv":
            self.manner = element
            return
        if self.fresh:
            self._start_group()
        draft = Draft("label", NOTHING, element.start, element.end, self.denying != self.against)
        word = self.text[element.start : element.end]
        if self.manner is not None and element.token - self.manner.token == 1:  # "happily surprised"
            compound = _label_of(self.text[self.manner.start : element.end])
            draft.start = self.manner.start if compound else draft.start
            word = word if compound is None else self.text[self.manner.start : element.end]
        draft.label = _label_of(word) or label
        draft.typical = self.typical
        draft.rival = self.rival
        draft.at = self.i
        draft.opposed = self.against
        for other in self.group:
            if other.kind == "label" and other.negated == draft.negated:
                other.joint = draft.joint = True
        self._append(draft)

    def on_against(self, element: Element) -> None:
        self.against = True

    def on_weak(self, element: Element) -> None:
        for draft in self.out[self.clause :]:
            if draft.kind == "label":
                draft.negated = True
        self.rival = True

    def on_rival(self, element: Element) -> None:
        self.rival = True

    def on_than(self, element: Element) -> None:
        self.against = not self.against


@lru_cache(maxsize=1024)
def _label_of(word: str) -> str | None:
    return canonical_label(word)


def _narrow_level(draft: Draft, value: tuple[int, int]) -> None:
    """A second strength for the same movement: both must hold."""
    assert draft.level is not None
    draft.level = (max(draft.level[0], value[0]), min(draft.level[1], value[1]))


_BY_KIND: dict[Kind, Callable[[ClauseReader, Element], None]] = {
    Kind.QUAL: ClauseReader.on_qual,
    Kind.PART: ClauseReader.on_part,
    Kind.MOVE: ClauseReader.on_move,
    Kind.UNIT: ClauseReader.on_unit,
    Kind.AU: ClauseReader.on_au,
    Kind.SIDE: ClauseReader.on_side,
    Kind.PAIRED: ClauseReader.on_paired,
    Kind.LEVEL: ClauseReader.on_level,
    Kind.NO: ClauseReader.on_no,
    Kind.NOT: ClauseReader.on_not,
    Kind.NOR: ClauseReader.on_nor,
    Kind.GONE: ClauseReader.on_gone,
    Kind.PRED: ClauseReader.on_pred,
    Kind.ACT: ClauseReader.on_act,
    Kind.UNKNOWN: ClauseReader.on_unknown,
    Kind.COP: ClauseReader.on_copula,
    Kind.COLON: ClauseReader.on_colon,
    Kind.PREP: ClauseReader.on_prep,
    Kind.AND: ClauseReader.on_separator,
    Kind.OR: ClauseReader.on_separator,
    Kind.COMMA: ClauseReader.on_separator,
    Kind.OPEN: ClauseReader.on_open,
    Kind.CLOSE: ClauseReader.on_close,
    Kind.RELATIVE: ClauseReader.on_relative,
    Kind.BREAK: ClauseReader.on_break,
    Kind.WITH: ClauseReader.on_with,
    Kind.ONE: ClauseReader.on_one,
    Kind.WHETHER: ClauseReader.on_whether,
    Kind.EXCEPT: ClauseReader.on_except,
    Kind.SOLE: ClauseReader.on_sole,
    Kind.ABOUT: ClauseReader.on_about,
    Kind.TYPICAL: ClauseReader.on_typical,
    Kind.MEAS: ClauseReader.on_measured,
    Kind.SIMILE: ClauseReader.on_simile,
    Kind.HEDGE: ClauseReader.on_hedge,
    Kind.HYP: ClauseReader.on_hypothetical,
    Kind.GENERIC: ClauseReader.on_generic,
    Kind.MORE: ClauseReader.on_more,
    Kind.LESS: ClauseReader.on_less,
    Kind.ONLY: ClauseReader.on_only,
    Kind.ELSE: ClauseReader.on_else,
    Kind.UNITS: ClauseReader.on_units,
    Kind.NOTHING: ClauseReader.on_nothing,
    Kind.PLUS: ClauseReader.on_plus,
    Kind.MINUS: ClauseReader.on_minus,
    Kind.EMOTION: ClauseReader.on_emotion,
    Kind.AGAINST: ClauseReader.on_against,
    Kind.WEAK: ClauseReader.on_weak,
    Kind.RIVAL: ClauseReader.on_rival,
    Kind.THAN: ClauseReader.on_than,
}
_HANDLERS = [_BY_KIND.get(kind) for kind in Kind]
