"""Strengths: which drafts a "slightly" or "level C" belongs to."""

from __future__ import annotations

import re

from fervlm.reasoning.verifier.cursor import NONE, SEPARATING
from fervlm.reasoning.verifier.drafts import Draft
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import Entry, Kind
from fervlm.reasoning.verifier.sides import SideReader

_PAST_LEVEL = frozenset((Kind.LEVEL,))
_PAST_PARTS = frozenset((Kind.QUAL, Kind.SIDE, Kind.PART, Kind.OF))
_PAST_ONE = frozenset((Kind.ONE,))
_PAST_PREP = frozenset((Kind.PREP,))
_PAST_ONE_PREP = frozenset((Kind.ONE, Kind.PREP))
_PAST_QUAL_SIDE = frozenset((Kind.QUAL, Kind.SIDE))
_PAST_SIDES = frozenset((Kind.QUAL, Kind.SIDE, Kind.OF, Kind.NOISE, Kind.PAIRED, Kind.MORE, Kind.EMOTION))
_CLAIMED = frozenset((Kind.MOVE, Kind.UNIT, Kind.AU, Kind.PART))
_FOLLOWED = re.compile(r"[ -]([a-z]+)")
_ORDINAL = re.compile(r"\b(?:first|second|former|latter)(?: (?:is|being|only|one))? $", re.IGNORECASE)
_LOOSE = frozenset(
    (
        "enough", "indeed", "here", "there", "too", "again", "as", "and", "the", "a", "an", "his", "her", "its",
        "their", "this", "these", "it", "than", "even", "au", "aus", "unit", "units", "action", "force", "distance",
        "margin", "way", "degree", "amount", "extent", "level", "intensity", "strength", "kind", "sort",
    )
)  # fmt: skip
"""Words that may follow a strength without being what it is the strength of."""


_ARTICLE = ("a ", "an ", "the ")
_ARTICLES = frozenset(("a", "an", "the"))


