"""Parts of the face, qualified and listed, and the movements they take."""

from __future__ import annotations

from fervlm.reasoning.verifier.cursor import FAR
from fervlm.reasoning.verifier.drafts import Pending, Subject
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import Entry, Kind
from fervlm.reasoning.verifier.places import PartAhead

PAIRED_PARTS = frozenset(
    (
        "brow", "ibrow", "obrow", "lid", "ulid", "llid", "eye", "eyecorner", "undereye", "cheek", "nostril",
        "lipcorner", "nasolabial",
    )
)  # fmt: skip
_OWNED = frozenset((Kind.UNIT, Kind.AU, Kind.MOVE))
_IN_PLACE = frozenset(
    ("", "in", "at", "around", "on", "along", "across", "between", "near", "beside", "about", "within", "over", "to")
)
"""A movement named as a thing may stand before these and its part ("tension around the eyes")."""
_BEYOND = frozenset(("above", "below", "beneath", "under", "underneath", "behind", "past"))
_WAITING = 9
"""Tokens that a movement waits for its part ("a lift at both of the inner ends of the brows")."""
_PAST_QUALIFIERS = frozenset(
    (Kind.QUAL, Kind.OF, Kind.SIDE, Kind.AND, Kind.OR, Kind.PAIRED, Kind.PREP, Kind.LEVEL, Kind.POSSESSIVE)
)


