"""Elements to drafts: one left-to-right pass that pairs parts with movements and settles who denies what."""

from __future__ import annotations

from collections.abc import Callable

from fervlm.reasoning.verifier.drafts import Draft
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.flow import FlowReader
from fervlm.reasoning.verifier.kinds import AUSet, Kind

_AIMED: dict[str, dict[tuple[int, ...], tuple[int, int]]] = {
    "head": {(51, 52): (51, 52), (55, 56): (55, 56)},
    "gaze": {(61, 62): (61, 62), (61, 62, 63, 64): (61, 62)},
    "eye": {(61, 62): (61, 62), (61, 62, 63, 64): (61, 62)},
}
"""Movements whose side is their direction: (left, right) AUs."""


_WHOLE = frozenset(("all", "rest"))
_JOINT = frozenset((Kind.AND, Kind.OR, Kind.COMMA, Kind.LEVEL, Kind.HEDGE, Kind.EMOTION))


class ClauseReader(FlowReader):
    """Reads one sentence. Use once: `ClauseReader(text, found).run()`."""

    __slots__ = ()

    def run(self) -> list[Draft]:
        """The drafts, in the order of the sentence."""
        els, past = self.els, -1
        for i, handler in enumerate(map(_HANDLERS.__getitem__, self.kinds)):
            if handler is not None and i > past:
                self.i = i
                handler(self, els[i])
                past = self.i  # it may have gone on further
        self.i = max(self.count, past + 1)
        self._end_clause()
        if self.text.endswith("?") and self.out:
            self.out = [d for d in self.out if d.kind == "label"]  # a question asserts nothing
        if self.excepted:
            self._except()
        elif self.measured:
            for draft in self.out:
                if self._is_region(draft):
                    draft.kind = "all"
        sided = [d for d in self.out if d.side is not None]
        if sided:
            self._settle_sides(sided)
        return [d for d in self.out if d.negated or d.kind not in _WHOLE]

    def _settle_sides(self, drafts: list[Draft]) -> None:
        """What looks or turns to a side, and "L7C, R7A": each side of one unit with a strength of its own."""
        for draft in drafts:
            if draft.part in _AIMED and draft.side in ("left", "right") and draft.units.aus:
                self._aim(draft)
        sided = [d for d in drafts if d.side in ("left", "right") and not d.negated and d.kind == "au"]
        for draft in sided:
            if any(d.units.aus == draft.units.aus and d.side != draft.side for d in sided):
                draft.paired = True

    def _aim(self, draft: Draft) -> None:
        """ "the head is tilted to the left" is an AU of its own."""
        left, right = _AIMED[draft.part or ""].get(draft.units.aus, (0, 0))
        if left:
            draft.units = AUSet((left if draft.side == "left" else right,))
            draft.side = None

    def _end_clause(self) -> None:
        if self.denying:
            self._deny_parts()
        if self.level is not None:
            self._flush_level()
        if self.likened >= 0:
            self._end_simile()
        if self.unknown and self.subject and self.naked:
            self._unknown_parts()
        if len(self.out) > self.clause:
            self._settle(self.out[self.clause :])
        if self.subject:
            self.earlier = self.subject
        self.clause, self.clause_at = len(self.out), self.i
        self.clauses += 1
        self.chunk += 1
        if self.i < self.count:
            self._reset()

    def _rank(self, labels: list[Draft]) -> None:
        """Which labels are alternatives: those after the word for it, else the last before it with its list."""
        after = [d for d in labels if d.at > self.rival_at]
        if self.weakened or not labels:
            after = labels
        elif not after:
            after = labels[-1:]
            for draft in reversed(labels[:-1]):
                if not _JOINT.issuperset(self.kinds[draft.at + 1 : after[0].at]):
                    break
                after.insert(0, draft)
        for draft in after:
            draft.rival = True

    def _labelled(self, drafts: list[Draft]) -> bool:
        """Whether the clause says something of its labels."""
        if self.rival or self.typical or self.attributed:
            return True
        return bool([d for d in drafts if d.kind == "label" and (d.typical or d.attributed)])

    def _settle(self, drafts: list[Draft]) -> None:
        """Give the clause's drafts what is said of the clause as a whole."""
        if self.hypothetical:
            self.out[self.clause :] = [d for d in drafts if not d.unreal]
            return
        if self.generic and self.label_first:  # "anger usually involves AU4 and AU7"
            self.out[self.clause :] = [d for d in drafts if d.kind == "label"]
            return
        real = [d for d in drafts if not d.unreal]
        if len(real) < len(drafts):
            self.out[self.clause :] = drafts = real
        side, hedge = self.clause_side, self.hedge
        if side is None and not hedge and self.clause_level is None and not self._labelled(drafts):
            return
        for draft in drafts:
            if hedge:
                draft.hedged = True
            if side is not None and draft.side is None and draft.kind == "au":
                draft.side = side
            if self.clause_level is not None and draft.level is None and draft.kind == "au" and not draft.negated:
                draft.level = self.clause_level
            if draft.kind == "label":
                draft.typical = self.typical
                draft.attributed = self.attributed
        if self.rival:
            self._rank([d for d in drafts if d.kind == "label"])


