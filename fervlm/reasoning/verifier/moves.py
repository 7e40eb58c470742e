"""Movements: whose they are, and what may be said with them."""

from __future__ import annotations

import re

from fervlm.reasoning.verifier.cursor import NONE
from fervlm.reasoning.verifier.drafts import NOTHING, Draft, Pending, Subject
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import Entry, Kind
from fervlm.reasoning.verifier.units import UnitReader

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
_DIRECTIONS = frozenset(
    ("together", "up", "down", "back", "apart", "out", "forward", "inward", "outward", "upward", "downward")
)
_IS_STILL = frozenset(
    (Kind.COMMA, Kind.BREAK, Kind.AND, Kind.OR, Kind.NOR, Kind.OPEN, Kind.CLOSE, Kind.PREP, Kind.WITH)
)
"""After "still" as a state; before anything else it is an adverb."""
_UNITS = frozenset((Kind.AU, Kind.UNIT))
_IT = re.compile(r" (?:it|them)\b")
_ARTICLES = frozenset(("the", "his", "her", "their", "its", "both", "a"))
_NOT_STATED = frozenset((Kind.OF, Kind.PREP, Kind.WITH))
_BEFORE_VERB = frozenset((Kind.AND, Kind.NOT, Kind.NOR))
_JOINED = frozenset((Kind.COMMA, Kind.AND, Kind.OR))
_LISTING = frozenset((Kind.AND, Kind.COMMA, Kind.PART, Kind.QUAL, Kind.SIDE, Kind.ALL))
_PAST_OWNERS = frozenset((Kind.SIDE, Kind.QUAL, Kind.POSSESSIVE))
_PAST_ONLY = (Kind.LEVEL, Kind.ONLY, Kind.ALL, Kind.COP, Kind.HEDGE)


