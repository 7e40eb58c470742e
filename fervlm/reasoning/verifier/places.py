"""What stands around a part: whether it begins something new, shares a movement or only says whose a part is."""

from __future__ import annotations

import re

from fervlm.reasoning.verifier.cursor import SEPARATING
from fervlm.reasoning.verifier.drafting import Drafter
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import Kind

_LISTED = frozenset((Kind.AND, Kind.OR, Kind.COMMA, Kind.NOR))
_PAST_PLACE = frozenset((Kind.SIDE, Kind.POSSESSIVE, Kind.PAIRED, Kind.ALL, Kind.PREP, Kind.QUAL))
_PAST_OWNER = frozenset((Kind.SIDE, Kind.POSSESSIVE, Kind.PAIRED))
_AFTER_ELIDED = frozenset((Kind.LEVEL, Kind.ONLY, Kind.COP, Kind.NOT, Kind.BREAK, Kind.COMMA))
_OWNING = (" the ", " their ", " its ", " his ", " her ")
_LETTERS = re.compile(r"[A-Za-z]")


class PartAhead(Drafter):
    """Questions about the part at hand."""

    __slots__ = ()

    def _sided_anew(self) -> bool:
        """ "The left corner is raised, the right corner tucked in"."""
        before = self.els[self.i - 1]
        whole = self.lex.whole.get(self.subject[-1].part, self.subject[-1].part) if self.subject else ""
        anew = self.closed or not self.naked or "corner" not in self.lex.qualified.get(whole, {})
        return before.entry.value == "opposite" or (
            before.kind is Kind.SIDE and self.kinds[self.i - 2] in _LISTED and self.i > 1 and anew
        )

    def _elided(self, element: Element) -> bool:
        """Whether "the outer" stands for "the outer one"."""
        if not self.i or not self.text[: element.start].lower().endswith(_OWNING):
            return False
        owned = self.i > 1 and self.kinds[self.i - 1] is Kind.POSSESSIVE  # ", their tails are not"
        if self.kinds[self.i - 1 - owned] not in SEPARATING or element.token - self.els[self.i - 1].token > 3:
            return False
        k = self.i + 1
        if k >= self.count:
            return True
        still = self.kinds[k] is Kind.MOVE and "still" in self.els[k].entry.value
        stated = still or self.kinds[k] in _AFTER_ELIDED
        return stated and not _LETTERS.search(self.text[element.end : self.els[k].start])

    def _shares(self) -> bool:
        """Whether the part shares the movement before: "raised brows and lids", not "raised brows, a chin"."""
        named = all(p.element.entry.noun for p in self.shared)  # "a raise of the brows and the lids"
        k = self.i - 1
        while k > 0 and self.kinds[k] in _PAST_PLACE:
            k -= 1
        bare = self.els[k].kind in _LISTED and self.els[k + 1].token == self.els[k].token + 1
        ored = self.els[k].kind is Kind.OR and all(p.denied for p in self.shared)  # "nothing about the nose or the lip"
        return (named or bare or ored) and not self._own_predicate()

    def _beside(self, element: Element) -> bool:
        """Whether only "and" stands before the part at hand, without an article."""
        return self.i > 1 and self.kinds[self.i - 1] is Kind.AND and self.els[self.i - 1].token == element.token - 1

    def _after_separator(self) -> bool:
        """Whether a place opens a member of a list: "..., and at each end of the mouth"."""
        k = self.i - 1
        while k > 0 and self.kinds[k] in _PAST_PLACE:
            k -= 1
        return k > 0 and self.kinds[k] in (Kind.AND, Kind.COMMA) and not self.shared

    def _owned(self) -> bool:
        """Whether the part at hand is only whose the part before is."""
        k = self.i - 1
        while k > 0 and self.kinds[k] in _PAST_OWNER:
            k -= 1
        return k > 0 and self.kinds[k] is Kind.OF and self.kinds[k - 1] is Kind.PART
