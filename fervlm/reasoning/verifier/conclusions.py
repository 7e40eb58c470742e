"""The conclusion as a whole: its words against the label given beside them, the interpretation, and the evidence."""

from __future__ import annotations

from collections.abc import Sequence

from fervlm.facs.labels import canonical_label
from fervlm.reasoning.verifier.claims import Reading
from fervlm.reasoning.verifier.drafts import NOTHING, Draft
from fervlm.reasoning.verifier.judge import claim, sentence_check
from fervlm.reasoning.verifier.labels import CLEARLY, Standing
from fervlm.records import Section, SentenceCheck

_FIELD_WORDS = 3
Checks = tuple[SentenceCheck, ...]


def _labels(checks: Checks, readings: Sequence[Reading], section: Section) -> list[tuple[int, Draft]]:
    """Labels that a section affirms, each with the index of its sentence; alternatives are left out."""
    return [
        (index, draft)
        for index, (made, reading) in enumerate(zip(checks, readings, strict=True))
        if made.section == section
        for draft in reading.drafts
        if draft.kind == "label" and not draft.negated and not draft.rival
    ]


def annotators(readings: Sequence[Reading]) -> frozenset[str]:
    """The labels that a text says annotators gave."""
    return frozenset([d.label for reading in readings for d in reading.drafts if d.attributed and d.label])


def is_field(text: str) -> bool:
    """Whether a sentence is a bare label, as after "Label:"; in an anchored text it repeats the annotators' one."""
    return len(text.split()) <= _FIELD_WORDS


def _named(given: str, checks: Checks) -> bool:
    """Whether a conclusion holds a label word for word; the emotion words do not cover every label set."""
    return any(made.section == "conclusion" and given.lower() in made.text.lower() for made in checks)


def hold_conclusion(
    checks: Checks, readings: Sequence[Reading], standing: Standing, given: str | None = None, *, quoted: bool = False
) -> tuple[Checks, bool | None]:
    """The checks, with what is wrong with the conclusion added to them, and whether its label is consistent.

    Args:
        checks: the judged sentences.
        readings: what was read from them.
        standing: the face's labels.
        given: the label beside the text, where the text is a caption's.
        quoted: that label is the annotators' (`anchored` view); it is not held against the evidence.
    """
    concluded = _labels(checks, readings, "conclusion")
    theirs = annotators(readings)
    own = [
        (index, draft)
        for index, draft in concluded
        if not draft.attributed and not (draft.label in theirs and is_field(checks[index].text))
    ]
    canonical = None if given is None else standing.canonical(given) or canonical_label(given)
    if given is not None and canonical is not None:
        said = {draft.label for _, draft in concluded}
        if said and canonical not in said and not _named(given, checks):
            return _contradict(checks, concluded[0], f"the label given is {given}"), False
        if quoted:
            return checks, True
        if standing.fits(canonical, CLEARLY, concluded=True) is False:
            place = _place(checks, concluded, canonical)
            return _contradict(
                checks, place, f"the evidence gives {given} clearly less support than another label"
            ), False
    label = canonical or (own[0][1].label if own else None)
    if label is None:
        return checks, None
    pointed = {draft.label for _, draft in _labels(checks, readings, "interpretation") if not draft.attributed}
    other = _outdone(label, pointed, standing)
    if other is not None:
        return _contradict(checks, _place(checks, concluded, label), f"the interpretation points to {other}"), False
    right = [
        c.verdict == "supported"
        for made in checks
        if made.section == "conclusion"
        for c in made.claims
        if c.kind == "label"
    ]
    return checks, all(right)


def _outdone(label: str, pointed: set[str | None], standing: Standing) -> str | None:
    """A label of the interpretation with more support than the concluded one, which it does not name."""
    mine = standing.of(label)
    if not pointed or label in pointed or mine is None:
        return None
    for name in sorted(name for name in pointed if name):  # in the same order on every run
        other = standing.of(name)
        if other is not None and other.canonical != "neutral" and mine.score < CLEARLY * other.score:
            return other.label
    return None


def _place(checks: Checks, concluded: list[tuple[int, Draft]], label: str) -> tuple[int, Draft]:
    """The sentence to blame: the first that names a label, else the last of the conclusion, else the last of all."""
    if concluded:
        return concluded[0]
    last = max((i for i, made in enumerate(checks) if made.section == "conclusion"), default=len(checks) - 1)
    draft = Draft("label", NOTHING, 0, len(checks[last].text), False)
    draft.label = label
    return last, draft


def _contradict(checks: Checks, place: tuple[int, Draft], reason: str) -> Checks:
    index, draft = place
    old = checks[index]
    added = claim(draft, old.text, ("label", "contradicted", reason))
    made = sentence_check(old.section, old.region, old.text, (*old.claims, added), False)
    return (*checks[:index], made, *checks[index + 1 :])
