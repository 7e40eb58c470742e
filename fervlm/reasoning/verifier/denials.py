"""What denies: no, not, neither ... nor, absent, and what was not measured."""

from __future__ import annotations

import re

from fervlm.reasoning.verifier.absences import AbsenceReader
from fervlm.reasoning.verifier.cursor import NONE, SEPARATING
from fervlm.reasoning.verifier.drafts import NOTHING, Draft
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.inflection import SKIPPED
from fervlm.reasoning.verifier.kinds import Entry, Kind

_CLAIMING = frozenset((Kind.MOVE, Kind.UNIT, Kind.AU, Kind.PART, Kind.QUAL))

_WORDS = re.compile(r"[a-z]+")
_FILLING = frozenset(
    (
        "really", "at", "there", "that", "here", "very", "much", "whatsoever", "whatever", "new", "special", "to", "it",
        "going", "on", "goes", "happening", "doing", "wrong", "particular", "worth", "mentioning", "remarkable",
        "noteworthy", "done", "can", "could", "be",
    )
)  # fmt: skip
_ENDING = (None, Kind.BREAK, Kind.COMMA, Kind.CLOSE, Kind.COLON)
_OFTEN = frozenset(("often", "usually", "typically", "commonly", "generally", "normally", "sometimes"))
_TURNS = frozenset((Kind.BREAK, Kind.COMMA))
_PAST_OWNERS = frozenset((Kind.QUAL, Kind.SIDE, Kind.POSSESSIVE, Kind.PAIRED))
_HERE = frozenset(
    ("made", "formed", "given", "here", "today", "now", "in", "this", "case", "picture", "face", "at", "all")
)
_SPEAKERS = re.compile(r"\b(?:i|we|one|you)\b", re.IGNORECASE)
_SPEAKER = re.compile(r"\b(?:i|we|one|you) $", re.IGNORECASE)
_PAST_ADVERBS = frozenset((Kind.HEDGE, Kind.ALL, Kind.COP, Kind.MORE, Kind.NOISE))
_PAST_PREP = frozenset((Kind.PREP,))
_PAST_QUAL_ONE = frozenset((Kind.QUAL, Kind.ONE))
_PAST_SIDE_QUAL = frozenset((Kind.SIDE, Kind.QUAL))


