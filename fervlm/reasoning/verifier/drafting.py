"""From a part and a movement to a draft, and how drafts of one part give way to each other."""

from __future__ import annotations

from fervlm.reasoning.verifier.cursor import SEPARATING
from fervlm.reasoning.verifier.drafts import NOTHING, Draft, Subject
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import AUSet, Entry, Kind
from fervlm.reasoning.verifier.lookahead import Lookahead

_COUNTERPARTS = {"ibrow": "obrow", "obrow": "ibrow"}
_WIDE = {"stretch", "open"}


class Drafter(Lookahead):
    """Makes drafts."""

    __slots__ = ()

    def _drop_tentative(self) -> None:
        if self.tentative is not None and self.tentative in self.out:
            self.out.remove(self.tentative)
        self.tentative = None

    def _emit(self, subject: Subject, element: Element, denied: bool, at: int) -> Draft | None:
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
        if found.absent and denied and moves[0] == "squeezed":
            found, denied = AUSet((24,)), True  # "not pressed shut"
        draft = Draft("au", found, start, end, denied != found.absent)
        draft.part, draft.move, draft.at, draft.side = subject.part, moves, at, subject.side
        if self.copula and self.group and found.absent and not denied:
            self._drop_named(draft)
        weak = moves[0] in self.lex.weak or found.yields
        if self._superseded(draft, weak):
            return None
        joined = self._merged(draft)
        if joined is not None:
            return joined
        draft.weak = weak
        self.last_move = moves
        kept = self._append(draft)
        if self.only_at >= 0 and not draft.negated and subject.part in _COUNTERPARTS:
            self._exclude(draft, _COUNTERPARTS[subject.part])
        return kept

    def _exclude(self, draft: Draft, part: str) -> None:
        """ "Only the inner brow goes up": the outer one does not."""
        found = self._pair(part, draft.move)
        if found is not None and not found.absent and set(found.aus).isdisjoint(draft.units.aus):
            other = Draft("au", found, draft.start, draft.end, True)
            other.part, other.move, other.at, other.side = part, draft.move, draft.at, draft.side
            self._append(other)
        self.only_at = -1

    def _drop_named(self, draft: Draft) -> None:
        """ "The gap between the lips is closed": what the predicate says of the thing named counts."""
        last = self.group[-1]
        same = last.part == draft.part and last.units.aus == draft.units.aus and last.chunk == self.chunk
        if same and self.soft and not last.units.absent and not last.negated:
            self.group.remove(last)
            self.out.remove(last)

    def _neutral(self, element: Element, denied: bool) -> Draft:
        if self.rest and not denied:  # "the rest is neutral"
            return self._append(Draft("rest", NOTHING, element.start, element.end, True))
        draft = Draft("label", NOTHING, element.start, element.end, denied)
        draft.label, draft.at = "neutral", self.i
        return self._append(draft)

    def _superseded(self, draft: Draft, weak: bool) -> bool:
        """Drop "pulled" where the same part has a direction; whether `draft` itself is to be dropped."""
        for other in reversed(self.group):
            if other.part != draft.part or other.side != draft.side:
                continue
            if other.chunk != self.chunk and not draft.units.yields:
                continue
            if other.weak and not weak:
                draft.level, draft.lower = other.level, other.lower
                denied = other.negated != other.units.absent or draft.negated != draft.units.absent
                draft.negated = denied != draft.units.absent
                self.group.remove(other)
                self.out.remove(other)
                return False
            if weak and not other.weak:
                return True
        return False

    def _merged(self, draft: Draft) -> Draft | None:
        """ "drawn out horizontally": two words for one movement; what either of them means will do."""
        for other in reversed(self.group):
            if other.part != draft.part or other.side != draft.side or other.at >= draft.at or other.kind != "au":
                continue
            between = self.kinds[other.at : draft.at]
            if Kind.PREP in between and draft.at - other.at > 2:
                return None  # "a flared ring around a small opening"
            if Kind.PART in between or Kind.NOR in between or not SEPARATING.isdisjoint(between) or draft.at != self.i:
                return None
            mine, new = other.units, draft.units
            together = self._pair(draft.part or "", ("wideopen",)) if {other.move[0], draft.move[0]} == _WIDE else None
            if together is not None:
                other.units, other.end = together, max(other.end, draft.end)
                return other  # "stretched strongly open"
            if mine.absent or new.absent or other.negated != draft.negated:
                return None
            if other.negated:
                aus = tuple(au for au in mine.aus if au in new.aus) or mine.aus
                other.units = mine._replace(aus=aus)
            else:
                extra = tuple(au for au in new.aus if au not in mine.aus)
                other.units = mine._replace(aus=mine.aus + extra, also=mine.also + new.also, either=True)
            other.end = max(other.end, draft.end)
            return other
        return None

    def _still(self) -> None:
        element = self.els[self.i]
        copied = Element(Kind.MOVE, Entry(Kind.MOVE, ("still",)), element.start, element.end, element.token)
        for subject in self.subject:
            self._emit(subject, copied, False, self.i)
        self.closed = True

    def _unknown_parts(self) -> None:
        for subject in self.subject:
            region = self.lex.regions.get(subject.part)
            if region is not None:
                draft = Draft("quality", region, subject.start, subject.end, False)
                draft.part = subject.part
                self._append(draft)