class PartReader(PartAhead):
    """Handlers for parts and their qualifiers."""

    __slots__ = ()

    def _on_qual(self, element: Element) -> None:
        """inner, outer, upper, corner: to be joined with the part that follows, or just passed."""
        nxt, k = self._next(_PAST_QUALIFIERS)
        name: str = element.entry.value
        if nxt is Kind.PART and self.els[k].token - element.token <= FAR + 1:
            self.quals.append(name)
            return
        if self.quals and self.kinds[self.i - 1] is Kind.QUAL:
            name = self.quals[0]
            self.quals = []
        known = self.subject or self.earlier
        if nxt is Kind.ONE and known and self.els[k].token - element.token <= 2:  # "the upper ones"
            whole = self.lex.whole.get(known[-1].part, known[-1].part)
            narrow = self.lex.qualified.get(whole, {}).get(name)
            if narrow is not None:
                self.i = k
                self._part(narrow, element)
                return
        if known and self._elided(element):  # "the inner brow is raised, the outer only barely"
            whole = self.lex.whole.get(known[-1].part, known[-1].part)
            narrow = self.lex.qualified.get(whole, {}).get(name)
            if narrow is not None and narrow != known[-1].part:
                self._part(narrow, element)
                return
        if self.pending and not self.naked and name == "corner":
            self._part(self.lex.bare[name], element)  # "the downturn is seen at the right corner"
            return
        if (
            self.subject
            and self.i
            and (self.kinds[self.i - 1] is Kind.PART or self.prep or self.kinds[self.i - 1] is Kind.SIDE)
            and not (name == "corner" and self._sided_anew())
        ):
            self._narrow(name)
        elif nxt is not Kind.QUAL and (name == "corner" or " " in self._word(element)) and name in self.lex.bare:
            self._part(self.lex.bare[name], element)
        else:
            self.quals.append(name)

    def _narrow(self, name: str) -> None:
        """ "The brows ... at their outer ends", "the mouth corners": the part just passed was meant more narrowly."""
        for subject in self.subject:
            whole = self.lex.whole.get(subject.part, subject.part)
            subject.part = self.lex.qualified.get(whole, {}).get(name, subject.part)
            subject.side = self.side or subject.side
        self.side = None
        for draft in self.group:
            if draft.part and draft.move and draft.at:
                narrow = self.lex.qualified.get(draft.part, {}).get(name)
                found = self._pair(narrow, draft.move) if narrow else None
                if narrow and found is not None:
                    draft.part, draft.units = narrow, found

    def _on_part(self, element: Element) -> None:
        self._part(element.entry.value, element)

    def _part(self, name: str, element: Element) -> None:
        if (
            self.i
            and self.kinds[self.i - 1] is Kind.UNIT
            and self.text[self.els[self.i - 1].end : element.start] in (" ", "-")
        ):
            return  # "a kiss mouth"
        if self._new_subject(element):
            self._end_denial()
        parts = self._qualified(name)
        side, self.side = self.side, None
        prep, self.prep = self.prep, False
        if self.subject and not self.pending and self._owned():
            if side is not None:
                self.subject[-1].side = side
            return  # "the lids of the right eye": the first part is meant
        self.last_part_token = element.token
        self.last_part = (parts[0], side, element)
        if side is None and len(self.subject) == 1 and self.subject[0].part == "face" and not self.closed:
            side = self.subject[0].side
            if side is not None:
                self.subject = []
        if side is None and self.naked and self.subject and self._beside(element) and name in PAIRED_PARTS:
            side = self.subject[-1].side  # "the right lids and cheek"
        found = [Subject(part, side, element.start, element.end) for part in parts]
        if (self.tentative is not None or self.here_only) and prep and not self.pending:
            if self.prep_word not in _IN_PLACE:
                self._drop_tentative()  # "nothing above the nostrils"
                return
            self.here_only = False
            if self._take_nothing(found, element):
                return
        if self.pending and self._take_pending(found, element):
            return
        if self.pending and self.pending[-1].at == self.i - 1:
            self.pending.pop()  # "a clamp-and-tuck face: ..."
        if self.shared and self.separated is not None and self._shares():
            waiting, self.pending = self.pending, list(self.shared)
            if self._take_pending(found, element):
                self.pending = waiting
                return
            self.pending = waiting
        opening = prep and self.prep_word in _IN_PLACE and self._after_separator()
        if opening:
            self.soft, prep = True, False  # "..., and at each end of the mouth"
        of = self.i > 1 and self.kinds[self.i - 1] is Kind.OF and self.kinds[self.i - 2] in _OWNED and bool(self.group)
        of = of or (self._beside(element) and self.adjunct_at == self.i - 2 and bool(self.group))  # "of brow and mouth"
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
        if prep and self.prep_word in _BEYOND and not self.pending:
            self.adjunct, self.adjunct_at = found, self.i
            return  # "above the cheekbones everything moves"
        if self.fresh or self.soft or self.colon or self.located:
            if self.fresh:
                self._start_group()
            self.subject = []
            self.soft = self.colon = False
        self.located = prep or opening
        self.shared = []
        self.subject += found
        self.naked = True
        self.copula = False

    def _take_nothing(self, subjects: list[Subject], element: Element) -> bool:
        """ "nothing happens in the brow region"."""
        copied = Element(Kind.MOVE, Entry(Kind.MOVE, ("any",)), element.start, element.end, element.token)
        made = [self._emit(subject, copied, True, self.i) for subject in subjects]
        self.shared = [Pending(copied, self.i, True)]
        return any(made)

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

    def _take_pending(self, subjects: list[Subject], element: Element) -> bool:
        """Give the movements that waited for a part this one; whether any of them fits it."""
        if self.i and self.kinds[self.i - 1] is Kind.PREP:
            self.pending = [p for p in self.pending if not self._finite_verb(p.element)]
            if self.prep_word not in _IN_PLACE:  # "folds from the raised brows", but "no push from the chin"
                self.pending = [p for p in self.pending if self.prep_word == "from" and p.denied]
        self.pending = [p for p in self.pending if element.token - p.element.token <= _WAITING]
        finite = max((p.at for p in self.pending if self._finite_verb(p.element)), default=-1)
        self.pending = [
            p for p in self.pending if p.at >= finite or not p.element.entry.noun
        ]  # "a gap shows the teeth"
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
                if draft is not None and waiting.level is not None and not draft.units.absent:
                    draft.level, draft.lower = waiting.level, waiting.lower
                    if waiting.lower:
                        draft.negated = False
        self.shared = fitting
        self.pending = []
        self.copula = False
        self.subject = subjects
        self.soft = True
        return True

    def _finite_verb(self, element: Element) -> bool:
        """ "hair falls over the forehead": not a movement of the forehead."""
        return not element.entry.noun and self.text[element.end - 1 : element.end] == "s"