_BY_KIND: dict[Kind, Callable[[ClauseReader, Element], None]] = {
    Kind.QUAL: ClauseReader._on_qual,
    Kind.PART: ClauseReader._on_part,
    Kind.MOVE: ClauseReader._on_move,
    Kind.UNIT: ClauseReader._on_unit,
    Kind.AU: ClauseReader._on_au,
    Kind.SIDE: ClauseReader._on_side,
    Kind.PAIRED: ClauseReader._on_paired,
    Kind.LEVEL: ClauseReader._on_level,
    Kind.NO: ClauseReader._on_no,
    Kind.NOT: ClauseReader._on_not,
    Kind.NOR: ClauseReader._on_nor,
    Kind.GONE: ClauseReader._on_gone,
    Kind.PRED: ClauseReader._on_pred,
    Kind.ACT: ClauseReader._on_act,
    Kind.UNKNOWN: ClauseReader._on_unknown,
    Kind.COP: ClauseReader._on_copula,
    Kind.COLON: ClauseReader._on_colon,
    Kind.PREP: ClauseReader._on_prep,
    Kind.AND: ClauseReader._on_separator,
    Kind.OR: ClauseReader._on_separator,
    Kind.COMMA: ClauseReader._on_separator,
    Kind.OPEN: ClauseReader._on_open,
    Kind.CLOSE: ClauseReader._on_close,
    Kind.RELATIVE: ClauseReader._on_relative,
    Kind.BREAK: ClauseReader._on_break,
    Kind.WITH: ClauseReader._on_with,
    Kind.ONE: ClauseReader._on_one,
    Kind.WHETHER: ClauseReader._on_whether,
    Kind.EXCEPT: ClauseReader._on_except,
    Kind.SOLE: ClauseReader._on_sole,
    Kind.ABOUT: ClauseReader._on_about,
    Kind.TYPICAL: ClauseReader._on_typical,
    Kind.ATTRIBUTED: ClauseReader._on_attributed,
    Kind.MEAS: ClauseReader._on_measured,
    Kind.SIMILE: ClauseReader._on_simile,
    Kind.HEDGE: ClauseReader._on_hedge,
    Kind.HYP: ClauseReader._on_hypothetical,
    Kind.GENERIC: ClauseReader._on_generic,
    Kind.MORE: ClauseReader._on_more,
    Kind.LESS: ClauseReader._on_less,
    Kind.ONLY: ClauseReader._on_only,
    Kind.ELSE: ClauseReader._on_else,
    Kind.UNITS: ClauseReader._on_units,
    Kind.NOTHING: ClauseReader._on_nothing,
    Kind.PLUS: ClauseReader._on_plus,
    Kind.MINUS: ClauseReader._on_minus,
    Kind.EMOTION: ClauseReader._on_emotion,
    Kind.AGAINST: ClauseReader._on_against,
    Kind.WEAK: ClauseReader._on_weak,
    Kind.RIVAL: ClauseReader._on_rival,
    Kind.THAN: ClauseReader._on_than,
}
_HANDLERS = [_BY_KIND.get(kind) for kind in Kind]
