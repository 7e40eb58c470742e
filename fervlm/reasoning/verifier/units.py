"""Phrases that mean action units by themselves, AU numbers, and the predicates that affirm them."""

from __future__ import annotations

from functools import cache

from fervlm.reasoning.verifier.cursor import NONE
from fervlm.reasoning.verifier.drafts import NOTHING, Draft
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import AUSet, Entry, Kind
from fervlm.reasoning.verifier.levels import LevelReader

_LINKING = frozenset((Kind.OF, Kind.OPEN, Kind.NOR, Kind.OR, Kind.AND, Kind.COMMA))


@cache
def _alone(number: int) -> AUSet:
    return AUSet((number,))


class UnitReader(LevelReader):
    """Handlers for units and predicates."""

    __slots__ = ()

    def _on_unit(self, element: Element) -> None:
        self._unit(element, element.entry.value)

    def _unit(self, element: Element, units: AUSet) -> None:
        if self.tentative is not None and self.kinds[self.i - 1] is Kind.NOTHING:
            self._drop_tentative()  # "nothing frowning or smiling about it"
            self.denied_first = None
        if not self.prep and self.kinds[self.i - 1] not in _LINKING:
            self._end_denial()
        if self.fresh:
            self._start_group()
            self.subject = []
        draft = Draft("au", units, element.start, element.end, self.denying != units.absent)
        draft.at = self.i
        draft.side, self.side = self.side, None
        self._append(draft)
        self._take_level(draft)
        self._take_activity(draft)
        if self.pending and self.pending[-1].at == self.i - 1 and not self.pending[-1].element.entry.noun:
            self.pending.pop()  # "a pressed smile"
        if self.subject:
            self.soft = True
        if self.copula:
            self.closed = True
        self.prep = False

    def _on_au(self, element: Element) -> None:
        number, side, level = element.entry.value
        before = self.kinds[self.i - 1]
        lone = element.entry.noun and number <= 5 and before is Kind.OPEN
        if lone and self._next(NONE)[0] is Kind.CLOSE and self.paren > 0 and not self._means(number):
            self._on_level(element._replace(entry=Entry(Kind.LEVEL, (number, number))))
            return
        if self.denying and not self.prep and before not in _LINKING:
            self._end_denial()
        if self.fresh:
            self._start_group()
            self.subject = []
        draft = Draft("au", _alone(number), element.start, element.end, self.denying)
        draft.at = self.i
        draft.side = side or self.side
        self.side = None
        if self.paren > 0:
            self._specify(number)
        self._append(draft)
        if level is not None:
            draft.level = level
            self.closed = True
        elif self.level is not None:
            self._take_level(draft)
        if self.pending or before is Kind.OPEN:
            self._take_activity(draft)
        self.prep = False

    def _means(self, number: int) -> bool:
        """Whether a bare number in parentheses is the AU named before it ("brow lowered (4)"), not a strength."""
        if self.paren > len(self.group):
            return True
        last = self.group[self.paren - 1].at
        return any(number in d.units.aus + d.units.also for d in self.group[: self.paren] if d.at == last)

    def _take_activity(self, draft: Draft) -> None:
        """ "a marked activation of AU12": what was said of the activation holds for the unit."""
        if self.kinds[self.i - 1] is Kind.OPEN and len(self.group) > 1 and self.group[-2].kind == "all":
            heading = self.group.pop(-2)  # "AUs (4, 20)"
            if heading in self.out:
                self.out.remove(heading)
        if self.pending and self.pending[-1].element.entry.value[0] in ("any", "pull", "still"):
            waiting = self.pending.pop()
            if draft.negated:
                self.denied_first = self.kinds[self.i]
            if waiting.element.entry.value[0] == "still":  # "relaxed frontalis"
                draft.negated = not draft.negated
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

    def _on_pred(self, element: Element) -> None:
        self._assert()
        if self.predicate_denied and self.naked and self.subject:
            self.predicate_denied = False
            self._still()  # "the cheeks do not reach the threshold"
            return
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

    def _on_act(self, element: Element) -> None:
        if self.group:
            self._on_pred(element)
            return
        denied = self.predicate_denied or self.denying
        self.predicate_denied = False
        copied = Element(Kind.MOVE, Entry(Kind.MOVE, ("any",)), element.start, element.end, element.token)
        for subject in self.subject:
            self._emit(subject, copied, denied, self.i)
        self.copula = True
        if self.subject:
            self.closed = True
