"""Looking ahead in a sentence: what a movement stands before, and whether a denial goes on."""

from __future__ import annotations

import re

from fervlm.reasoning.verifier.cursor import BETWEEN, CLAIMING, FAR, NONE, SEPARATING, Cursor
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.inflection import SKIPPED
from fervlm.reasoning.verifier.kinds import Kind

_EXCLUDING = frozenset(
    ("without", "lacking", "lack of", "absence of", "minus", "sans", "devoid of", "free of", "free from")
)
_EXCHANGED = frozenset(
    ("instead of", "rather than", "as opposed to", "in place of", "in contrast to", "in contrast with")
)
_FRONTED = _EXCHANGED | _EXCLUDING
"""What puts a denial in front of the clause that says what is there."""
_REASONS = frozenset(("because", "since", "as", "although", "though", "even though", "when", "given that", "despite"))
_TURNING = ("just ", "only ", "merely ", "simply ", "instead ", "rather ")
_VERB = re.compile(r"\s*([a-z]+[a-rt-z]s)\b")
_WORDS = re.compile(r"[a-z]{2,}")
_JOINING = frozenset((Kind.AND, Kind.OR, Kind.NOR, Kind.COMMA))
_NAMED = frozenset((Kind.PART, Kind.UNIT, Kind.AU))
_PAST_DETERMINERS = frozenset((Kind.SIDE, Kind.QUAL, Kind.PAIRED, Kind.POSSESSIVE, Kind.OF))
_OF_ALL = frozenset((Kind.PRED, Kind.EMOTION, Kind.TYPICAL))
_PAST_ADVERBS = frozenset((Kind.HEDGE, Kind.LEVEL, Kind.GENERIC, Kind.BREAK))
_PAST_HEDGE_LEVEL = frozenset((Kind.HEDGE, Kind.LEVEL))
_PAST_MODIFIERS = frozenset((Kind.AND, Kind.OR, Kind.LEVEL, Kind.SIDE, Kind.HEDGE, Kind.ALL, Kind.OPEN, Kind.PREP))
_PAST_NOISE_MEAS = frozenset((Kind.NOISE, Kind.MEAS, Kind.PRED, Kind.COP))
_PAST_PLACE_WORDS = frozenset((Kind.SIDE, Kind.QUAL, Kind.ALL, Kind.ELSE))
_PAST_PREDICATES = frozenset((Kind.PRED, Kind.MEAS, Kind.COP, Kind.NOISE))
_PAST_QUAL_PART = frozenset((Kind.QUAL, Kind.PART))
_PAST_SIDE_QUAL_OF = frozenset((Kind.SIDE, Kind.QUAL, Kind.OF))