class LevelReader(SideReader):
    """Handlers for levels."""

    __slots__ = ()

    def _on_more(self, element: Element) -> None:
        self.more = 0 if self._compared("stronger") else 1

    def _on_less(self, element: Element) -> None:
        self.more = 0 if self._compared("weaker") else -1

    def _compared(self, how: str) -> bool:
        """ "On the right the smile is weaker": there on both sides."""
        last = self.group[-1] if self.copula and self.group else None
        if last is None or last.side not in ("left", "right") or self._next(NONE)[0] not in (None, Kind.BREAK):
            return False
        last.side = "more_left" if (last.side == "left") == (how == "stronger") else "more_right"
        return True

    def _on_level(self, element: Element) -> None:
        value: tuple[int, int] = element.entry.value
        after = self.kinds[self.i + 1] if self.i + 1 < self.count else None
        if after is Kind.MOVE and value == (1, 3) and self.els[self.i + 1].entry.value[0] == "close":
            return  # "gently closed"
        if value[0] == 0:  # "hardly": absent, or no more than a trace
            self.lower, value = True, (value[1] + 1, 5)
        if self.i and self.kinds[self.i - 1] is Kind.THAN:
            return  # "less than clearly"
        if after is Kind.PREP and self._word(element) in ("trace", "traces") and self.group:
            if self._next(_PAST_SIDES, self.i + 2)[0] is Kind.PART:
                return  # "a scrunch of the nose, with traces in the folds beside it"
        if after in (Kind.MORE, Kind.LESS, Kind.ELSE):
            return  # "a little more on the left"
        if self._of_unknown(element) or _ORDINAL.search(self.text[: element.start]):
            return  # "a strong case", "plain breathing"; "the first slight, the second strong"
        if after is Kind.COMMA and self._attributive_level(element):
            self.level = value  # "a strong, toothy smile"
            self.i += 1
            return
        nxt, k = self._next(_PAST_SIDES)
        if nxt is Kind.PREP and self.text[self.els[k].start : self.els[k].end] == "for":
            nxt, k = self._next(_PAST_QUAL_SIDE, k + 1)  # "a D for the brow lowerer"
        if nxt is Kind.PART:
            nxt, _ = self._next(_PAST_PARTS, k + 1)
            forward = nxt is Kind.MOVE or nxt is Kind.UNIT or bool(self.quals)
        elif nxt is Kind.AND and not self.group:
            forward = self._next(_PAST_LEVEL, k + 1)[0] in (Kind.MOVE, Kind.UNIT)
        else:
            forward = nxt in (Kind.MOVE, Kind.UNIT, Kind.AU)
        prev = self.kinds[self.i - 1] if self.i else None
        if nxt is Kind.AU and prev in (Kind.PREP, Kind.OPEN, Kind.AU, Kind.CLOSE):
            forward = False
        if (
            nxt is Kind.MOVE
            and forward
            and self.group
            and self.group[-1].at == self.i - 1
            and not self._move_has_part(k)
        ):
            forward = not self._same_predicate(k)
        if forward:
            self.level = value
            if prev in (Kind.NO,) or (prev is Kind.NOT):
                self.lower = True
            return
        self._level_back(value, prev)

    def _attributive_level(self, element: Element) -> bool:
        """Whether a comma only parts a level from another adjective of the same noun."""
        if self.i + 2 >= self.count or not self.text[: element.start].lower().endswith(_ARTICLE):
            return False
        nxt = self.els[self.i + 2]
        named = nxt.kind is Kind.UNIT or (nxt.kind is Kind.MOVE and (nxt.entry.noun or self._move_has_part(self.i + 2)))
        between = self.text[self.els[self.i + 1].end : nxt.start].lower().split()
        return named and len(between) <= 2 and not _ARTICLES & set(between)

    def _of_unknown(self, element: Element) -> bool:
        """Whether a word of strength stands right before a noun or verb that is not known."""
        k = self.i + 1
        here = k < self.count
        if element.end - element.start < 3 or (here and self.els[k].start - element.end <= 1):
            return False
        if here and self.kinds[k] in _CLAIMED and self.els[k].token - element.token <= 3:
            return False
        found = _FOLLOWED.match(self.text[element.end : self.els[k].start if here else len(self.text)].lower())
        return found is not None and found[1] not in _LOOSE and self.kinds[self.i - 1 : self.i] != [Kind.COP]

    def _same_predicate(self, k: int) -> bool:
        """ "pressed strongly together": the level stands inside one predicate."""
        moves = self.els[k].entry.value
        last = self.group[-1]
        return (
            last.part is not None and self._fits(last.part, moves) and self.els[k].token - self.els[self.i].token <= 2
        )

    def _level_back(self, value: tuple[int, int], prev: Kind | None) -> None:
        open_drafts = [d for d in self.group if d.kind == "au" and d.level is None]
        shared = bool(open_drafts) and open_drafts[-1].side in ("both", "pair", "even")
        if (shared or not open_drafts) and self._other_side(value):
            return
        ends = self._next(NONE)[0]
        alone = ends in (None, Kind.BREAK, Kind.CLOSE) or prev in (Kind.ONE, Kind.SIDE)
        alone = alone or (prev is Kind.PART and ends in SEPARATING)
        if alone and self.naked and self.subject and self.last_move and self._likewise(value):
            return
        if not open_drafts:
            alone = self._next(_PAST_ONE)[0] in (None, Kind.BREAK, Kind.CLOSE)
            if alone and not self.group and self.out and not self.subject and not self.pending:
                if self.out[-1].lower and prev is Kind.BREAK:  # "not slight but strong"
                    self.out[-1].lower, self.out[-1].level = False, value
                    return
                open_drafts = [d for d in self.out if d.kind == "au" and d.level is None and not d.negated][-1:]
            elif self.pending:
                self.pending[-1].level = self.pending[-1].level or value
                return
        if not open_drafts and self.naked and self.subject and self._graded():
            return
        if not open_drafts and not self.group and self._next(NONE)[0] is Kind.COLON:
            self.clause_level = value
            return
        if not open_drafts:
            again = [d for d in self.group if d.kind == "au" and d.level is not None]
            if again and self.i + 1 < self.count and self._word(self.els[self.i + 1]) == "so":
                return  # "and barely so on the outside"
            if again and prev in (Kind.NOT, Kind.NO):
                return  # "slight, not marked"
            if again and again[-1].side in ("more_left", "more_right"):
                return  # "more on the left (C) than on the right (A)"
            if again:
                _narrow_level(again[-1], value)
            return
        denied = prev in (Kind.NOT, Kind.NO) or self.lower
        if prev in (Kind.NOT, Kind.NO) and value[1] <= 2:
            self.closed = True
            return  # "anything but slight": stronger, or not there
        self.lower = False
        if self.paren > 0:
            open_drafts = self._boxed(open_drafts)
        elif Kind.PAIRED in self.kinds[self.i - 2 : self.i] or prev is Kind.ALL:
            pass  # "both C", "each to a mild degree"
        elif self.copula_at < open_drafts[-1].at or not self.copula or self.separated is Kind.COMMA:
            last = open_drafts[-1].at
            open_drafts = [d for d in open_drafts if d.at == last]
        for draft in open_drafts:
            if not draft.negated:  # "the absence of a smile is notable" gives no strength
                draft.level = value
                draft.lower = denied
        self.closed = True

    def _graded(self) -> bool:
        """ "upper lip C, nose B": a part with nothing but a level moves somehow."""
        element = self.els[min(self.i, self.count - 1)]
        if element.end - element.start != 1 or self._next(NONE)[0] not in (None, *SEPARATING):
            return False
        level = element.entry.value
        copied = Element(Kind.MOVE, Entry(Kind.MOVE, ("any",)), element.start, element.end, element.token)
        for subject in self.subject:
            draft = self._emit(subject, copied, False, self.i)
            if draft is not None:
                draft.level = level
        self.closed = True
        return True

    def _likewise(self, value: tuple[int, int]) -> bool:
        """ "the brows are slightly raised, the lids strongly": the movement is the one before."""
        element = self.els[min(self.i, self.count - 1)]
        copied = Element(Kind.MOVE, Entry(Kind.MOVE, self.last_move), element.start, element.end, element.token)
        made = [self._emit(subject, copied, self.denying, self.i) for subject in self.subject]
        for draft in made:
            if draft is not None:
                draft.level, draft.lower = value, self.lower
        self.lower = False
        self.closed = True
        return any(made)

    def _other_side(self, value: tuple[int, int]) -> bool:
        """ "strong on the right, slight on the left": the second strength is that of the other side."""
        nxt, k = self._next(_PAST_ONE_PREP)
        last = next((d for d in reversed(self.group) if d.kind == "au"), None)
        if nxt is not Kind.SIDE or last is None or last.side not in ("left", "right", "both", "pair", "even"):
            return False
        side = self.els[k].entry.value
        if side == last.side or side not in ("left", "right"):
            return False
        other = Draft("au", last.units, last.start, last.end, last.negated)
        other.side, other.level, other.part, other.move, other.at = side, value, last.part, last.move, self.i
        other.paired = True
        last.paired = last.side in ("left", "right")
        self._append(other)
        self.i = k
        self.closed = True
        return True

    def _flush_level(self) -> None:
        if self.level is not None:
            value, self.level = self.level, None
            self.lower = False
            if self.group:
                self._level_back(value, None)


def _narrow_level(draft: Draft, value: tuple[int, int]) -> None:
    """A second strength for the same movement: both must hold."""
    assert draft.level is not None
    if draft.lower:  # "not marked, only slight"
        draft.lower, draft.level = False, value
        return
    draft.level = (max(draft.level[0], value[0]), min(draft.level[1], value[1]))
