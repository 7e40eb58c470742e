"""Label claims: does the evidence bear out what a text calls the expression?

A label is held against the ranking that `interpret` makes of the same evidence. It is contradicted where another label
has clearly more support, and where a sentence says that named action units speak for it although none of them does.
Labels that the tables do not know are not judged.
"""

from __future__ import annotations

from functools import cache

from fervlm.facs.labels import LabelSet, label_set
from fervlm.reasoning.conclude import conclude
from fervlm.reasoning.findings import Candidate, Interpretation
from fervlm.reasoning.interpret import interpret
from fervlm.reasoning.observe import Evidence
from fervlm.reasoning.prototypes import known_classes
from fervlm.reasoning.verifier.drafts import Draft
from fervlm.reasoning.verifier.judge import Judged
from fervlm.records import Section

CLEARLY = 0.75
"""A concluded label needs this share of the best label's support."""
CLEARLY_MENTIONED = 0.5
"""The same for a label that an interpretation points to."""
FLOOR = 0.1
LEAST = 0.02
"""With less support than this a label is contradicted whatever the others have: concluded, and mentioned."""
NEUTRAL_HOLDS = 0.5
_OK: Judged = ("label", "supported", None)


@cache
def _one(canonical: str) -> LabelSet:
    return LabelSet(f"one:{canonical}", (canonical,), {canonical: canonical}, {})


class Standing:
    """The labels of one face with their support, computed when the first label is judged."""

    def __init__(
        self, evidence: Evidence, labels: LabelSet | None, interpretation: Interpretation | None = None
    ) -> None:
        self._evidence = evidence
        self._labels = labels or label_set("basic8")
        self._interpretation = interpretation
        self._found: dict[str, Candidate] | None = None

    def _ranking(self) -> dict[str, Candidate]:
        if self._found is None:
            made = self._interpretation or interpret(self._evidence, self._labels)
            self._found = {}
            for candidate in made.candidates:
                self._found.setdefault(candidate.canonical, candidate)
        return self._found

    def canonical(self, label: str) -> str | None:
        """The prototype key of a label of the set."""
        return self._labels.canonical.get(label)

    def of(self, canonical: str) -> Candidate | None:
        """The candidate of a label, also where it is outside the set; None where the tables do not know it."""
        ranking = self._ranking()
        if canonical not in ranking:
            if canonical not in known_classes():
                return None
            made = interpret(self._evidence, _one(canonical))
            if not made.candidates:
                return None
            ranking[canonical] = made.candidates[0]
        return ranking[canonical]

    def best(self, *, neutral: bool) -> float:
        """The best support of any label of the set, with or without neutral."""
        found = [c.score for c in self._ranking().values() if neutral or c.canonical != "neutral"]
        return max(found, default=0.0)

    def fits(self, canonical: str, share: float, *, concluded: bool = False) -> bool | None:
        """Whether a label has at least `share` of the best support; None where it is not known.

        A conclusion must also outweigh neutral, unless it is what `conclude` decides.
        """
        candidate = self.of(canonical)
        if candidate is None:
            return None
        best = self.best(neutral=False)
        if canonical == "neutral":
            fits = candidate.score >= NEUTRAL_HOLDS * share or candidate.score >= share * best
        elif concluded:
            rest = self.of("neutral")
            if rest is not None and rest.score >= NEUTRAL_HOLDS:
                best = max(best, rest.score)
            fits = candidate.score >= max(FLOOR, share * best)
        else:
            fits = candidate.score >= max(LEAST, share * best)
        return fits or self._decided() == canonical

    def _decided(self) -> str | None:
        made = self._interpretation or interpret(self._evidence, self._labels)
        label = conclude(self._evidence, made, self._labels).label
        return None if label is None else self._labels.canonical.get(label)


def judge_label(
    draft: Draft, near: list[Draft], section: Section, standing: Standing, others: frozenset[str] = frozenset()
) -> Judged | None:
    """The verdict on a label claim; None where it is none that can be judged.

    Args:
        draft: the label as read.
        near: the drafts of its clause (or sentence) that affirm action units.
        section: conclusions are held to a stricter share than interpretations.
        standing: the face's labels.
        others: further labels that the sentence affirms; where one of them fits, some support is enough for this one.
    """
    assert draft.label is not None
    if draft.attributed:
        return None
    candidate = standing.of(draft.label) if draft.label != "other" else None
    if candidate is None:
        return None
    named = {au for other in near for au in other.units.aus + other.units.also}
    if draft.negated:
        if draft.opposed and named and named <= set(candidate.units_for) and not named & set(candidate.units_against):
            return "label", "contradicted", f"these units speak for {candidate.label}"
        return _OK
    speaking, opposing = named & set(candidate.units_for), named & set(candidate.units_against)
    if (
        named
        and draft.label != "neutral"
        and (not speaking or (draft.typical and not draft.rival and len(opposing) > len(speaking)))
        and not standing.fits(draft.label, CLEARLY_MENTIONED)
    ):
        return "label", "contradicted", f"none of these units speaks for {candidate.label}"
    if draft.rival:
        return _OK
    concluded = section == "conclusion" or (section == "text" and not named)
    if named and not concluded and not draft.typical and 2 * len(speaking) >= len(named):
        return _OK
    share = CLEARLY if concluded else CLEARLY_MENTIONED
    if draft.joint:
        share *= 0.8
    if draft.hedged and not concluded:
        share *= 0.4
    if others and candidate.score >= LEAST and any(standing.fits(o, share, concluded=concluded) for o in others):
        return _OK
    if standing.fits(draft.label, share, concluded=concluded):
        return _OK
    return "label", "contradicted", f"the evidence gives {candidate.label} clearly less support than another label"
