"""Fourth stage: words. Evidence, interpretation and decision become a `Caption`; the seed picks among true wordings.

Equal evidence (`Evidence.signature`) with an equal interpretation, decision and seed gives equal words, whatever the
record is called. The sentence on a region has few variants for equal units of that region (see `observing`).
"""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter

from fervlm import __version__
from fervlm.facs.labels import LabelSet, canonical_label
from fervlm.reasoning.findings import Candidate, Decision, Interpretation
from fervlm.reasoning.interpret import interpret
from fervlm.reasoning.observe import Evidence
from fervlm.reasoning.wording import conclusions
from fervlm.reasoning.wording.choice import Choice, Turns, key_of
from fervlm.reasoning.wording.concluding import conclusion_text, own_units
from fervlm.reasoning.wording.forms import Forms, forms
from fervlm.reasoning.wording.interpreting import interpretation_text, movements_only
from fervlm.reasoning.wording.naming import label_phrase
from fervlm.reasoning.wording.observing import Kept, observations
from fervlm.reasoning.wording.overview import overview
from fervlm.records import Alternative, AURecord, Caption, Conclusion, Observation, Provenance, Scale, assemble

ENGINE = f"fervlm {__version__}"
OBSERVE_ONLY = "observe-only"
"""`Conclusion.abstain` where movements alone were asked for."""
WORDS = 142
"""What the whole text keeps to, as far as the number of movements allows."""
SOME_SUPPORT = 0.3
"""Least support of a human label that the movements are said to bear out in part."""
_CONCLUSION_WORDS = 30
_LABEL_WORDS = 16
_OVERVIEW, _ANCHORED = 11, 12
_CAPTION, _CONCLUSION, _ALTERNATIVE = (frozenset(made.model_fields) for made in (Caption, Conclusion, Alternative))


