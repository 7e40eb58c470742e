"""What a prediction says, sentence by sentence with its verdict: the text that cards, pages and notebooks show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fervlm.records import Caption, Claim, Prediction, Section, Verdict, Verification

TITLES: dict[Section, str] = {
    "overview": "Overview",
    "observation": "Key observations",
    "interpretation": "Interpretation",
    "course": "Course over time",
    "conclusion": "Conclusion",
    "text": "Text",
}
_WORST: tuple[Verdict, ...] = ("forbidden", "contradicted", "unmeasured", "supported")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence as it is shown."""

    section: Section
    text: str
    claims: tuple[Claim, ...] = ()
    verdict: Verdict | None = None
    """The worst verdict among its claims; None where nothing in it was checked."""
    units: tuple[int, ...] = ()
    """AUs it speaks of."""

    @property
    def faults(self) -> tuple[Claim, ...]:
        """The claims that the evidence does not bear out."""
        return tuple(claim for claim in self.claims if claim.verdict != "supported")


def checked_sentences(verification: Verification) -> Iterator[Sentence]:
    """The sentences of a verification, in order."""
    for check in verification.sentences:
        found = {claim.verdict for claim in check.claims}
        verdict = next((v for v in _WORST if v in found), None)
        if not check.ok and verdict in {None, "supported"}:
            verdict = "contradicted"
        units = tuple(dict.fromkeys(au for claim in check.claims for au in claim.aus))
        yield Sentence(check.section, check.text, check.claims, verdict, units)


def caption_sentences(caption: Caption) -> Iterator[Sentence]:
    """The parts of a caption that was not checked."""
    yield Sentence("overview", caption.overview)
    for observation in caption.observations:
        units = tuple(dict.fromkeys(unit.au for unit in observation.units))
        yield Sentence("observation", observation.text, units=units)
    if caption.interpretation:
        yield Sentence("interpretation", caption.interpretation)
    yield Sentence("conclusion", caption.conclusion.text)


def sentences_of(prediction: Prediction) -> dict[Section, list[Sentence]]:
    """What a prediction says, by section in reading order; sections without text are left out."""
    if prediction.verification is not None:
        found = list(checked_sentences(prediction.verification))
    else:
        found = list(caption_sentences(prediction.caption)) if prediction.caption else []
    if prediction.course and not any(sentence.section == "course" for sentence in found):
        found.append(Sentence("course", prediction.course))
    sections = {section: [s for s in found if s.section == section] for section in TITLES}
    return {section: members for section, members in sections.items() if members}


def spans(sentence: Sentence) -> Iterator[tuple[str, Claim | None]]:
    """The sentence cut where claims begin and end; of overlapping claims the one at fault, else the first, is kept."""
    kept: list[Claim] = []
    for claim in sorted(sentence.claims, key=lambda c: (c.verdict == "supported", c.start, -len(c.text))):
        start, end = claim.start, claim.start + len(claim.text)
        fits = sentence.text[start:end] == claim.text and end > start
        if fits and all(end <= other.start or start >= other.start + len(other.text) for other in kept):
            kept.append(claim)
    at = 0
    for claim in sorted(kept, key=lambda c: c.start):
        if claim.start > at:
            yield sentence.text[at : claim.start], None
        yield claim.text, claim
        at = claim.start + len(claim.text)
    if at < len(sentence.text) or not sentence.text:
        yield sentence.text[at:], None


def fault_line(claim: Claim) -> str:
    """A claim's fault in one clause: its words, the verdict, the reason."""
    reason = f": {claim.reason}" if claim.reason else ""
    return f"\u201c{claim.text}\u201d is {claim.verdict}{reason}"


def checked_line(verification: Verification | None) -> str:
    """How the check came out, and against which evidence."""
    if verification is None:
        return "Not checked."
    claims = [claim for sentence in verification.sentences for claim in sentence.claims]
    faults = sum(claim.verdict != "supported" for claim in claims)
    result = "all supported" if verification.ok else "the format is not right"
    if faults:
        result = f"{faults} not supported"
    return f"{len(claims)} claims checked, {result}; against {verification.against}."


def headline(prediction: Prediction) -> tuple[str, str]:
    """The label, or why there is none, in large and in small words."""
    if prediction.caption is None:
        return "No face", "nothing to describe"
    conclusion = prediction.caption.conclusion
    if prediction.label is not None and prediction.probabilities is not None:
        return prediction.label, f"{prediction.probabilities.get(prediction.label, 0):.0%} by the model"
    if prediction.label is not None:
        return prediction.label, f"{conclusion.confidence} confidence"
    if conclusion.abstain == "observe-only":
        return "Movements only", "no label was asked for"
    return "No label", conclusion.abstain or "abstained"


def _end_of(path: str) -> str:
    """A file with its folder: enough to tell it, short enough for a figure."""
    return "/".join(re.split(r"[\\/]", path)[-2:])


def place_line(prediction: Prediction) -> str:
    """Which picture, face and moment this is."""
    parts = [_end_of(prediction.evidence.picture or prediction.source.file)]
    if prediction.face_id is not None:
        parts.append(f"face {prediction.face_id}")
    evidence = prediction.evidence
    if evidence.time_s is not None:
        span = prediction.span_s
        parts += [f"{span[0]:.2f} to {span[1]:.2f} s", f"shown at {evidence.time_s:.2f} s"] if span else []
        parts += [f"{evidence.time_s:.2f} s"] if not span else []
    elif prediction.frame is not None:  # no time stamps: seconds would be a guess
        parts.append(f"shown at frame {prediction.frame}" if prediction.span_s else f"frame {prediction.frame}")
    elif prediction.source.row is not None:
        parts.append(f"row {prediction.source.row}")
    return " \u00b7 ".join(parts)


def affect_line(prediction: Prediction) -> str:
    """Valence, arousal and pain where they are given; what the action units imply, where a model gave the label."""
    parts = []
    if prediction.valence is not None:
        parts.append(f"valence {prediction.valence:+.2f}")
    if prediction.arousal is not None:
        parts.append(f"arousal {prediction.arousal:+.2f}")
    if prediction.pain is not None:
        ceiling = f" of {prediction.pain_ceiling:g}" if prediction.pain_ceiling is not None else ""
        parts.append(f"PSPI {prediction.pain:.1f}{ceiling}")
    if prediction.agreement is not None:
        parts.append(f"action units imply {prediction.agreement.au_label or 'no label'}")
    return " \u00b7 ".join(parts)


def agreement_line(prediction: Prediction) -> str | None:
    """The model's label beside that of the action units; None where no model gave one."""
    told = prediction.agreement
    if told is None or told.model_label is None:
        return None
    share = (prediction.probabilities or {}).get(told.model_label)
    model = told.model_label + ("" if share is None else f" ({share:.2f})")
    if told.equal:
        return f"The model's label is {model}, and the action units imply the same."
    implied = f"imply {told.au_label}" if told.au_label is not None else "imply no label"
    return f"The model's label is {model}, but the action units {implied}; the explanation is of the action units."


def detector_line(prediction: Prediction) -> str:
    """Who measured, and how far to trust it."""
    detector = prediction.evidence.detector
    version = f" {detector.version}" if detector.version else ""
    return f"Measured by {detector.name}{version} (trust: {detector.trust}); {prediction.versions.engine}"
