"""Questions about an explained face, answered from its evidence alone: a unit, a region, a label, the reason why.

The question is read by the verifier's own reader, so it understands what that understands: AUs by number, name or plain
words, parts of the face, and labels.
"""

from __future__ import annotations

import re

from fervlm.errors import FervlmError
from fervlm.facs.labels import canonical_label
from fervlm.facs.units import action_unit
from fervlm.reasoning.observe import LEVEL_LETTERS, Evidence, observe
from fervlm.reasoning.verifier.claims import read_claims
from fervlm.reasoning.verifier.tokens import sentences
from fervlm.reasoning.wording.naming import codes, label_phrase, names
from fervlm.reasoning.wording.regions import REGION_UNITS, REGION_WORDS
from fervlm.records import Alternative, Prediction

_WHY = re.compile(r"\b(why|reason|because|explain how|how come|what makes)\b", re.IGNORECASE)
_WHOLE = re.compile(r"\b(describe|explain|caption|expression|what (?:do you see|is shown)|analy[sz]e)\b", re.IGNORECASE)
_WORDS = re.compile(r"[a-z]+(?:[ -][a-z]+)?|[a-z]+", re.IGNORECASE)
_REGIONS = {
    "brow": "brow", "brows": "brow", "eyebrow": "brow", "eyebrows": "brow", "forehead": "brow",
    "eye": "eyes", "eyes": "eyes", "lids": "eyes", "eyelids": "eyes",
    "cheek": "cheeks", "cheeks": "cheeks", "nose": "nose", "nostrils": "nose",
    "mouth": "mouth", "lips": "mouth", "lip": "mouth", "chin": "chin", "jaw": "jaw",
}  # fmt: skip
_MOST = 4
"""Units or labels that one answer speaks of."""


def reply(question: str, prediction: Prediction) -> str | None:
    """An answer of a few sentences; None where the question asks for the whole explanation or is not understood."""
    caption = prediction.caption
    if caption is None or not question.strip():
        return None
    evidence = observe(prediction.evidence)
    labels = _labels_in(question, caption.conclusion.alternatives)
    if labels:
        return " ".join(_label(one, caption.conclusion.alternatives, evidence) for one in labels[:_MOST])
    units = _units_in(question)
    regions = [_REGIONS[word] for word in re.findall(r"[a-z]+", question.lower()) if word in _REGIONS]
    if regions and len(units) != 1 and not re.search(r"\bAU\s?\d", question, re.IGNORECASE):
        return _region(regions[0], prediction, evidence)
    if units:
        return " ".join(_unit(au, evidence) for au in units[:_MOST])
    if _WHY.search(question):
        return f"{caption.interpretation} {caption.conclusion.text}"
    return None


def _units_in(question: str) -> list[int]:
    found = [int(number) for number in re.findall(r"\bAU\s?0*(\d{1,2})\b", question, re.IGNORECASE)]
    for sentence in sentences(question):
        for draft in read_claims(sentence, "text").drafts:
            if draft.kind == "au":
                found += draft.units.aus
    return list(dict.fromkeys(found))


def _labels_in(question: str, known: tuple[Alternative, ...]) -> list[str]:
    """Labels that the question names, as the candidates spell them where they do."""
    spelled = {canonical_label(one.label) or one.label.lower(): one.label for one in known}
    found = []
    for match in _WORDS.finditer(question):
        for word in (match[0], *match[0].split()):
            key = canonical_label(word) or (word.lower() if word.lower() in spelled else None)
            if key is not None:
                found.append(spelled.get(key, key.replace("_", " ")))
    return list(dict.fromkeys(found))


def _unit(au: int, evidence: Evidence) -> str:
    try:
        name = action_unit(au).name.lower()
    except FervlmError:
        return f"FACS has no AU{au}."
    unit = evidence.units.get(au)
    if unit is None:
        return f"AU{au} ({name}) was not measured, so nothing can be said about it."
    if not unit.present:
        return f"AU{au} is absent."
    side = f" on the {unit.side}" if unit.side in {"left", "right"} else ""
    level = f" at level {LEVEL_LETTERS[unit.level - 1]}" if unit.level is not None else ""
    return f"AU{au} is present{side}{level}."


def _region(region: str, prediction: Prediction, evidence: Evidence) -> str:
    assert prediction.caption is not None
    wanted = set(REGION_UNITS[region])
    told = [
        seen.text
        for seen in prediction.caption.observations
        if seen.region == region or any(unit.au in wanted for unit in seen.units)
    ]
    if told:
        return " ".join(told)
    absent = tuple(au for au in REGION_UNITS[region] if evidence.absent(au))
    if absent:
        return f"Nothing measured there is present: no {codes(absent, 'and no')}."
    return f"No movement of the {REGION_WORDS[region].name} was measured."


def _label(label: str, known: tuple[Alternative, ...], evidence: Evidence) -> str:
    told = next((one for one in known if one.label == label), None)
    phrase = label_phrase(label, canonical_label(label))
    if told is None:
        return f"No measured movement speaks for {phrase}."
    pros = tuple(au for au in told.units_for if evidence.present(au))
    cons = tuple(au for au in told.units_against if evidence.present(au))
    parts = [f"For {phrase} {_speak(pros)} {names(pros)}." if pros else f"No measured movement speaks for {phrase}."]
    if cons:
        parts.append(f"Against {phrase} {_speak(cons)} {names(cons)}.")
    if told.not_measured:
        parts.append(f"{codes(told.not_measured)} {'was' if len(told.not_measured) == 1 else 'were'} not measured.")
    return " ".join(parts)


def _speak(aus: tuple[int, ...]) -> str:
    return "speaks" if len(aus) == 1 else "speak"
