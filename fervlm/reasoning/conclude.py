"""Third stage: a label of the chosen set with a confidence word, or an abstention with its reason.

The rules are `emotion_rules.yaml`'s `abstain_when`, in this order:

* nothing tracked, nothing measured;
* no AU at B or above: neutral where the set has it, else `no_core`;
* only AU4, 7, 14, 17, 25, 26: `ambiguous`, unless they complete a published combination of exactly one label (then low
  confidence): of a class that is not basic, or of any class where the set offers no neutral to fall back on. In such a
  forced choice a label that leads clearly is also given, with low confidence;
* AUs, but no core or criterion AU of any emotion: neutral where it holds, else `no_core`;
* no label with enough support: `no_label_fits`; two labels that cannot be told apart: `tie`.

The confidence word starts from support and margin and goes down one step for each reason listed in `lowered_by`; a
blend, and contempt without measured sides, are capped at low.
"""

from __future__ import annotations

from functools import cache, lru_cache

from fervlm.facs.labels import LabelSet, shade_of
from fervlm.reasoning.affect import AFFECT_SOURCE
from fervlm.reasoning.findings import Candidate, Decision, Interpretation
from fervlm.reasoning.interpret import AMBIGUOUS
from fervlm.reasoning.membership import mask_of
from fervlm.reasoning.observe import Evidence
from fervlm.reasoning.prototypes import BASIC, criterion, patterns, profile
from fervlm.records import Confidence

TIE_SHARE = 0.02
"""Labels within this share of the top score cannot be told apart."""
ENOUGH = 0.25
ENOUGH_FORCED = 0.15
"""Least support of a basic expression: with neutral in the set, and without (a forced choice)."""
ENOUGH_PATTERN = 0.45
"""Least support of a class that is scored by coverage alone."""
NEUTRAL_HOLDS = 0.5
HIGH = (0.75, 0.2)
MODERATE = (0.45, 0.1)
"""Least support, and least lead over the next class, of the confidence words."""
SHOWN = 4
_LOWERING = ("low_trust", "core_not_measured", "pose", "occlusion", "speech")
_WORDS: tuple[Confidence, ...] = ("low", "moderate", "high")
_NO_EVIDENCE = frozenset({"not_tracked", "nothing_measured", "ambiguous", "no_core"})


@lru_cache(maxsize=64)
def _core_of(classes: tuple[str, ...]) -> int:
    """Core and criterion AUs of the basic expressions, and core AUs of `classes`, as a mask."""
    aus = [w.clause.aus[0] for key in BASIC for w in profile(key) if w.role == "core"]
    aus += [clause.aus[0] for key in BASIC for conjunct in criterion(key) for clause in conjunct.needs]
    for key in classes:
        aus += [au for p in patterns(key) for w in p.clauses if w.role == "core" for au in w.clause.aus]
    return mask_of(aus)


@cache
def _engineering(canonical: str) -> bool:
    found = patterns(canonical)
    return bool(found) and all(pattern.disputed for pattern in found)


def conclude(evidence: Evidence, interpretation: Interpretation, labels: LabelSet) -> Decision:
    """Decide on a label of `labels`, or why there is none. `labels` must be the set that was interpreted."""
    lack = "not_tracked" if not evidence.tracked else None if evidence.units else "nothing_measured"
    if lack is not None:
        return _decision(interpretation, None, lack)
    neutral = next((c for c in interpretation.candidates if c.canonical == "neutral"), None)
    firm = mask_of(interpretation.firm)
    if not firm:
        return _quiet(interpretation, neutral)
    if not firm & ~AMBIGUOUS:
        return _ambiguous(interpretation, neutral)
    if not firm & _core_of(tuple(sorted(set(labels.canonical.values())))):
        return _coreless(evidence, interpretation, neutral)
    return _supported(evidence, interpretation, neutral)


def _coreless(evidence: Evidence, interpretation: Interpretation, neutral: Candidate | None) -> Decision:
    if neutral is not None and neutral.score >= NEUTRAL_HOLDS:
        return _named(evidence, interpretation, neutral)
    return _decision(interpretation, None, "no_core")


def _supported(evidence: Evidence, interpretation: Interpretation, neutral: Candidate | None) -> Decision:
    fitting = [c for c in interpretation.candidates if c.score >= _enough(c, neutral is not None)]
    if not fitting:
        return _decision(interpretation, None, "no_label_fits")
    best = _shade(fitting, evidence)
    rival = next((c for c in fitting if c.canonical != best.canonical), None)
    if rival is not None and rival.score >= (1 - TIE_SHARE) * best.score:
        return _decision(interpretation, None, "tie")
    return _named(evidence, interpretation, best)


def _enough(candidate: Candidate, has_neutral: bool) -> float:
    if candidate.canonical == "neutral":
        return NEUTRAL_HOLDS
    if candidate.canonical in BASIC:
        return ENOUGH if has_neutral else ENOUGH_FORCED
    return ENOUGH_PATTERN