def write(
    record: AURecord,
    evidence: Evidence,
    interpretation: Interpretation,
    decision: Decision,
    *,
    labels: LabelSet,
    seed: int = 0,
    observe_only: bool = False,
    kept: Kept | None = None,
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
        kept: a dictionary that a stream passes along, so that region sentences are not put together twice.
    """
    active, key = _read(evidence, seed)
    told = overview(evidence, active, Choice(key + _OVERVIEW))
    observed = _observed(evidence, active, seed, key, kept)
    turns = Turns(seed, key)
    if observe_only:
        interpreted = movements_only(evidence, active, interpretation.caveats, turns)
        text = turns.on(OBSERVE_ONLY).of(conclusions.ABSTENTIONS[OBSERVE_ONLY])
        conclusion = Conclusion(label=None, confidence="low", abstain=OBSERVE_ONLY, text=text)
    else:
        room = WORDS - _CONCLUSION_WORDS - _words(told) - sum([_words(o.text) for o in observed])
        interpreted, limits = interpretation_text(evidence, active, interpretation, decision, turns, room)
        left = room + _CONCLUSION_WORDS - _words(interpreted)
        conclusion = _conclusion(evidence, decision, limits, turns, left - _LABEL_WORDS)
    return assemble(
        Caption,
        _CAPTION,
        {
            "schema_version": "1",
            "overview": told,
            "observations": observed,
            "interpretation": interpreted,
            "conclusion": conclusion,
            "provenance": provenance(record, None if observe_only else labels.name, seed),
        },
    )


def _read(evidence: Evidence, seed: int) -> tuple[list[Forms], int]:
    """The wordings of the present units from the top of the face down, and the key of all choices on the whole face."""
    active = []
    numbers = []
    for unit in evidence.units.values():
        if unit.state == "present":
            found = forms(unit)
            active.append(found)
            numbers.append(found.code)
        else:
            numbers.append(unit.au)
    active.sort(key=attrgetter("place"))
    return active, key_of(numbers, seed, 0)


def _words(text: str) -> int:
    return text.count(" ") + 1


def provenance(record: AURecord, label_set: str | None, seed: int | None) -> Provenance:
    """Engine, detector, scales, label set and seed of a blind caption."""
    return _provenance(record.detector.name, scales_of(record), label_set, seed)


@lru_cache(maxsize=256)
def _provenance(detector: str, scales: tuple[Scale, ...], label_set: str | None, seed: int | None) -> Provenance:
    return Provenance(engine=ENGINE, detector=detector, scales=scales, label_set=label_set, seed=seed)


def scales_of(record: AURecord) -> tuple[Scale, ...]:
    """The scales of a record's readings, in the order of their first appearance."""
    return tuple(dict.fromkeys([reading.scale for reading in record.readings]))


def _observed(
    evidence: Evidence, active: list[Forms], seed: int, turn: int, kept: Kept | None
) -> tuple[Observation, ...]:
    if evidence.tracked and evidence.units:
        found = observations(evidence, active, seed, turn, kept)
        return found or (Observation(region="quality", text="None of the measured movements is present."),)
    reason = "The face was not tracked." if not evidence.tracked else "The movements of this face were not measured."
    return (Observation(region="quality", text=reason),)


def _alternative(candidate: Candidate) -> Alternative:
    return assemble(
        Alternative,
        _ALTERNATIVE,
        {
            "label": candidate.label,
            "score": round(candidate.score, 2),
            "units_for": candidate.units_for,
            "units_against": candidate.units_against,
            "not_measured": candidate.core_not_measured,
        },
    )


def _conclusion(evidence: Evidence, decision: Decision, told: tuple[str, ...], turns: Turns, room: int) -> Conclusion:
    return assemble(
        Conclusion,
        _CONCLUSION,
        {
            "label": decision.label,
            "confidence": decision.confidence,
            "alternatives": tuple([_alternative(candidate) for candidate in decision.alternatives]),
            "abstain": decision.abstain,
            "text": conclusion_text(evidence, decision, told, turns, room),
        },
    )


def anchored(
    caption: Caption,
    human_label: str,
    evidence: Evidence,
    labels: LabelSet,
    interpretation: Interpretation | None = None,
) -> Caption:
    """The caption with a human label in its overview and conclusion, and how far the movements bear it out.

    Observations and interpretation stay as they are; they come from the evidence alone. The view is for training:
    the label is the annotators', never ours.

    Args:
        caption: a blind caption of `write` on the same evidence.
        human_label: the label beside the data, preferably as `labels` writes it.
        evidence: what the caption was written from.
        labels: the label set of the caption.
        interpretation: of `evidence` alone (no head, no gaze) and `labels`, where the caller has it; saves making it.
    """
    canonical = labels.canonical.get(human_label) or canonical_label(human_label)
    own = _own_candidate(human_label, canonical, evidence, labels, interpretation)
    stance = _stance(caption, canonical, own, evidence, labels)
    phrase = label_phrase(human_label, canonical)
    choice = Choice(key_of(caption.overview.encode(), len(human_label), _ANCHORED))
    blind = caption.conclusion
    parts = [choice.of(conclusions.ANNOTATED[stance]).replace("{L}", phrase) + "."]
    parts += own_units(own, evidence, choice) if own is not None else []
    if stance != "agrees" and blind.label is not None:
        alone = label_phrase(blind.label, labels.canonical.get(blind.label))
        parts.append(choice.of(conclusions.ALONE).replace("{L}", alone))
    row = () if own is None else (_alternative(own),)
    return caption.model_copy(
        update={
            "overview": _annotated_overview(caption.overview, phrase, choice),
            "conclusion": Conclusion(
                label=human_label,
                confidence=blind.confidence if stance == "agrees" else "low",
                alternatives=row + tuple([other for other in blind.alternatives if other.label != human_label]),
                text=" ".join(parts),
            ),
            "provenance": None
            if caption.provenance is None
            else caption.provenance.model_copy(update={"view": "anchored"}),
        }
    )


def _own_candidate(
    label: str, canonical: str | None, evidence: Evidence, labels: LabelSet, made: Interpretation | None
) -> Candidate | None:
    """The human label held against the evidence, also where it is not of the caption's label set."""
    if canonical is None or not evidence.tracked or not evidence.units:
        return None
    if label not in labels.canonical:
        made = interpret(evidence, LabelSet("human", (label,), {label: canonical}, {}))
    elif made is None:
        made = interpret(evidence, labels)
    return next((c for c in made.candidates if c.label == label), None)


def _stance(
    caption: Caption, canonical: str | None, own: Candidate | None, evidence: Evidence, labels: LabelSet
) -> str:
    """Key of `conclusions.ANNOTATED`: how far the evidence bears the human label out."""
    if not evidence.tracked or not evidence.units:
        return "unseen"
    if own is None:
        return "unknown"
    blind = caption.conclusion.label
    if blind is not None and labels.canonical.get(blind) == canonical:
        return "agrees"
    return "partly" if own.score >= SOME_SUPPORT else "little"


def _annotated_overview(text: str, phrase: str, choice: Choice) -> str:
    return choice.of(conclusions.ANNOTATED_OVERVIEW).format(L=phrase, o=text[0].lower() + text[1:])
