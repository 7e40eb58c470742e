"""Second stage: what the movements of one face amount to. Ranked candidates, interactions, blends, masking, caveats.

`interpret` looks at the evidence, and at a record's quality, head and gaze; never at a dataset label. The method and
the published prototypes behind the scores are stated in `prototypes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from fervlm.facs.labels import LabelSet
from fervlm.reasoning.affect import Pain, pain_score, valence_arousal
from fervlm.reasoning.cues import fired_cues
from fervlm.reasoning.findings import Candidate, Cue, Interpretation
from fervlm.reasoning.membership import Face, mask_of, posture, read_face, units_of
from fervlm.reasoning.observe import Evidence
from fervlm.reasoning.pattern_support import compile_class, complete, pattern_support
from fervlm.reasoning.prototypes import BASIC, known_classes, patterns, profile
from fervlm.reasoning.support import (
    EXPRESSIVE,
    OPEN,
    SLOTS,
    UPPER,
    Standing,
    Support,
    basic_standing,
    knowledge,
)
from fervlm.records import AURecord

BLEND_MARGIN = 0.15
"""Two labels within this share of the top score, with disjoint core AUs, are a blend (emotion_rules.yaml)."""
AMBIGUOUS = mask_of((4, 7, 14, 17, 25, 26, 43, 45))
"""AUs that decide nothing when they are all there is (emotion_rules.yaml)."""
UPPER_SHARE = 0.5
LOWER_SHARE = 0.35
"""Share of a class's upper-face (lower-face) weight that the region must show before it is said to point there."""
_UPPER_CLASSES = ("sadness", "anger", "fear", "surprise")
"""Classes with a core AU in the upper face; the others say nothing there (6 alone is no smile)."""
_LOWER_CLASSES = ("happiness", "sadness", "anger", "fear", "disgust")
"""Classes with a core or criterion AU in the lower face; an open mouth alone (surprise) has no valence."""
_ANGER_LIPS = mask_of((23, 24))
_CONTEMPT_UNITS = mask_of((12, 14))
SPEECH = 50


@dataclass(frozen=True, slots=True)
class _Plan:
    """A label set, compiled: the classes that are not basic, and each label's place."""

    extra: tuple[str, ...]
    labels: tuple[tuple[str, str, int], ...]
    """(written label, class, index into basics + neutral + extra)."""
    unknown: tuple[str, ...]


@lru_cache(maxsize=64)
def _plan(labels: tuple[str, ...], classes: tuple[str | None, ...]) -> _Plan:
    knowledge()
    order: list[str] = [*BASIC, "neutral"]
    placed, unknown = [], []
    for label, canonical in zip(labels, classes, strict=True):
        if canonical is None or canonical not in known_classes():
            unknown.append(label)
            continue
        if canonical not in order:
            compile_class(canonical)
            order.append(canonical)
        placed.append((label, canonical, order.index(canonical)))
    return _Plan(tuple(order[len(BASIC) + 1 :]), tuple(placed), tuple(unknown))


def interpretation_key(evidence: Evidence, labels: LabelSet, record: AURecord | None = None) -> tuple[object, ...]:
    """Equal for calls of `interpret` with equal results, except for the pain score; a key for a caller's cache.

    Head and gaze enter by the steps that count, so that the frames of a recording can share a result.
    """
    key = (evidence.signature, labels.name, labels.labels)
    if record is None:
        return key
    return (*key, record.quality.pose, record.quality.occlusion, posture(record))


def interpret(evidence: Evidence, labels: LabelSet, record: AURecord | None = None) -> Interpretation:
    """Hold one face against every label of the set that the tables know.

    Args:
        evidence: what was measured; nothing measured or tracked gives no candidates.
        labels: the label set; its unknown words are listed in `unknown_labels` and not scored.
        record: adds pose, occlusion, head and gaze angles, speech, and the pain score.
    """
    plan = _plan(labels.labels, tuple(map(labels.canonical.get, labels.labels)))
    if not evidence.tracked or not evidence.units:
        return Interpretation((), unknown_labels=plan.unknown)
    face = read_face(evidence, record, SLOTS)
    standing = basic_standing(face)
    supports = [*standing.supports, standing.neutral, *(pattern_support(key, face) for key in plan.extra)]
    candidates = _ranked(plan, supports)
    cues = fired_cues(face)
    upper, lower = _regions(standing, face)
    pain = pain_score(record) if record is not None else Pain(None, None)
    firm = face.firm & EXPRESSIVE
    return Interpretation(
        candidates=candidates,
        cues=cues,
        blend=_blend(candidates, face),
        masking=_masking(cues, upper, lower, face),
        caveats=_caveats(evidence, record, face, candidates),
        upper=upper,
        lower=lower,
        unknown_labels=plan.unknown,
        firm=units_of(firm),
        complete=_complete(candidates, face) if firm and not firm & ~AMBIGUOUS else (),
        unsided_contempt=bool(face.present & _CONTEMPT_UNITS & ~face.sided),
        affect=valence_arousal(tuple(s.score for s in supports[: len(BASIC) + 1])),
        pain=pain.score,
        pain_ceiling=pain.ceiling,
        pain_missing=pain.missing,
        pain_smile=bool(pain.score) and face.levels.get(12, 0) >= 4 and not face.present >> 4 & 1,
    )


