"""Labels and the standing a sentence gives them, hedges and hypotheses."""

from __future__ import annotations

import re
from functools import lru_cache

from fervlm.facs.labels import canonical_label
from fervlm.reasoning.verifier.drafts import NOTHING, Draft
from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import Kind
from fervlm.reasoning.verifier.wholes import WholeReader


@lru_cache(maxsize=1024)
def _label_of(word: str) -> str | None:
    return canonical_label(word)


_DETERMINERS = frozenset((Kind.SIDE, Kind.QUAL, Kind.LEVEL, Kind.POSSESSIVE))
_TOUCHED = frozenset((Kind.PART, Kind.UNIT, Kind.MOVE))
_CALM = frozenset(("calm", "serene", "peaceful", "tranquil"))
_ODDS = re.compile(r"\s*[(:=~]\s*(?:p\s*=\s*)?(0?\.\d+|0|\d{1,2}\s*%)")
_LOW = 0.35
"""A label named with less probability than this is an alternative only."""


def _improbable(after: str) -> bool:
    found = _ODDS.match(after)
    if found is None:
        return False
    number = found[1]
    return (float(number.rstrip("% ")) / 100 if number.endswith("%") else float(number)) < _LOW


class LabelReader(WholeReader):
    """Handlers for emotion words and for how sure a sentence is."""

    __slots__ = ()

    def _on_emotion(self, element: Element) -> None:
        if not self.out[self.clause :]:
            self.label_first = True
        label, form = element.entry.value
        if self._word(element) in _CALM and self.kinds[self.i + 1 : self.i + 3] == [Kind.OF, Kind.PART]:
            return  # "the calm of the face"
        if (
            self._word(element) in _CALM
            and self.copula
            and self.naked
            and self.subject
            and self.subject[-1].part != "face"
        ):
            self._still()  # "the brow is calm"
            return
        if form == "adv":
            self.manner = element
            return
        if self.fresh:
            self._start_group()
        over = self.prep and self.prep_word == "over" and self.i > 1 and self.kinds[self.i - 2] is Kind.EMOTION
        against = self.against or over  # "anger over disgust"
        draft = Draft("label", NOTHING, element.start, element.end, self.denying != against)
        word = self.text[element.start : element.end]
        if self.manner is not None and element.token - self.manner.token == 1:  # "happily surprised"
            compound = _label_of(self.text[self.manner.start : element.end])
            draft.start = self.manner.start if compound else draft.start
            word = word if compound is None else self.text[self.manner.start : element.end]
        draft.label = _label_of(word) or label
        draft.typical = self.typical
        draft.rival = _improbable(self.text[element.end :])
        draft.at = self.i
        draft.opposed = self.against and not self.preferred
        for other in self.group:
            if other.kind == "label" and other.negated == draft.negated:
                other.joint = draft.joint = True
        self._append(draft)

    def _on_against(self, element: Element) -> None:
        touching = self._next(_DETERMINERS)[0] in _TOUCHED or self.kinds[self.i - 1] is Kind.PART
        if touching and self._word(element) == "against":
            self.prep, self.prep_word = True, "against"  # "the chin pushes against the lips"
            return
        if self._word(element)[:4] in ("excl", "rule", "ruli") and self._excludes():
            return
        self.against = True
        self.preferred = self._word(element).startswith(("prefer", "ahead", "super", "out"))
        self._on_about(element)  # "no unit speaks against it" denies no unit

    def _excludes(self) -> bool:
        """ "We can exclude a smile", "a smile can be excluded": said of a movement it denies it."""
        nxt, _ = self._next(_DETERMINERS)
        if nxt in (None, Kind.BREAK, Kind.COMMA) and self.copula and self.group and self.group[-1].kind == "au":
            self._flip()
            self.closed = True
            return True
        forward = nxt in _TOUCHED and Kind.EMOTION not in self.kinds and not self.group
        if forward or (nxt is Kind.COP and not self.group and Kind.EMOTION not in self.kinds):
            self._deny()
            return True
        return False

    def _on_weak(self, element: Element) -> None:
        if self.copula and self.group and all(d.kind == "au" for d in self.group):
            self._flip()  # "raised brows are unlikely"
            self.closed = True
            return
        for draft in self.out[self.clause :]:
            if draft.kind == "label":
                draft.negated = True
        self.rival = self.weakened = True
        self.rival_at = self.i

    def _on_rival(self, element: Element) -> None:
        self.rival, self.rival_at = True, self.i

    def _on_than(self, element: Element) -> None:
        if self.weakened:  # "less likely than surprise" favours surprise
            self.weakened = self.rival = False
        else:
            self.against = not self.against

    def _on_attributed(self, element: Element) -> None:
        """ "annotators call this anger" is their word, not the text's."""
        self.attributed = True

    def _on_typical(self, element: Element) -> None:
        self.typical = True

    def _on_hedge(self, element: Element) -> None:
        self.hedge = True

    def _on_hypothetical(self, element: Element) -> None:
        if self._word(element) in ("if", "unless"):
            self._end_clause()
        elif not self.closed:
            for draft in self.group:
                draft.unreal = True
        self.hypothetical = True
        self.hyp_at = self.i

    def _on_generic(self, element: Element) -> None:
        self.generic = True

    def _on_simile(self, element: Element) -> None:
        """ "as if for a kiss": what is likened is not claimed."""
        self._flush_level()
        self.likened = len(self.out)

    def _end_simile(self) -> None:
        for draft in self.out[self.likened :]:
            if draft.kind != "label":
                self.out.remove(draft)
                if draft in self.group:
                    self.group.remove(draft)
        self.likened = -1
        self.pending = []
