"""Movements: whose they are, and what may be said with them."""

from __future__ import annotations

import re

from fervlm.reasoning.verifier.cursor import NONE
from fervlm.reasoning.verifier.drafts import NOTHING, Draft, Pending, Subject
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import Entry, Kind
from fervlm.reasoning.verifier.movements import MovementAhead

_ACTIONS = frozenset(
    (
        "contraction",
        "action",
        "activity",
        "activation",
        "movement",
        "tension",
        "engagement",
        "recruitment",
        "involvement",
        "strain",
        "effort",
        "work",
    )
)
_UNITS = frozenset((Kind.AU, Kind.UNIT))
_IT = re.compile(r" (?:it|them)\b")
_NOT_STATED = frozenset((Kind.OF, Kind.PREP, Kind.WITH))
_JOINED = frozenset((Kind.COMMA, Kind.AND, Kind.OR))
_PAST_OWNERS = frozenset((Kind.SIDE, Kind.QUAL, Kind.POSSESSIVE))


class MoveReader(MovementAhead):
    """Handlers for movements."""

    __slots__ = ()

    def _on_move(self, element: Element) -> None:
        entry = element.entry
        moves: tuple[str, ...] = entry.value
        if self.denying and not self.pending and self._new_subject(element):
            self._end_denial()  # "instead of lip tightening we find a widening of the eyes"
        if self._passed_over(element, moves):
            return
        if self.kinds[self.i + 1 : self.i + 3] == [Kind.NO, Kind.PART] and entry.unit is not None:
            if self._fits(self.els[self.i + 2].entry.value, moves):
                self._wait(element)  # "... and dimples no cheek"
                return
        if moves[0] == "any" and self.deny_word == "neither" and self.kinds[self.i - 1] is Kind.NO:
            self.denying = False
            return  # "neither movement takes away from happiness"
        if moves[0] == "any" and not self.denying and not self.naked and not self.copula and self.subject:
            return  # "the tongue shows, and one more movement"
        if moves[0] == "any" and self._located(_UNITS):
            self._wait(element)
            return
        fitting = self._takers(element, entry)
        ahead = None if fitting and self._compound(element) and not self._governs() else self._part_ahead()
        if ahead is not None and entry.noun and entry.unit is not None and self.kinds[self.i + 1] in _JOINED:
            ahead = None  # "a pucker, a raise of the brows", "dimples and closed lips"
        if ahead is not None and fitting and self._has_object(ahead):
            ahead = None  # "the corners sweep up and push the cheeks"
        if (
            moves[0] == "any"
            and self.denying
            and (self.rest or self.excepted or not self.subject)
            and ahead is None
            and self._is_nothing(element)
        ):
            self._nothing_of(element)
            return
        side = "left" if moves[0] == "shift" and self._word(element).endswith("left") else "right"
        if moves[0] == "shift" and not fitting and self._word(element).endswith(("left", "right")):
            self._on_side(element._replace(entry=Entry(Kind.SIDE, side)))  # "confined to the left"
            return
        if ahead is not None and self.kinds[self.i + 1] is Kind.COMMA and self._adrift(element):
            ahead = None  # "viewed together, the drooping ends ..."
        if not fitting and ahead is None and not (self.copula and self.earlier) and self._adrift(element):
            return
        if not fitting and moves[0] == "high" and ahead is None:
            self.more = 1  # "a smile, higher on the left"
            return
        stated = self.copula and fitting and self.kinds[self.i - 1] not in _NOT_STATED and not self._introduced()
        if ahead is not None and (not stated or self._attributive_move(element)):
            name: str = self.els[ahead].entry.value
            if self.kinds[ahead] is Kind.QUAL:
                name = self.lex.bare[name]
            narrow = set(self.lex.qualified.get(name, {}).values()) | {name}
            if any(self._fits(part, moves) for part in narrow):
                self._wait(element)
                return
        if not fitting and not self.subject and moves != ("pull",) and (self.copula or self._none_waits()):
            carried = entry.unit is None and (moves[0] != "any" or self.denying)
            carried = carried and Kind.PART not in self.kinds[self.i : self._clause_end(Kind.COMMA)]
            carried = carried and (not entry.noun or not self._placed_part(self.i, moves))
            fitting = [s for s in self._narrowed(self.earlier) if self._fits(s.part, moves)] if carried else []
            self.subject = list(fitting)
        if moves[0] == "still" and self.kinds[self.i - 1] is Kind.CLOSE and self.group:
            for draft in self.group:  # "upper face (1, 4) quiet"
                draft.negated = draft.negated or draft.part is None
        if "seen" in moves and not fitting and self.group:
            self._on_pred(element)
        elif fitting:
            self._predicate(element, fitting)
        elif moves[0] == "same" and self.out and self.subject and self._next(_PAST_OWNERS)[0] is not Kind.PART:
            copied = Element(Kind.MOVE, Entry(Kind.MOVE, self._followed()), element.start, element.end, element.token)
            self._predicate(copied, self.subject)
        elif entry.unit is not None:
            self._unit(element, entry.unit)
        elif moves[0] == "neutral":
            self._neutral(element, self.denying)
        elif "still" in moves and self.group and not self.subject:
            self._flip()
            self.closed = True
        elif moves[0] in ("tight", "together") and self.group and not self.subject and not entry.noun:
            self._on_pred(element)  # "corrugator tight"
        elif not (self.copula and self.subject and not entry.noun):  # "the face is contracted around ..."
            self._wait(element)

    def _passed_over(self, element: Element, moves: tuple[str, ...]) -> bool:
        """Whether a word for a movement names none here."""
        first, i = moves[0], self.i
        before = self.kinds[i - 1] if i else None
        if before is Kind.UNIT or before is Kind.AU:
            word = self._word(element)
            if word == "together":
                return True  # "the eyes and the mouth smile together"
            if word in _ACTIONS and self._compound(element, named=True):
                return True  # "frontalis contraction"
        if "still" in moves and self._is_no_rest(element, first):
            return True
        if first == "straight" and i + 1 < self.count and self.kinds[i + 1] is Kind.MOVE:
            return True  # "straight back"
        if self.prep and self.prep_word == "to" and _IT.match(self.text, element.end):
            return True  # "no tension in the lower one to reduce it"
        if moves != ("any",) or self.denying:
            return False
        if self.kinds[i + 1 : i + 2] == [Kind.NO] and self._word(self.els[i + 1]) == "neither":
            return True  # "have moved neither up nor down"
        return self.prep  # "absent from the movement"

    def _is_no_rest(self, element: Element, first: str) -> bool:
        """Whether a word for rest says nothing of a part: "still parted", "slight as it is", "higher than at rest"."""
        word = self._word(element)
        if first == "still":
            if word == "still" and self._is_adverb(element):
                return True
            if self.i and self.kinds[self.i - 1] is Kind.LEVEL and word[:3] == "as ":
                return True
        if not self.naked and word in ("as they are", "as it is"):
            return True  # "raised as they are", "as it is, ..."
        return Kind.THAN in self.kinds[max(0, self.i - 3) : self.i]

    def _predicate(self, element: Element, fitting: list[Subject]) -> None:
        level, lower = self.level, self.lower
        self.level, self.lower = None, False
        if level is None and self.pending and self.pending[-1].element.entry.value[0] == "pull":
            level = self.pending.pop().level  # "a strong drawing of the lips toward each other"
        for subject in fitting:
            draft = self._emit(subject, element, self.denying, self.i)
            if draft is not None:
                if self.side is not None and draft.side is None:
                    draft.side = self.side
                if level is not None and not draft.units.absent:
                    draft.level, draft.lower = level, lower
                    if lower:
                        draft.negated = False
        self.side = None
        if self.denying and element.entry.value[0] == "any" and self._next(NONE)[0] is Kind.PREP:
            self.denying = False  # "do not take part in the lift of ..."
        if element.entry.noun and not self.copula:
            self.soft = True
        else:
            self.closed = True
        self.copula = False
        self.shared = []

    def _wait(self, element: Element) -> None:
        waiting = Pending(element, self.i, self.denying)
        if self.denying and self.denied_first is None:
            self.denied_first, self.denied_chunk = Kind.MOVE, self.chunk
        waiting.level, waiting.lower, waiting.side = self.level, self.lower, self.side
        self.level, self.lower, self.side = None, False, None
        if self.fresh:
            self.pending = []
        self.pending.append(waiting)

    def _nothing_of(self, element: Element) -> None:
        """ "AU12 shows no activity", or just "no movement"."""
        if self.denied_group:
            for draft in self.denied_group:
                draft.negated = True
            self.closed = True
        else:
            self._append(
                Draft("rest" if self.rest or self.excepted else "all", NOTHING, element.start, element.end, True)
            )
