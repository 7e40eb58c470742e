"""Explanations held against evidence: what a text affirms, read by the verifier, counted over many faces.

The verifier's reader understands numbers, names and plain words, sides, strengths, denials and hedges, so "no brow
lowering" is not a mention of AU4. The evidence may be a detector's or a human coder's; the numbers then say how
faithful texts are *to that evidence*.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fervlm.facs.labels import LabelSet, canonical_label
from fervlm.reasoning.conclude import conclude
from fervlm.reasoning.interpret import interpret
from fervlm.reasoning.observe import Evidence, Unit, observe
from fervlm.reasoning.verifier.claims import read_claims
from fervlm.reasoning.verifier.scores import STRONG, TELLING, mentions
from fervlm.reasoning.verifier.sections import passages
from fervlm.reasoning.verifier.tokens import sentences
from fervlm.reasoning.verify import Judge, verify
from fervlm.records import AURecord, Caption, Claim, Verification


@dataclass(frozen=True, slots=True)
class Checked:
    """One explanation against one face's evidence, in counts that can be summed."""

    right: int
    """AUs affirmed and present."""
    wrong: int
    """Affirmations that fit no present AU."""
    present: int
    """AUs present in the evidence."""
    side_claims: int
    side_right: int
    level_claims: int
    level_right: int
    leaks: int
    """Emotion words among the observations."""
    strong: int
    """AUs at level D or E, or confidently detected, in the evidence."""
    omitted: int
    """Of these, those that the text leaves out."""
    unmeasured: int
    """Claims about what this evidence cannot tell."""
    contradicted: int
    forbidden: int
    ok: bool


def checked(
    text: Caption | str, record: AURecord, *, labels: LabelSet | None = None, judge: Judge | None = None
) -> Checked:
    """An explanation (a caption, or any text) against the evidence of its face."""
    evidence = observe(record)
    return counted(verify(text, evidence, labels=labels, judge=judge), evidence)


def counted(found: Verification, evidence: Evidence) -> Checked:
    """The counts of a verification. Side and level claims count where the evidence can tell them right or wrong."""
    claims = [claim for check in found.sentences if check.section in TELLING for claim in check.claims]
    right, wrong = mentions(claims, evidence)
    sided = [c for c in claims if c.side is not None and not c.negated and c.verdict in ("supported", "contradicted")]
    sided = [c for c in sided if any(_has_side(evidence.units.get(au)) for au in c.aus)]
    graded = [c for c in claims if c.level is not None and not c.negated and c.verdict in ("supported", "contradicted")]
    graded = [c for c in graded if any(_has_level(evidence.units.get(au)) for au in c.aus)]
    scores = found.scores
    return Checked(
        right=len(right),
        wrong=wrong,
        present=sum(unit.present for unit in evidence.units.values()),
        side_claims=len(sided),
        side_right=sum(c.verdict == "supported" for c in sided),
        level_claims=len(graded),
        level_right=sum(c.verdict == "supported" for c in graded),
        leaks=scores.leaks,
        strong=sum(u.present and ((u.level or 0) >= STRONG or u.confident) for u in evidence.units.values()),
        omitted=len(scores.omitted_strong),
        unmeasured=scores.unmeasured,
        contradicted=scores.contradicted,
        forbidden=scores.forbidden,
        ok=found.ok,
    )


def _has_side(unit: Unit | None) -> bool:
    return unit is not None and unit.side is not None


def _has_level(unit: Unit | None) -> bool:
    return unit is not None and unit.level is not None


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """Sums over many explanations; shares are None where there was nothing to count."""

    texts: int
    precision: float | None
    """Micro: of all AU affirmations, the share that is present."""
    recall: float | None
    """Micro: of all present AUs, the share that is affirmed."""
    f1: float | None
    side_agreement: float | None
    level_agreement: float | None
    side_claims: int
    level_claims: int
    leak_rate: float
    """Share of texts with an emotion word among the observations."""
    omission_rate: float | None
    """Of the texts on faces with a strong or confident AU, the share that leaves one out."""
    unmeasured_rate: float
    """Share of texts that claim what the evidence cannot tell."""
    contradiction_rate: float
    """Share of texts with a contradicted claim."""
    ok_rate: float


