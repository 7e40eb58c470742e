"""A draft against the evidence: supported, contradicted, unmeasured, with the reason in one clause."""

from __future__ import annotations

import re
from typing import Literal

from fervlm.reasoning.observe import LEVEL_LETTERS, Evidence, Unit
from fervlm.reasoning.verifier.drafts import Draft
from fervlm.reasoning.verifier.kinds import Loose
from fervlm.records import Claim, Section, SentenceCheck, Side, Verdict, assemble

ClaimKind = Literal["au", "intensity", "side", "label", "emotion_word", "person", "order", "quality"]
Judged = tuple[ClaimKind, Verdict, str | None]

_CLAIM_FIELDS = frozenset(Claim.model_fields)
_CHECK_FIELDS = frozenset(SentenceCheck.model_fields)
_MEASURING = re.compile(
    r"\b(?:no|not|nothing|without|outside|beyond|never|neither|nor|silent|blind|missing|lacks?|lacking|absent|unknown|un\w+)\b"
    r".*\b(?:detectors?|tools?|model|system|software|schemes?|sensors?|channels?|columns?|readings?|values?|data|output"
    r"|list|protocol|measure|cover(?:ed|s)?|rated|tracked|monitored|captured|assessed|evaluated)\b"
    r"|\b(?:un|not )(?:scored|coded|rated|measured|assessed)\b"
    r"|\b(?:detector|tool|model|system|software|scheme|sensor|data|output)\b.*(?:\b(?:no|not|nothing|silent|blind|never)\b|n't\b)",
    re.IGNORECASE,
)
_OK: Judged = ("au", "supported", None)
_PUBLISHED: dict[str, Side] = {
    "left": "left", "right": "right", "both": "both", "pair": "both", "more_left": "left", "more_right": "right",
}  # fmt: skip
"""The side that a claim shows for that of a draft; none for the others."""


def claim(draft: Draft, sentence: str, judged: Judged) -> Claim:
    """The published form of a judged draft."""
    side = draft.side
    units = draft.units
    return assemble(
        Claim,
        _CLAIM_FIELDS,
        {
            "kind": judged[0],
            "text": sentence[draft.start : draft.end],
            "start": draft.start,
            "aus": units.aus + units.also,
            "side": None if side is None else _PUBLISHED.get(side),
            "level": draft.level,
            "negated": draft.negated,
            "hedged": draft.hedged,
            "label": draft.label,
            "verdict": judged[1],
            "reason": judged[2],
        },
    )


def sentence_check(
    section: Section, region: str | None, text: str, claims: tuple[Claim, ...], ok: bool
) -> SentenceCheck:
    """A sentence with its judged claims."""
    return assemble(
        SentenceCheck, _CHECK_FIELDS, {"section": section, "region": region, "text": text, "claims": claims, "ok": ok}
    )


def forbidden(kind: ClaimKind, sentence: str, start: int, end: int, reason: str) -> Claim:
    """A wording that no evidence could allow."""
    return assemble(
        Claim,
        _CLAIM_FIELDS,
        {
            "kind": kind, "text": sentence[start:end], "start": start, "aus": (), "side": None, "level": None,
            "negated": False, "hedged": False, "label": None, "verdict": "forbidden", "reason": reason,
        },
    )  # fmt: skip


def _numbers(aus: tuple[int, ...] | list[int]) -> str:
    return ", ".join([f"AU{au}" for au in aus])


def speaks_of_measuring(text: str) -> bool:
    """Whether a sentence speaks of what was measured, so that an unmeasured unit in it may be named as such."""
    return _MEASURING.search(text) is not None


def judge_units(draft: Draft, evidence: Evidence) -> Judged:
    """The verdict on a claim about action units."""
    if draft.kind == "quality":
        return _quality(draft, evidence)
    if draft.lower:
        return _lower(draft, evidence)
    return _denied(draft, evidence) if draft.negated else _affirmed(draft, evidence)


def _affirmed(draft: Draft, evidence: Evidence) -> Judged:
    units = evidence.units
    wanted = draft.units
    wrong: Judged | None = None
    side, level = draft.side, draft.level
    for au in wanted.aus + wanted.also + wanted.near:
        unit = units.get(au)
        if unit is None or unit.state != "present":
            continue
        if side is None and level is None:
            return _OK
        found = _side_and_level(unit, draft)
        if found is None:
            return _OK
        wrong = wrong or found
    if wrong is not None:
        return wrong
    missing = [au for au in wanted.aus if au not in units]
    if missing and (not wanted.either or len(missing) == len(wanted.aus)):
        return "au", "unmeasured", f"{_numbers(missing)} not measured"
    return "au", "contradicted", f"{_numbers(wanted.aus)} absent"


