"""How a sentence goes on: separators, colons, prepositions, copulas, and where a clause ends."""

from __future__ import annotations

import re

from fervlm.reasoning.verifier.colons import ColonReader
from fervlm.reasoning.verifier.cursor import NONE, SEPARATING
from fervlm.reasoning.verifier.drafts import Subject
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import Entry, Kind

_PAST_AND_OR = frozenset((Kind.AND, Kind.OR))
_PAST_DETERMINERS = frozenset((Kind.SIDE, Kind.QUAL, Kind.POSSESSIVE, Kind.ONE))
_PAST_QUAL = frozenset((Kind.QUAL,))
_ECHOES = ("same ", "opposite ", "reverse ", "cannot ", "can't ", "more ")
_SEPARATED = frozenset((Kind.COMMA, Kind.AND, Kind.BREAK))
_NOUN = re.compile(
    r"^ (?:the|this|that) (?!(?:intensity|strength|level|degree|side|whole|effect|first|second|former|latter)\b)"
    r"[a-z]{4,} $"
)
_WORD = re.compile(r"[a-z]{3}", re.IGNORECASE)
_PRONOUN = re.compile(r" (?:it|them)\b| (?:this|these|that|those)\b(?! [a-z])")
_UNHELPED = frozenset(
    ("not so", "minus", "sans", "unaccompanied by", "untroubled by", "without", "no help from", "no support from")
)
_NARROWING = frozenset((Kind.PART, Kind.QUAL, Kind.SIDE))
_ENDING = frozenset((None, *SEPARATING))
_STAYING = frozenset(("stay", "stays", "stayed", "remain", "remains", "remained", "rest", "rests", "holds", "hold"))
_BEFORE_MOVE = frozenset(
    (
        Kind.LEVEL,
        Kind.HEDGE,
        Kind.AND,
        Kind.OR,
        Kind.COMMA,
        Kind.SIDE,
        Kind.NOISE,
        Kind.NOT,
        Kind.NO,
        Kind.MORE,
        Kind.LESS,
        Kind.PREP,
    )
)