def _ranked(plan: _Plan, supports: list[Support]) -> tuple[Candidate, ...]:
    found = []
    for label, canonical, index in plan.labels:
        score, units_for, against, unmeasured, absent = supports[index]
        found.append(
            Candidate(
                label,
                canonical,
                round(score, 4) if score < 1.0 else 1.0,
                units_of(units_for),
                units_of(against),
                units_of(unmeasured),
                units_of(absent),
            )
        )
    found.sort(key=_by_score)  # stable: equal scores keep the set's order
    return tuple(found)


def _by_score(candidate: Candidate) -> float:
    return -candidate.score


def _blend(candidates: tuple[Candidate, ...], face: Face) -> tuple[str, str] | None:
    """The two best labels where the tables call them a blend: close, and resting on different core AUs."""
    if len(candidates) < 2 or candidates[0].canonical == "neutral":
        return None
    first = candidates[0]
    second = next((c for c in candidates[1:] if c.canonical != first.canonical), None)
    if second is None or second.canonical == "neutral" or second.score < (1 - BLEND_MARGIN) * first.score:
        return None
    mine, other = _core_seen(first, face), _core_seen(second, face)
    return (first.label, second.label) if mine and other and not mine & other else None


def _core_seen(candidate: Candidate, face: Face) -> int:
    """Mask of a candidate's core AUs that are present at B or above."""
    return mask_of(candidate.units_for) & face.firm & _core_mask(candidate.canonical)


@lru_cache(maxsize=128)
def _core_mask(canonical: str) -> int:
    clauses = list(profile(canonical))
    for pattern in patterns(canonical):
        clauses += pattern.clauses
    return mask_of([au for w in clauses if w.role == "core" for au in w.clause.aus])


def _regions(standing: Standing, face: Face) -> tuple[str | None, str | None]:
    """Where upper and lower face each point on their own; both None unless they point apart and contradict."""
    here = face.firm & EXPRESSIVE & ~OPEN
    if not here & UPPER or not here & ~UPPER:
        return None, None
    basics = knowledge().basics
    best_upper, best_lower = ("", UPPER_SHARE), ("", LOWER_SHARE)
    for index, canonical in enumerate(BASIC):
        basic = basics[index]
        if canonical in _UPPER_CLASSES and basic.core & here & UPPER:
            share = standing.upper[index] / basic.upper_whole
            if share > best_upper[1]:
                best_upper = (canonical, share)
        telling = (basic.core | (_ANGER_LIPS if canonical == "anger" else 0)) & here & ~UPPER
        if canonical in _LOWER_CLASSES and telling:
            share = standing.lower[index] / basic.lower_whole
            if share > best_lower[1]:
                best_lower = (canonical, share)
    upper, lower = best_upper[0], best_lower[0]
    if not upper or not lower or upper == lower:
        return None, None
    above, below = basics[BASIC.index(upper)], basics[BASIC.index(lower)]
    apart = above.negative & here & ~UPPER & below.positive or below.negative & here & UPPER & above.positive
    return (upper, lower) if apart else (None, None)


def _masking(cues: tuple[Cue, ...], upper: str | None, lower: str | None, face: Face) -> Cue | None:
    named = next((c for c in cues if c.kind == "masking" and not mask_of(c.units) & ~face.firm), None)
    if named is not None or upper is None or lower is None:
        return named
    return Cue("I57", units_of(face.firm & EXPRESSIVE & ~OPEN), "masking", (upper, lower))


def _complete(candidates: tuple[Candidate, ...], face: Face) -> tuple[str, ...]:
    return tuple(
        c.label for c in candidates if c.canonical != "neutral" and c.score > 0 and complete(c.canonical, face)
    )


def _caveats(
    evidence: Evidence, record: AURecord | None, face: Face, candidates: tuple[Candidate, ...]
) -> tuple[str, ...]:
    found = []
    if evidence.trust == "low":
        found.append("low_trust")
    if candidates and candidates[0].core_not_measured:
        found.append("core_not_measured")
    if evidence.conflicts:
        found.append("conflict")
    if face.uncertain:
        found.append("uncertain")
    if record is not None:
        if record.quality.pose in {"turned", "extreme"}:
            found.append("pose")
        if record.quality.occlusion:
            found.append("occlusion")
    if face.present >> SPEECH & 1:
        found.append("speech")
    if face.uneven:
        found.append("asymmetry")
    return tuple(found)