def faithfulness(found: Sequence[Checked]) -> Faithfulness | None:
    """The sums; None without any explanation."""
    if not found:
        return None
    right, wrong = sum(c.right for c in found), sum(c.wrong for c in found)
    present = sum(c.present for c in found)
    precision, recall = _share(right, right + wrong), _share(right, present)
    f1 = _share(2 * right, 2 * right + wrong + (present - right))
    sides, levels = sum(c.side_claims for c in found), sum(c.level_claims for c in found)
    n = len(found)
    return Faithfulness(
        texts=n,
        precision=precision,
        recall=recall,
        f1=f1,
        side_agreement=_share(sum(c.side_right for c in found), sides),
        level_agreement=_share(sum(c.level_right for c in found), levels),
        side_claims=sides,
        level_claims=levels,
        leak_rate=sum(c.leaks > 0 for c in found) / n,
        omission_rate=_share(sum(c.omitted > 0 for c in found), sum(c.strong > 0 for c in found)),
        unmeasured_rate=sum(c.unmeasured > 0 for c in found) / n,
        contradiction_rate=sum(c.contradicted > 0 for c in found) / n,
        ok_rate=sum(c.ok for c in found) / n,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


@dataclass(frozen=True, slots=True)
class Affirmed:
    """What a text says moves, without any evidence."""

    aus: frozenset[int] = field(default_factory=frozenset)
    denied: frozenset[int] = field(default_factory=frozenset)
    label: str | None = None
    """The label its conclusion, or else its last sentence with one, affirms; canonical."""


def affirmed(text: Caption | str) -> Affirmed:
    """AUs affirmed and denied in the observations (in the whole text where it has no sections), and the label named."""
    if isinstance(text, Caption):
        observed = [s for part in (text.overview, *(o.text for o in text.observations)) for s in sentences(part)]
        label = text.conclusion.label
        return _affirmed(observed, None if label is None else canonical_label(label) or label)
    told = passages(text)
    last = None
    for passage in told:
        for draft in read_claims(passage.text, passage.section).drafts:
            if draft.kind == "label" and draft.label and not (draft.negated or draft.rival or draft.opposed):
                last = draft.label
    return _affirmed([p.text for p in told if p.section in TELLING], last)


def _affirmed(observed: Iterable[str], label: str | None) -> Affirmed:
    yes: set[int] = set()
    no: set[int] = set()
    for sentence in observed:
        for draft in read_claims(sentence, "text").drafts:
            if draft.kind == "au" and not draft.unreal and not draft.units.vague:
                (no if draft.negated or draft.units.absent else yes).update(draft.units.aus)
    return Affirmed(frozenset(yes), frozenset(no - yes), label)


def implied_label(aus: Iterable[int], labels: LabelSet, measured: Iterable[int]) -> str | None:
    """The label of the set that published prototypes give to these AUs, or None where they leave it open.

    Args:
        aus: the AUs that a text affirms.
        labels: the set to choose from.
        measured: AUs that count as absent unless affirmed; what a text is silent on but could have said.
    """
    here = frozenset(aus)
    units = {au: Unit(au, "present" if au in here else "absent") for au in sorted(here | set(measured))}
    if not here:
        units = {au: Unit(au, "absent") for au in sorted(set(measured))}
    evidence = Evidence(units, "high")
    return conclude(evidence, interpret(evidence, labels), labels).label


@dataclass(frozen=True, slots=True)
class Consistency:
    """Whether explanation, answer and truth go together, over N faces; a missing label agrees with nothing."""

    faces: int
    explanation_accuracy: float
    """EEA: the label that the explanation's own AUs imply is the true one."""
    explanation_answer: float
    """EPC: it is the answer's label."""
    both_right: float
    """Answer and explanation are both right."""
    right_reason: float | None
    """P(the explanation implies the true label | the answer is right): low where right answers are rationalised."""
    open: float
    """Share of explanations whose AUs imply no label."""


def consistency(
    truth: Sequence[str], predicted: Sequence[str | None], implied: Sequence[str | None]
) -> Consistency | None:
    """The four shares; None without faces.

    The names EEA and EPC follow the literature on coherent emotion reasoning; there a language model judges which
    emotion an explanation points to, here published FACS prototypes do, so numbers do not compare across the two.
    """
    if not len(truth) == len(predicted) == len(implied):
        raise ValueError("need one answer and one explanation per face")
    if not truth:
        return None
    rows = list(zip(truth, predicted, implied, strict=True))
    n = len(rows)
    right = [e == t for t, p, e in rows if p == t]
    return Consistency(
        faces=n,
        explanation_accuracy=sum(e == t for t, _, e in rows) / n,
        explanation_answer=sum(e is not None and e == p for _, p, e in rows) / n,
        both_right=sum(right) / n,
        right_reason=sum(right) / len(right) if right else None,
        open=sum(e is None for _, _, e in rows) / n,
    )


def claims_about(found: Verification, au: int) -> list[Claim]:
    """The claims of the observations that affirm `au`."""
    return [
        claim
        for check in found.sentences
        if check.section in TELLING
        for claim in check.claims
        if claim.kind in ("au", "side", "intensity") and au in claim.aus and not claim.negated
    ]
