"""Colons and parentheses: what heads a list, what is remarked."""

from __future__ import annotations

import re

from fervlm.reasoning.verifier.cursor import CLAIMING
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import Kind
from fervlm.reasoning.verifier.labelling import LabelReader

_WORD = re.compile(r"[a-z]{3}", re.IGNORECASE)
_ABOUT = frozenset((Kind.PERSON, Kind.POSSESSIVE, Kind.EMOTION, Kind.NOISE, Kind.HEDGE))
_PARTICIPLE = re.compile(r" [a-z]+ed ?", re.IGNORECASE)


class ColonReader(LabelReader):
    """Handlers for colons and parentheses."""

    __slots__ = ()

    def _on_open(self, element: Element) -> None:
        if self.level is not None:
            self._flush_level()
        self.prep = False
        if self.adjunct and self.adjunct_at == self.i - 1:
            self.subject = self.adjunct  # "over the malar region (slightly superior)"
        self.paren = len(self.group)
        if self.denying and self.denied_first is None:
            self.listing = True  # "none of the usual company (oblique brows, raised chin)"

    def _on_close(self, element: Element) -> None:
        if self.level is not None:
            self._flush_level()
        self.paren = -1

    def _on_colon(self, element: Element) -> None:
        self._flush_level()
        if len(self.subject) == 1 and self.subject[0].part == "face" and self.subject[0].side:
            self.clause_side = self.subject[0].side  # "movement is limited to the left half of the face: ..."
        if self.hypothetical and not any(kind in CLAIMING for kind in self.kinds[self.hyp_at : self.i]):
            self.hypothetical = False  # "if one word is wanted: ..."
        more = self.kinds[self.i - 1] in _ABOUT or _WORD.search(self.text[self.els[self.i - 1].end : element.start])
        if self.naked and more and self._named_anew():
            self.subject, self.naked = [], False  # "mouth and brow tell different stories: ..."
        self.against = self.against and self.kinds[self.i - 1] is Kind.AGAINST
        if len(self.group) == 1 and self.group[0].kind == "all" and self.group[0].part is None:  # "AUs absent: 4, 15"
            heading = self.group.pop()
            if heading in self.out:
                self.out.remove(heading)
            self.denying, self.denied_first, self.deny_verb = heading.negated, None, False
            self.listing = heading.negated
            self._start_group()
        elif self.denying and not self.group and self.pending and all(p.denied for p in self.pending):
            self.denying = False  # "not sideways, not down: the corners go up"
        elif self._heads_list():  # "inactive: 4, 15"
            self._deny()
            self.listing, self.pending = True, []
        elif self.denying:
            named = any(kind in CLAIMING for kind in self.kinds[self.deny_at : self.i])
            between = self.text[self.els[self.i - 1].end : element.start]
            heads = self.deny_at == self.i - 1 and _PARTICIPLE.fullmatch(between) is not None  # "not assigned: 4, 15"
            named = named or (bool(between.strip()) and not heads)
            said = self.text[self.els[self.deny_at].end : element.start] if self.deny_at < self.i else ""
            named = named or len(_WORD.findall(said)) > 3
            if named or self.denied_first is not None:
                self.denying = False
                self._start_group()
            else:
                self.listing = True
        if self.pending and self.text[self.els[self.i - 1].end : element.start].strip():
            self.pending = []  # "press photo: ..."
        self.pending = [p for p in self.pending if p.element.entry.value[0] not in self.lex.weak]
        self.copula, self.copula_at = True, self.i
        self.colon = True

    def _named_anew(self) -> bool:
        """Whether a part follows before the clause ends."""
        rest = self.kinds[self.i + 1 : self._clause_end()]
        return Kind.PART in rest or Kind.QUAL in rest

    def _heads_list(self) -> bool:
        """Whether all that stands before the colon at hand is a word for rest."""
        if self.group or self.subject or len(self.pending) != 1 or self.denying:
            return False
        waiting = self.pending[0]
        return waiting.at == self.i - 1 and waiting.element.entry.value[0] == "still" and self.i + 1 < self.count