class Lookahead(Cursor):
    """Questions about what comes after the element at hand."""

    __slots__ = ()

    def _part_ahead(self) -> int | None:
        """Index of the part that the movement at `i` stands before ("raised left brows"), or None."""
        kinds, els = self.kinds, self.els
        here = els[self.i].token
        k = self.i + 1
        moved = True
        while k < self.count:
            kind = kinds[k]
            if kind is Kind.PART or (kind is Kind.QUAL and els[k].entry.value in self.lex.bare):
                return k if moved and els[k].token - here <= FAR else None
            if kind not in BETWEEN:
                return None
            if kind in _JOINING:
                moved = False
            elif kind is Kind.MOVE:
                moved = True
                here = els[k].token
            k += 1
        return None

    def _move_has_part(self, k: int) -> bool:
        saved, self.i = self.i, k
        found = self._part_ahead() is not None
        self.i = saved
        return found

    def _finite_ahead(self, start: int, *, enclosed: bool = False) -> bool:
        """Whether the list that starts at `start` gets a predicate of its own before the clause ends.

        With `enclosed` a comma ends it as well.
        """
        kinds = self.kinds
        for k in range(start, self.count):
            kind = kinds[k]
            if enclosed and kind is Kind.COMMA:
                return False
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
        if separator in (Kind.OR, Kind.NOR) or self.listing:
            return True
        if self._turns(separator):
            return False
        nxt, k = self._next(_PAST_MODIFIERS)
        if self.denied_first is None and nxt is Kind.PERSON and Kind.PART in self.kinds[self.deny_at : self.i]:
            return False  # "narrowed rather than by the cheeks, and they remain open"
        if nxt is None or self.denied_first is None:
            return nxt is not None and self.denied_first is None
        if self.kinds[self.i + 1] in (Kind.OR, Kind.NOR):
            return True
        if self._or_ahead(self.i + 1):
            return True
        if separator is Kind.AND and self.deny_word in _EXCLUDING and nxt in (Kind.MOVE, Kind.PART):
            return not self._finite_ahead(k, enclosed=True)  # "without the downturned mouth and the raised chin, ..."
        if self.deny_verb:
            return separator is Kind.AND and nxt is Kind.MOVE and self._no_part_after(k)
        if nxt is Kind.AU and self.denied_first is Kind.AU:
            if Kind.COMMA in self.kinds[self.i - 1 : self.i + 1] and Kind.AND in self.kinds[self.i : self.i + 2]:
                return not self._finite_ahead(k)  # "no AU20, and AU5 is active"
            return not self._finite_ahead(k) or not self.copula
        if nxt in (Kind.UNIT, Kind.AU) and self.denied_first in (Kind.UNIT, Kind.AU) and separator is Kind.COMMA:
            if self._next(NONE, k + 1)[0] is Kind.COMMA and self.kinds[self.deny_at] is not Kind.NOT:
                return True  # "no activity of orbicularis oculi, pars orbitalis, ..."
        alike = self.denied_first is Kind.MOVE or (self.denied_first is Kind.UNIT and separator is Kind.AND)
        if nxt is Kind.PART and alike and self._is_thing(k):
            return not self._finite_ahead(k)
        thing = nxt is self.denied_first and nxt is not Kind.MOVE
        if separator is Kind.AND and (thing or (nxt is Kind.UNIT and self.denied_first is Kind.MOVE)):
            return not self._finite_ahead(k)
        return False

    def _turns(self, separator: Kind) -> bool:
        """ "Instead of a frown, a smile", "no frown, just a smile", "does without a frown and relies on a smile"."""
        if self.denied_first is None:
            return False
        after = self.text[self.els[self.i].end :].lower()
        if separator is Kind.AND:
            verb = _VERB.match(after)
            stop = self.els[self.i + 1].start - self.els[self.i].end if self.i + 1 < self.count else len(after)
            return verb is not None and verb.end() <= stop and verb[1] not in SKIPPED and not self._or_ahead(self.i + 1)
        if separator is not Kind.COMMA:
            return False
        return after.lstrip().startswith(_TURNING) or (self._fronted() and not self._enclosed())

    def _fronted(self) -> bool:
        """Whether the open denial stands in front: "Without a frown, ...", "Because there is no frown, ..."."""
        lead = self.els[self.clause_at]
        if not self.clause_at and lead.kind is Kind.BREAK and self._word(lead) in _REASONS:
            return True
        first = self.clause_at + (lead.kind is Kind.BREAK)
        return self.deny_at == first and self.deny_word in _FRONTED

    def _enclosed(self) -> bool:
        """Whether a list goes on that another comma ends: "Without a frown, a squint or a pout, ..."."""
        joined = False
        for k in range(self.i + 1, self.count):
            kind = self.kinds[k]
            if kind is Kind.BREAK:
                return False
            if kind in (Kind.OR, Kind.NOR):
                return True
            if kind is Kind.COMMA and joined:
                return True
            joined = joined or kind is Kind.AND
        return False

    def _new_subject(self, element: Element) -> bool:
        """Whether a part begins something new: "Instead of a frown we find ...", "without a frown the brows ..."."""
        if not self.denying or self.denied_first is None or self.denied_chunk != self.chunk or self.paren >= 0:
            return False
        before = self.els[self.i - 1]
        between = _WORDS.findall(self.text[before.end : element.start].lower())
        told = before.kind in _NAMED or (before.kind is Kind.MOVE and before.entry.noun and not self.pending)
        if before.kind in _NAMED and between and self.deny_at <= 1 and self.deny_word in _FRONTED:
            return True
        return told and any(word not in SKIPPED for word in between)

    def _is_thing(self, k: int) -> bool:
        """Whether the part at `k` makes a noun with the movement after it: "lip tightening"."""
        nxt, j = self._next(_PAST_QUAL_PART, k + 1)
        if nxt is not Kind.MOVE or not self.els[j].entry.noun:
            return False
        part, move = self.els[j - 1], self.els[j]
        return self.text[move.start : move.end].lower().endswith(("ing", "ion")) or self.text[part.end - 1] != "s"

    def _no_part_after(self, k: int) -> bool:
        nxt, _ = self._next(BETWEEN - {Kind.AND, Kind.OR, Kind.COMMA}, k + 1)
        return nxt is not Kind.PART

    def _own_predicate(self) -> bool:
        """Whether the part at `i` has a movement or predicate of its own after it, so that it shares none."""
        for k in range(self.i + 1, self.count):
            kind = self.kinds[k]
            if kind in (
                Kind.MOVE,
                Kind.COP,
                Kind.COLON,
                Kind.PRED,
                Kind.GONE,
                Kind.ACT,
                Kind.NOT,
                Kind.PLUS,
                Kind.MINUS,
            ):
                if kind is Kind.COP and self._next(_PAST_ADVERBS, k + 1)[0] in _OF_ALL:
                    return False  # "tense lids and lips are read as anger"
                return kind is not Kind.COP or not self.denying or self._part_then_finite(k)
            if kind in SEPARATING:
                return kind is Kind.RELATIVE
        return False

    def _part_then_finite(self, k: int) -> bool:
        nxt, _ = self._next(_PAST_HEDGE_LEVEL, k + 1)
        return nxt not in (Kind.PRED, Kind.ACT)

    def _located(self, wanted: frozenset[Kind] = CLAIMING) -> bool:
        """ "no movement in the brow", "no action of AU4": something follows that the movement is of."""
        nxt, k = self._next(_PAST_NOISE_MEAS)
        if nxt not in (Kind.PREP, Kind.OF):
            return False
        return self._next(_PAST_PLACE_WORDS, k + 1)[0] in wanted

    def _placed_part(self, at: int, moves: tuple[str, ...]) -> bool:
        """Whether a movement named as a thing is followed by its place: "a tuck at the left lip corner"."""
        nxt, k = self._next(NONE, at + 1)
        if nxt not in (Kind.PREP, Kind.OF):
            return False
        nxt, k = self._next(_PAST_DETERMINERS, k + 1)
        if moves[0] == "pull":
            return nxt in (Kind.PART, Kind.UNIT)
        bare = self.lex.bare.get(self.els[k - 1].entry.value) if self.kinds[k - 1] is Kind.QUAL else None
        if bare is not None and nxt is not Kind.PART:
            return self._fits(bare, moves)  # "a downturn at the corners"
        return nxt is Kind.PART and self._fits(self.els[k].entry.value, moves)

    def _placed(self, k: int) -> bool:
        """ "the only change recorded in the brow region"."""
        nxt, j = self._next(_PAST_PREDICATES, k + 1)
        if nxt is not Kind.PREP:
            return False
        nxt, j = self._next(_PAST_SIDE_QUAL_OF, j + 1)
        return nxt is Kind.PART and self.els[j].entry.value != "face"