class MoveReader(UnitReader):
    """Handlers for movements."""

    def _on_move(self, element: Element) -> None:
        entry = element.entry
        moves: tuple[str, ...] = entry.value
        if self.denying and not self.pending and self._new_subject(element):
            self._end_denial()  # "instead of lip tightening we find a widening of the eyes"
        if self.i and self.kinds[self.i - 1] in (Kind.UNIT, Kind.AU) and self._compound(element, named=True):
            if self.text[element.start : element.end].lower() in _ACTIONS:
                return  # "frontalis contraction"
        if moves[0] == "still" and self._word(element) == "still" and self._is_adverb(element):
            return  # "still parted"
        if moves[0] == "still" and self.i and self.kinds[self.i - 1] is Kind.LEVEL and self._word(element)[:3] == "as ":
            return  # "slight as it is"
        if "still" in moves and not self.naked and self._word(element) in ("as they are", "as it is"):
            return  # "raised as they are", "as it is, ..."
        if "still" in moves and Kind.THAN in self.kinds[max(0, self.i - 3) : self.i]:
            return  # "higher than at rest"
        if self.i and self.kinds[self.i - 1] in _UNITS and self._word(element) == "together":
            return  # "the eyes and the mouth smile together"
        if moves[0] == "straight" and self.i + 1 < self.count and self.kinds[self.i + 1] is Kind.MOVE:
            return  # "straight back"
        if self.prep and self.prep_word == "to" and _IT.match(self.text, element.end):
            return  # "no tension in the lower one to reduce it"
        if self.kinds[self.i + 1 : self.i + 3] == [Kind.NO, Kind.PART] and entry.unit is not None:
            if self._fits(self.els[self.i + 2].entry.value, moves):
                self._wait(element)  # "... and dimples no cheek"
                return
        if moves == ("any",) and self.kinds[self.i + 1 : self.i + 2] == [Kind.NO] and not self.denying:
            if self._word(self.els[self.i + 1]) == "neither":
                return  # "have moved neither up nor down"
        if moves == ("any",) and self.prep and not self.denying:
            return  # "absent from the movement"
        if moves[0] == "any" and self.deny_word == "neither" and self.kinds[self.i - 1] is Kind.NO:
            self.denying = False
            return  # "neither movement takes away from happiness"
        if moves[0] == "any" and not self.denying and not self.naked and not self.copula and self.subject:
            return  # "the tongue shows, and one more movement"
        if moves[0] == "any" and self._located(_UNITS):
            self._wait(element)
            return
        fitting = self._takers(element, entry)
        ahead = None if fitting and self._compound(element) else self._part_ahead()
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

    def _none_waits(self) -> bool:
        """Whether no movement waits for a part but such as say no direction ("they don't curl up")."""
        return all(p.element.entry.value == ("pull",) for p in self.pending)

    def _has_object(self, part: int) -> bool:
        """Whether the part ahead is the object of another verb: "... and push the cheeks"."""
        if Kind.AND not in self.kinds[self.i + 1 : part] or self.kinds[part - 1] is not Kind.MOVE:
            return False
        between = self.text[self.els[part - 1].end : self.els[part].start].lower()
        return between.strip() in _ARTICLES

    def _attributive_move(self, element: Element) -> bool:
        """ "... which makes the strongly lowered brows stand out": it stands between an article and its part."""
        first = self.els[self.i - 1] if self.i and self.kinds[self.i - 1] is Kind.LEVEL else element
        return self.text[: first.start].lower().endswith((" the ", " his ", " her ", " their "))

    def _introduced(self) -> bool:
        """ "Besides a smile there is only a raised chin"."""
        k = self.i - 1
        while k > 0 and self.kinds[k] in _PAST_ONLY:
            k -= 1
        return self.kinds[k] is Kind.PRED and self._word(self.els[k]) == "there"

    def _narrowed(self, subjects: list[Subject]) -> list[Subject]:
        """ "the brows ...; the outer raise": a qualifier without a part is of the part before."""
        if not self.quals or self.kinds[self.i - 1] is not Kind.QUAL:
            return subjects
        name, made = self.quals[-1], []
        for subject in subjects:
            whole = self.lex.whole.get(subject.part, subject.part)
            narrow = self.lex.qualified.get(whole, {}).get(name)
            made.append(Subject(narrow, subject.side, subject.start, subject.end) if narrow else subject)
        self.quals = []
        return made

    def _followed(self) -> tuple[str, ...]:
        """The movement that "the outer ends do not follow": the first of the same part, else the last of all."""
        whole = {self.lex.whole.get(s.part, s.part) for s in self.subject}
        for draft in self.out:
            if draft.part is not None and draft.move and self.lex.whole.get(draft.part, draft.part) in whole:
                return draft.move
        fits = any(self._fits(s.part, self.last_move) for s in self.subject)
        return self.last_move if fits else ("any",)  # "a smile, and the cheeks follow"

    def _clause_end(self, other: Kind = Kind.BREAK) -> int:
        """Index of the break, or element of the kind `other`, that ends the clause."""
        return next((k for k in range(self.i, self.count) if self.kinds[k] in (Kind.BREAK, other)), self.count)

    def _is_adverb(self, element: Element) -> bool:
        nxt, k = self._next(NONE)
        if nxt is Kind.PART and self.text[: element.start].lower().endswith((" a ", "otherwise ")):
            return False  # "otherwise a still face"
        stop = self.els[k].start if k < self.count else len(self.text)
        return (nxt is not None and nxt not in _IS_STILL) or bool(self.text[element.end : stop].strip(" \"'"))

    def _takers(self, element: Element, entry: Entry) -> list[Subject]:
        """The named parts that this movement may be of."""
        if self.adjunct and self.adjunct_at == self.i - 1:  # "over cheeks at rest"
            found = [s for s in self.adjunct if self._fits(s.part, entry.value)]
            if found:
                return found
        if entry.noun and self.fresh and self.kinds[self.i - 1] not in _BEFORE_VERB and not self._compound(element):
            return []  # "jaw drop on, stretch off"
        verb = self.closed and self.kinds[self.i - 1] is Kind.AND and not self._word(element).endswith("ing")
        if (
            entry.noun
            and (
                not self.naked or self.kinds[self.i - 1] is Kind.NO or self.kinds[self.i + 1 : self.i + 2] == [Kind.OF]
            )
            and not verb
            and (entry.unit is not None or self._placed_part(self.i, entry.value))
        ):
            return []  # "an upper lip raise, dimpling and a tuck at the lip corner"
        found = [s for s in self.subject if self._fits(s.part, entry.value)]
        if found and len(found) > 1 and entry.noun and self._compound(element) and not self._listed(found):
            found = [s for s in found if s.start == found[-1].start]
        return found

    def _listed(self, subjects: list[Subject]) -> bool:
        """Whether only "and" and the like stand between the parts: "cheeks and lip corners rise"."""
        between = [k for k, e in enumerate(self.els[: self.i]) if subjects[0].end <= e.start < subjects[-1].start]
        return all(self.kinds[k] in _LISTING for k in between)

    def _compound(self, element: Element, *, named: bool = False) -> bool:
        """ "chin raising": the part stands right before the movement."""
        before = self.els[self.i - 1]
        return (named or before.kind in (Kind.PART, Kind.QUAL)) and self.text[before.end : element.start].strip(
            " -"
        ) == ""

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
        if self.i + 1 < self.count and self.kinds[self.i + 1] is Kind.MOVE and self.els[self.i + 1].entry.noun:
            if self.els[self.i + 1].token - element.token == 1 and self._placed_part(self.i + 1, element.entry.value):
                return False  # "a downward pull at the corners"
        return self.text[element.start : element.end].lower() in _DIRECTIONS

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