class DenialReader(AbsenceReader):
    """Handlers for negations, absences and unknowns."""

    __slots__ = ()

    def _on_no(self, element: Element) -> None:
        self._flush_level()
        self.deny_word = self._word(element)
        if self.deny_word.startswith("no ") and self.deny_word.endswith(("from", "by", "of")):
            self.deny_word = "no help from"
        if self._deny_before() or self._none_of_it(element):
            return
        if self.excepted and self._word(element) == "none" and self._next(NONE)[0] in (None, Kind.BREAK):
            self.out.append(Draft("rest", NOTHING, element.start, element.end, True))  # "apart from AU12, none"
            return
        nxt, k = self._next(_PAST_PREP)
        if not self.group and self.out and nxt in (None, Kind.BREAK) and self.kinds[self.i - 1] is Kind.BREAK:
            if self._strange(element):
                return
            for draft in self.out:  # "AU10 was considered, but no"
                draft.negated = draft.negated != (draft.at == self.out[-1].at)
            return
        if self.group and nxt in (None, Kind.BREAK) and self.kinds[self.i - 1] is Kind.COMMA:
            for draft in self.group:  # "teeth visible, no"
                draft.negated = draft.negated != (draft.at == self.group[-1].at)
            return
        if self.group and not self.fresh:
            if nxt is Kind.SIDE and self._not_there(k):
                return
            if nxt is Kind.SIDE:  # "neither on the left nor on the right"
                self.copula = self.no_side = True
                self._flip()
                return
            if nxt is Kind.LEVEL and self._next(NONE, k + 1)[0] in (None, *SEPARATING):
                return  # "anything but strong"
        if self.group and self._next(NONE)[0] in _ENDING and self._strange(element):
            return  # "and I see no competitor"
        if self.group and self._next(NONE)[0] in _ENDING and not self.fresh:
            self.copula = True
            if self.group[-1].kind == "label":  # "happiness has none"
                self.group[-1].negated = True
            else:
                self._flip()  # "nose wrinkling: none"
            self.closed = True
            return
        if self.deny_word == "none" and self.last_move and self._next(NONE)[0] is Kind.PREP and self.group:
            k = self.i + 1  # "arching at the outer ends and none at the inner ends"
            told = Element(
                Kind.MOVE, Entry(Kind.MOVE, self.last_move, None, True), element.start, element.end, element[4]
            )
            if self._next(_PAST_OWNERS, k + 1)[0] is Kind.PART or self.kinds[k + 1 : k + 2] == [Kind.QUAL]:
                self._start_group()
                self._deny()
                self.deny_word = "none"
                self._wait(told)
                return
        shown = self.copula or (self.i > 0 and self.kinds[self.i - 1] is Kind.MOVE)
        other = (
            self.naked and bool(self.subject) and self.subject[-1].part == "face"
        )  # "..., the face shows no movement"
        self.denied_group = self.group if shown and not (self.closed or self.fresh or other) else []
        if self.closed or self.fresh or self.group:
            self.group, self.closed, self.soft, self.fresh = [], False, False, False
        self._deny()
        for waiting in self.pending:  # "it wrinkles no nose"
            waiting.denied = waiting.denied or self.kinds[self.i + 1 : self.i + 2] == [Kind.PART]
        self.copula = False
        self.shared = []

    def _strange(self, element: Element) -> bool:
        """Whether a word that is not known follows right away ("nothing forces a choice")."""
        stop = self.els[self.i + 1].start if self.i + 1 < self.count else len(self.text)
        between = set(_WORDS.findall(self.text[element.end : stop].lower()))
        return bool(between - SKIPPED - _FILLING)

    def _on_not(self, element: Element) -> None:
        nxt, k = self._next(_PAST_ADVERBS)
        if nxt in (None, Kind.BREAK) and self.group and _SPEAKER.search(self.text[: element.start]):
            one = len(_SPEAKERS.findall(self.text[: element.start])) > 1
            for draft in self.group:  # "a wrinkled nose I do not see"; "a smile I see, a frown I don't"
                if not one or draft.chunk == self.group[-1].chunk:
                    draft.negated = not draft.negated
            self.closed = True
            return
        if nxt is Kind.PRED and self.group and self._word(self.els[k]).startswith("reach"):
            if self._next(_PAST_OWNERS, k + 1)[0] is Kind.PART:
                self.i = k
                return  # "the smile has not reached the cheeks"
        if self.i and self.kinds[self.i - 1] is Kind.AND and self.subject and not self.group:
            nxt_part, at = self._next(_PAST_OWNERS)
            if nxt_part is Kind.PART:
                self.i = at
                return  # "it is the brows and not the lids that are drawn together"
        if nxt is Kind.BREAK and self._word(self.els[k]) == "as" and self._next(NONE, k + 1)[0] is Kind.EMOTION:
            self._deny()  # "..., not as fearful"
            self.i = k
            return
        if nxt is Kind.GENERIC and self.group and self._word(self.els[k]) in _OFTEN:
            return  # "... do not often go together"
        if nxt is Kind.RELATIVE and k == self.i + 1 and self._next(_PAST_SIDE_QUAL, k + 1)[0] in _CLAIMING:
            self._deny()  # "it is not that the lips are parted"
            self.i = k
            return
        seen = nxt is Kind.MOVE and "seen" in self.els[k].entry.value
        if nxt in (Kind.PRED, Kind.ACT, Kind.MEAS) or (seen and self.group):
            if self.group or self.subject:
                self.predicate_denied = True
            else:
                self._deny()
        elif seen and self.subject and not any(self._fits(s.part, self.els[k].entry.value) for s in self.subject):
            self.i = k  # "the lips are no longer visible, having been sucked in"
        elif nxt is Kind.PREP and self._next(NONE, k + 1)[0] is Kind.SIDE and self._ends_after(k + 1):
            self.i = k + 1  # "on the left, not on the right"
        elif nxt is Kind.PREP and not self.group and self._next(_PAST_SIDE_QUAL, k + 1)[0] in _CLAIMING:
            self._deny()  # "but not for raised lids"
            self.i = k
        elif nxt is Kind.PREP and self._ends_after(k):
            self.i = k  # "lips out, not in"
        elif nxt is Kind.WITH:  # "not accompanied by lip tightening"
            self._start_group()
            self.subject = []
            self._deny()
            self.i = k
        elif nxt is Kind.COLON and not self.group and not self.subject:
            self._deny()  # "what it hasn't: a frown"
        elif nxt is None or nxt in SEPARATING or nxt in (Kind.OPEN, Kind.PREP, Kind.COLON):
            stop = self.els[k].start if k < self.count else len(self.text)
            if set(_WORDS.findall(self.text[element.end : stop].lower())) <= _HERE:  # no verb that is not known
                self._ellipsis()
        elif nxt is Kind.LEVEL:
            after = self._next(_PAST_SIDE_QUAL, k + 1)[0]
            if after in (Kind.MOVE, Kind.UNIT, Kind.AU, Kind.PART):
                self.lower = True
        elif nxt is Kind.SIDE and self._next(_PAST_QUAL_ONE, k + 1)[0] in (None, *SEPARATING):
            pass
        else:
            if self.closed or self.fresh:
                self.group = []
            self._deny()
            self.deny_verb = nxt is Kind.MOVE
            if self.kinds[self.i - 1] in _TURNS and self._only_part():
                self.deny_word = "not so"  # "the smile involves the cheeks, though not the lids"
                self.subject, self.naked = [], False

    def _only_part(self) -> bool:
        """Whether nothing but a part follows before the clause ends."""
        nxt, k = self._next(_PAST_OWNERS)
        after, j = self._next(NONE, k + 1)
        stop = self.els[j].start if j < self.count else len(self.text)
        ends = after in (None, Kind.BREAK, Kind.COMMA) and not _WORDS.search(self.text[self.els[k].end : stop])
        return nxt is Kind.PART and ends

    def _ends_after(self, k: int) -> bool:
        return self._next(NONE, k + 1)[0] in (None, Kind.COLON, *SEPARATING)

    def _ellipsis(self) -> None:
        """ "AU12 is active, AU6 is not"; "the brows are raised, the lids are not"."""
        named = bool(self.group) and self.group[-1].kind == "au"
        if named and self._word(self.els[self.i])[:2] == "do" and Kind.EMOTION in self.kinds[: self.i]:
            return  # "a raised chin turns up in sadness, a wrinkled nose does not"
        if self.group and self.closed and self.group[-1].part is not None and self.kinds[self.i - 1] is not Kind.PRED:
            for draft in self.group:  # "down clearly, outward slightly, up never"
                if draft.chunk == self.group[-1].chunk or self.separated is Kind.OR:
                    draft.negated = not draft.negated
        elif self.group:
            self._flip()
        elif self.subject and self.last_move:
            element = self.els[self.i]
            copied = Element(Kind.MOVE, Entry(Kind.MOVE, self.last_move), element.start, element.end, element.token)
            for subject in self.subject:
                self._emit(subject, copied, True, self.i)
        self.closed = True

    def _on_nor(self, element: Element) -> None:
        self._flush_level()
        self.denying = True
        self.separated = Kind.NOR
        if self.closed:
            self._start_group()
            self.fresh = True

    def _on_unknown(self, element: Element) -> None:
        for draft in self.group:
            if draft.kind == "au":
                draft.kind, draft.negated, draft.unreal = "quality", False, False
        if self.group:
            self.closed = True
            return
        if self.subject:
            self._unknown_parts()
            self.closed = True
            return
        if self.pending:
            self.pending = []
        self.unknown = True

    def _on_whether(self, element: Element) -> None:
        """What follows is not asserted; with "cannot be told" it was not measured."""
        if not self.unknown:
            self._end_clause()
            self.hypothetical = True
            self.hyp_at = self.i