def _side_and_level(unit: Unit, draft: Draft) -> Judged | None:
    """What is wrong with the side or strength named for a present unit."""
    if draft.side is not None:
        reason = _side(unit, draft)
        if reason is not None:
            return "side", "unmeasured" if unit.side is None else "contradicted", reason
    if draft.level is not None:
        low, high = draft.level
        if unit.level is None:
            if isinstance(draft.level, Loose):
                return None
            return "intensity", "unmeasured", f"AU{unit.au} has no measured strength"
        weaker = draft.paired and unit.stronger is not None and unit.stronger != draft.side
        if not (low < unit.level if weaker else low <= unit.level <= high):
            return "intensity", "contradicted", f"AU{unit.au} is at level {LEVEL_LETTERS[unit.level - 1]}"
    return None


def _side(unit: Unit, draft: Draft) -> str | None:
    """Why the side named for a present unit does not hold; None where it does."""
    named, here = draft.side, unit.side
    if named == "even":
        return f"AU{unit.au} is uneven" if here in ("left", "right") or unit.stronger else None
    if named in ("pair", "both") and here is None:
        return None  # "both corners" says no more than "the corners" where sides were not measured
    if here is None:
        return f"AU{unit.au} was not measured by side"
    if named == "one":
        fits = here != "both" or unit.stronger is not None
    elif named in ("both", "pair"):
        fits = here == "both"
    elif named in ("more_left", "more_right"):
        wanted: Side = "left" if named == "more_left" else "right"
        fits = wanted in (here, unit.stronger)
    elif draft.paired:
        fits = here in (named, "both")
    else:
        fits = named in (here, unit.stronger)
    return None if fits else f"AU{unit.au} is on {'both sides' if here == 'both' else f'the {here}'}"


def _denied(draft: Draft, evidence: Evidence) -> Judged:
    units = evidence.units
    wanted = draft.units
    if wanted.vague:
        return _OK
    side = draft.side
    doubtful = False
    for au in wanted.aus:
        unit = units.get(au)
        if unit is None or unit.state != "present":
            continue
        if side in ("left", "right"):
            if unit.side is None:
                return "side", "unmeasured", f"AU{au} was not measured by side"
            if unit.side not in (side, "both"):
                continue
        if unit.uncertain and draft.hedged:
            doubtful = True
            continue
        return "au", "contradicted", f"AU{au} is present"
    if doubtful:
        return _OK
    missing = [au for au in wanted.aus if au not in units]
    if missing and (not wanted.either or len(missing) == len(wanted.aus)):
        return "au", "unmeasured", f"{_numbers(missing)} not measured"
    return _OK


def _lower(draft: Draft, evidence: Evidence) -> Judged:
    """ "not strongly raised": absent, or present below that strength."""
    assert draft.level is not None
    for au in draft.units.aus + draft.units.also:
        unit = evidence.units.get(au)
        if unit is None or unit.state != "present":
            continue
        if unit.level is None:
            return "intensity", "unmeasured", f"AU{au} has no measured strength"
        if unit.level >= draft.level[0]:
            return "intensity", "contradicted", f"AU{au} is at level {LEVEL_LETTERS[unit.level - 1]}"
    missing = [au for au in draft.units.aus if au not in evidence.units]
    if missing and len(missing) == len(draft.units.aus):
        return "au", "unmeasured", f"{_numbers(missing)} not measured"
    return _OK


def _quality(draft: Draft, evidence: Evidence) -> Judged:
    """ "AU6 was not measured" must be true as well."""
    if evidence.tracked and draft.units.aus and all(au in evidence.units for au in draft.units.aus):
        return "quality", "contradicted", f"{_numbers(draft.units.aus)} measured"
    return "quality", "supported", None


def judge_rest(draft: Draft, evidence: Evidence, affirmed: frozenset[int]) -> Judged:
    """ "nothing moves" (`all`), or nothing but what the text affirms (`rest`); in a region, where units are named."""
    region = draft.units.aus + draft.units.also
    if not evidence.units or (region and not any(au in evidence.units for au in region)):
        return "au", "unmeasured", "nothing of this was measured"
    told = affirmed if draft.kind == "rest" or not region else frozenset()  # a text that affirms some means the rest
    left = [
        unit.au
        for unit in evidence.units.values()
        if unit.state == "present"
        and unit.au not in told
        and (not region or unit.au in region)
        and (draft.side not in ("left", "right") or unit.side in (draft.side, "both"))
    ]
    if left:
        return "au", "contradicted", f"{_numbers(left)} present"
    return _OK