def _quiet(interpretation: Interpretation, neutral: Candidate | None) -> Decision:
    if neutral is None:
        return _decision(interpretation, None, "no_core")
    traces = any(c.units_for for c in interpretation.candidates)
    word: Confidence = "low" if neutral.score < NEUTRAL_HOLDS else "moderate" if traces else "high"
    lowered = tuple(code for code in _LOWERING if code in interpretation.caveats and code != "core_not_measured")
    if neutral.core_not_measured:
        lowered += ("core_not_measured",)
    if "uncertain" in interpretation.caveats:
        lowered += ("uncertain",)
    return _decision(interpretation, neutral, None, _down(word, len(lowered)), lowered)


def _ambiguous(interpretation: Interpretation, neutral: Candidate | None) -> Decision:
    complete = [c for c in interpretation.candidates if c.label in interpretation.complete]
    if neutral is not None:
        complete = [c for c in complete if c.canonical not in BASIC]
    if not complete and neutral is None and _leads(interpretation.candidates):
        complete = [interpretation.candidates[0]]
    if len({c.canonical for c in complete}) == 1:
        return _decision(interpretation, complete[0], None, "low", ("ambiguous",))
    return _decision(interpretation, None, "ambiguous")


def _leads(candidates: tuple[Candidate, ...]) -> bool:
    best = candidates[0]
    rival = max((c.score for c in candidates if c.canonical != best.canonical), default=0.0)
    return best.score >= max(_enough(best, True), rival + MODERATE[1])


def _shade(fitting: list[Candidate], evidence: Evidence) -> Candidate:
    """The best candidate; among words of one class, the one whose shade the measured strength bears out."""
    first = fitting[0]
    same = [c for c in fitting if c.canonical == first.canonical]
    if len(same) == 1:
        return first
    levels = [evidence.units[au].level or 0 for au in first.units_for if au in evidence.units]
    strongest = max(levels, default=0)
    wanted = "stronger" if strongest >= 4 else "milder" if 0 < strongest <= 2 else "same"
    return next(
        (c for c in same if shade_of(c.label) == wanted), next((c for c in same if shade_of(c.label) == "same"), first)
    )


def _named(evidence: Evidence, interpretation: Interpretation, best: Candidate) -> Decision:
    rivals = [c.score for c in interpretation.candidates if c.canonical != best.canonical]
    lead = best.score - max(rivals, default=0.0)
    word: Confidence = "low"
    for name, (support, margin) in (("moderate", MODERATE), ("high", HIGH)):
        if best.score >= support and lead >= margin:
            word = "high" if name == "high" else "moderate"
    lowered = [c for c in _LOWERING if c in interpretation.caveats and c != "core_not_measured"]
    if best.core_not_measured:
        lowered.append("core_not_measured")
    resting = best.units_against if best.canonical == "neutral" else best.units_for
    if any(evidence.units[au].uncertain for au in resting if au in evidence.units):
        lowered.append("uncertain")
    if any(au in best.units_for for pair in evidence.conflicts for au in pair):
        lowered.append("conflict")
    if _engineering(best.canonical):
        lowered.append("engineering")
    word = _down(word, len(lowered))
    if best.canonical == "disgust" and 9 not in best.units_for and word == "high":  # I20: 10 alone, medium confidence
        word = "moderate"
        lowered.append("no_nose_wrinkle")
    if best.canonical == "contempt" and interpretation.unsided_contempt:
        word = "low"
        lowered.append("sides")
    if interpretation.blend is not None and best.label in interpretation.blend:
        word = "low"
        lowered.append("blend")
    return _decision(interpretation, best, None, word, tuple(lowered))


def _down(word: Confidence, steps: int) -> Confidence:
    return _WORDS[max(_WORDS.index(word) - steps, 0)]


def _decision(
    interpretation: Interpretation,
    best: Candidate | None,
    abstain: str | None,
    word: Confidence = "low",
    lowered: tuple[str, ...] = (),
) -> Decision:
    rest = [c for c in interpretation.candidates if c is not best and c.score > 0]
    shown = ([best, *rest] if best is not None else rest)[:SHOWN]
    affect = None if abstain in _NO_EVIDENCE else interpretation.affect
    return Decision(
        label=None if best is None else best.label,
        confidence=word,
        abstain=abstain,
        alternatives=tuple(shown),
        valence=None if affect is None else affect[0],
        arousal=None if affect is None else affect[1],
        affect_source=None if affect is None else AFFECT_SOURCE,
        pain=interpretation.pain,
        pain_ceiling=interpretation.pain_ceiling,
        pain_missing=interpretation.pain_missing,
        pain_smile=interpretation.pain_smile,
        lowered_by=lowered,
        unknown_labels=interpretation.unknown_labels,
    )
