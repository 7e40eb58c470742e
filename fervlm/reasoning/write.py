"""Fourth stage: words. Evidence, interpretation and decision become a `Caption`; the seed picks among true wordings.

Equal evidence (`Evidence.signature`) with an equal interpretation, decision and seed gives equal words, whatever the
record is called. The sentence on a region rests on that region's units and the seed alone.
"""

from __future__ import annotations

from fervlm import __version__
from fervlm.facs.labels import LabelSet, canonical_label
from fervlm.reasoning.findings import Candidate, Decision, Interpretation
from fervlm.reasoning.interpret import interpret
from fervlm.reasoning.observe import Evidence
from fervlm.reasoning.wording import conclusions
from fervlm.reasoning.wording.choice import Choice, key_of, unit_code
from fervlm.reasoning.wording.concluding import conclusion_text
from fervlm.reasoning.wording.interpreting import interpretation_text, movements_only
from fervlm.reasoning.wording.naming import label_phrase
from fervlm.reasoning.wording.observing import observations
from fervlm.reasoning.wording.overview import overview
from fervlm.records import Alternative, AURecord, Caption, Conclusion, Observation, Provenance, Scale

ENGINE = f"fervlm {__version__}"
OBSERVE_ONLY = "observe-only"
"""`Conclusion.abstain` where movements alone were asked for."""
WORDS = 145
"""What the whole text keeps to, as far as the number of movements allows."""
_CONCLUSION_WORDS = 30
_LABEL_WORDS = 16
_OVERVIEW, _INTERPRETATION, _CONCLUSION, _ANCHORED = 11, 12, 13, 14


def write(
    record: AURecord,
    evidence: Evidence,
    interpretation: Interpretation,
    decision: Decision,
    *,
    labels: LabelSet,
    seed: int = 0,
    observe_only: bool = False,
) -> Caption:
    """The caption of one face.

    Args:
        record: where the evidence came from; only detector and scales are taken from it, for the provenance.
        evidence: from `observe(record)`.
        interpretation: from `interpret`.
        decision: from `conclude`.
        labels: the label set that was interpreted.
        seed: picks among the wordings.
        observe_only: movements only; no label and no emotion word in any part.
    """
    active = evidence.active
    key = key_of([unit_code(unit) for unit in evidence.units.values()], seed, 0)
    told = overview(evidence, active, Choice(key + _OVERVIEW))
    observed = _observed(evidence, seed)
    choice = Choice(key + _INTERPRETATION)
    if observe_only:
        interpreted = movements_only(evidence, active, interpretation.caveats, choice)
        text = Choice(key + _CONCLUSION).of(conclusions.ABSTENTIONS[OBSERVE_ONLY])
        conclusion = Conclusion(label=None, confidence="low", abstain=OBSERVE_ONLY, text=text)
    else:
        room = WORDS - _CONCLUSION_WORDS - _words(told) - sum([_words(o.text) for o in observed])
        interpreted, limits = interpretation_text(evidence, active, interpretation, decision, choice, room)
        left = room + _CONCLUSION_WORDS - _words(interpreted)
        conclusion = _conclusion(evidence, decision, limits, Choice(key + _CONCLUSION), left - _LABEL_WORDS)
    return Caption(
        overview=told,
        observations=observed,
        interpretation=interpreted,
        conclusion=conclusion,
        provenance=provenance(record, None if observe_only else labels.name, seed),
    )


def _words(text: str) -> int:
    return text.count(" ") + 1


def provenance(record: AURecord, label_set: str | None, seed: int | None) -> Provenance:
    """Engine, detector, scales, label set and seed of a blind caption."""
    scales: list[Scale] = []
    for reading in record.readings:
        if reading.scale not in scales:
            scales.append(reading.scale)
    return Provenance(
        engine=ENGINE, detector=record.detector.name, scales=tuple(scales), label_set=label_set, seed=seed
    )


def _observed(evidence: Evidence, seed: int) -> tuple[Observation, ...]:
    if evidence.tracked and evidence.units:
        found = observations(evidence, seed)
        return found or (Observation(region="quality", text="None of the measured movements is present."),)
    reason = "No face was tracked." if not evidence.tracked else "No facial movement was measured."
    return (Observation(region="quality", text=reason),)


def _alternative(candidate: Candidate) -> Alternative:
    return Alternative(
        label=candidate.label,
        score=candidate.score,
        units_for=candidate.units_for,
        units_against=candidate.units_against,
        not_measured=candidate.core_not_measured,
    )


def _conclusion(
    evidence: Evidence, decision: Decision, told: tuple[str, ...], choice: Choice, room: int
) -> Conclusion:
    return Conclusion(
        label=decision.label,
        confidence=decision.confidence,
        alternatives=tuple([_alternative(candidate) for candidate in decision.alternatives]),
        abstain=decision.abstain,
        text=conclusion_text(evidence, decision, told, choice, room),
    )