class FlowReader(ColonReader):
    """Handlers for what stands between the claims."""

    __slots__ = ()

    def _on_separator(self, element: Element) -> None:
        kind = element.kind
        if kind is Kind.COMMA and self.hypothetical and self._word(self.els[self.clause_at]) == "where":
            self._end_clause()  # "where one might expect a frown, there is a smile"
            return
        if self.level is not None:
            self._flush_level()
        if self.denying:
            self._deny_parts()
        if self.naked:
            before = self.els[self.i - 1]
            aside = before.kind is Kind.LEVEL and self.i > 1 and self.kinds[self.i - 2] is Kind.PREP
            if aside and kind is Kind.COMMA:
                self.subject, self.naked = [], False  # "her lips in slightly, and her chin ..."
            if before.kind is Kind.PART and self.text[before.end : element.start].strip(" )"):
                self.subject, self.naked = [], False  # what was said of the part is not understood
        if self.likened >= 0:
            self._end_simile()
        if self.closed or (self.copula and self.group and self.copula_at > self.group[-1].at and self._unread(element)):
            self.fresh = True
        self.prep = False
        self.more = 0
        if self.quals and kind is Kind.COMMA and self._next(_PAST_DETERMINERS)[0] in (Kind.PREP, Kind.MOVE):
            self.quals = []  # "bared, top and bottom, by a lifted upper lip"
        self.separated = kind
        self.chunk += 1
        if self.pending and self._next(_BEFORE_MOVE)[0] is not Kind.MOVE:
            self.pending = [
                p for p in self.pending if self.quals or (p.denied and not self.group)
            ]  # "instead of parting, the lips ..."
        if self.against and kind is Kind.COMMA and self._next(_PAST_AND_OR)[0] is not Kind.EMOTION:
            self.against = False
        if self.denying and not self._continues(kind):
            self.denying = False
            if not self.soft or kind is not Kind.AND:
                self.fresh = True
        if kind is Kind.OR and self.fresh and self.denying:
            self.fresh = False
        self.predicate_denied = False
        if self.fresh:
            self.copula = False

    def _unread(self, element: Element) -> bool:
        """Whether a predicate that is not known stands between the last "is" and the separator at hand."""
        return bool(_WORD.search(self.text[self.els[self.copula_at].end : element.start]))

    def _on_relative(self, element: Element) -> None:
        if element.end - element.start == 5 and self._word(element) == "whose" and self.last_part is not None:
            part, side, named = self.last_part
            owner = Subject(part, side, named.start, named.end)
            self.earlier, self.quals = [owner], []  # "a mouth whose corners droop"
            self.subject = [] if self._next(NONE)[0] in _NARROWING else [owner]
            self.fresh = True
            return
        self._flush_level()
        self.prep = self.against = False
        self.closed = False
        before = self.i - 2 if self.kinds[self.i - 1] is Kind.COMMA else self.i - 1
        if self.adjunct and self.adjunct_at == before:
            self.subject = self.adjunct  # "over a chin that is pushed up"

    def _on_prep(self, element: Element) -> None:
        word = self._word(element)
        if word == "to" and self.denying and self.denied_first is not None and self._next(NONE)[0] is Kind.MOVE:
            self.denying = False  # "it takes no smile to lift a lip"
        if _PRONOUN.match(self.text, element.end) and self.kinds[self.i - 1] is not Kind.COP:
            if word == "below" and self._of_numbers() and self.group:
                self._on_gone(element)  # "AU4 is above the threshold, AU9 below it"
            self.prep = False
            return  # "above it the lids are raised"
        if word == "behind" and self.naked and self.subject and self._next(NONE)[0] in _ENDING:
            self._still()  # "... and left the lids behind"
            return
        if word == "from":
            self.pending = [
                p for p in self.pending if not p.element.entry.noun or (p.denied and p.at == self.i - 1)
            ]  # "folds from the raised brows", but "no push from the chin"
        adverbial = self.i > 0 and self.kinds[self.i - 1] is not Kind.PREP
        if (
            adverbial
            and word in ("on", "above", "over", "below", "under")
            and self._next(NONE)[0] in (None, *SEPARATING)
            and self.group
            and not self._before_word(element)
        ):
            if word in ("below", "under") and not self._of_numbers():
                self.prep, self.prep_word = True, word  # "a smile, a raised chin below"
            elif word in ("below", "under"):
                self._on_gone(element)  # "25, 26 below"
            else:
                self._on_pred(element)  # "lid raiser on"
        else:
            self.prep, self.prep_word = True, word

    def _of_numbers(self) -> bool:
        """Whether "below" means a threshold."""
        return self.kinds[self.i - 1] in (Kind.AU, Kind.MEAS, Kind.COP) or "threshold" in self.text

    def _before_word(self, element: Element) -> bool:
        """Whether a word that is not known follows before the next element ("raised under them")."""
        stop = self.els[self.i + 1].start if self.i + 1 < self.count else len(self.text)
        return bool(_WORD.search(self.text[element.end : stop]))

    def _on_copula(self, element: Element) -> None:
        if self.cleft == self.i:
            self._start_group()
            self.subject = []
            self._deny()
            return
        if element.end - element.start > 3 and self.naked and self.subject and self._stays(element):
            self._still()
            return
        if self.likened >= 0:
            self._end_simile()  # "what looks like a smile is a tuck"
        before = self.els[self.i - 1]
        if before.kind in _SEPARATED and self.i and _NOUN.search(self.text[before.end : element.start]):
            self.subject, self.earlier, self.pending, self.naked = [], [], [], False  # "..., the label is open"
            self._start_group()
            if self.kinds[self.i + 1 : self.i + 2] == [Kind.LEVEL]:
                self.i += 1  # "..., the hint stays weak"
                return
        self.copula, self.copula_at = True, self.i
        if self.denying and self.denied_first is Kind.EMOTION:
            self.denying = False  # "fear rather than surprise is suggested by ..."

    def _deny_parts(self) -> None:
        """ "unaccompanied by the upper lip": a part that takes no part."""
        if not (self.naked and self.subject and self.deny_word in _UNHELPED) or self.i < 1:
            return
        k = self.i - 2 if self.i == self.count and self.kinds[-1] is Kind.BREAK else self.i - 1
        if self.kinds[k] is not Kind.PART or self.denied_first is not None:
            return
        element = self.els[k]
        moves = self.last_move if self.deny_word == "not so" else ()
        fits = bool(moves) and all(self._fits(s.part, moves) for s in self.subject)
        moves = moves if fits else ("any",)
        copied = Element(Kind.MOVE, Entry(Kind.MOVE, moves), element.start, element.end, element.token)
        for subject in self.subject:
            if subject.start > self.els[self.deny_at].start:
                self._emit(subject, copied, True, k)

    def _stays(self, element: Element) -> bool:
        """ "the upper lip stays"."""
        if self._word(element) not in _STAYING or self._next(NONE)[0] not in _ENDING:
            return False
        end = self.els[self.i + 1].start if self.i + 1 < self.count else len(self.text)
        return not self.text[element.end : end].strip(" .,;!)")

    def _on_with(self, element: Element) -> None:
        """ "AU6 with AU12 is missing" is one subject, "with the left eye" a place; otherwise a new clause begins."""
        nxt, k = self._next(NONE)
        if nxt is Kind.LEVEL and self.group and self._next(NONE, k + 1)[0] in (None, *SEPARATING):
            return  # "with great force"
        nxt, k = self._next(_PAST_DETERMINERS)
        if (
            nxt is Kind.PART
            and k > self.i + 1
            and self.group
            and self._next(_PAST_QUAL, k + 1)[0] in (None, *SEPARATING)
        ):
            self.prep = True
            return
        if not self.group or self.closed or self.denying or self.pending:
            self._end_clause()
            return
        self._flush_level()
        self.earlier = self.subject or self.earlier
        self.chunk += 1
        self.within = len(self.group)
        self.subject, self.copula, self.prep, self.soft = [], False, False, False
        self.separated = Kind.AND

    def _on_break(self, element: Element) -> None:
        if element.end - element.start == 3 and self._word(element) == "but" and self._but_this():
            self._on_except(element)  # "nothing in the face but a smile"
            return
        if 6 <= element.end - element.start <= 7 and self.i and self._word(element) in ("however", "though"):
            if self.kinds[self.i - 1] is Kind.COMMA and self.kinds[self.i + 1 : self.i + 2] == [Kind.COMMA]:
                return  # "the mouth, however, has not turned down"
        if self.i == self.count - 1:
            return  # the end of the sentence ends the clause
        if element.end - element.start > 9 and self._word(element).startswith(_ECHOES) and self.out:
            denied = self.out[-1].negated == self._word(element).startswith("same")
            self._end_clause()
            self.echo = denied  # "the same goes for a smile"; "..., which cannot be said of a smile"
            return
        nxt, _ = self._next(NONE)
        if nxt is Kind.COP and self.out and self._word(element) == "so":  # "... is off, and so is AU26"
            denied = self.out[-1].negated
            self._end_clause()
            self.echo = denied
            return
        if (
            nxt is Kind.MOVE
            and self._word(element) == "as"
            and self._next(NONE, self.i + 2)[0] in (Kind.LEVEL, Kind.BREAK)
        ):
            return  # "as tight as they go"
        if nxt in (Kind.GONE, Kind.PRED, Kind.ACT, Kind.UNKNOWN) and self._word(element) == "as":
            return  # "coded as absent"
        if nxt is Kind.LEVEL and self.group and element.end - element.start == 2:
            after, _ = self._next(NONE, self.i + 2)
            if after is None or after in SEPARATING or after is Kind.CLOSE:
                return  # "only as a trace"
        self._end_clause()

    def _but_this(self) -> bool:
        """ "nothing in the face but a smile"."""
        if self.tentative is not None:
            return True
        region = bool(self.out) and self._is_region(self.out[-1]) and self.kinds[self.i - 1] is Kind.PART
        return region and self.deny_word in ("nothing", "no", "without")
