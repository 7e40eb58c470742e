"""The chat view: questions about one face, each answered from its evidence and in words that the verifier can check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal
from zlib import crc32

from data_engine.table import Texts
from fervlm.facs.labels import LabelSet
from fervlm.facs.units import action_unit, action_units
from fervlm.reasoning.findings import Candidate
from fervlm.reasoning.observe import Evidence
from fervlm.reasoning.wording.forms import denial
from fervlm.reasoning.wording.naming import codes, label_phrase, names
from fervlm.reasoning.wording.regions import REGION_UNITS
from fervlm.records import Caption

Row = dict[str, Any]
ASK_LABEL = (
    "Which of these expressions does the face show: {labels}?",
    "Choose the expression shown: {labels}. Answer with the label alone.",
    "What expression is this? Options: {labels}.",
)
ASK_CAPTION = (
    "Describe the facial expression and explain it: key observations, interpretation, conclusion.",
    "What expression does this face show, and why?",
    "Explain this expression from its facial movements.",
)
ASK_REGION = ("What does the {region} do?", "Describe the {region}.", "What can be seen at the {region}?")
ASK_WHY_NOT = ("Why not {label}?", "Could it be {label}?", "What speaks against calling it {label}?")
ASK_AGAINST = ("Which movement speaks against {label}?", "Is there a movement that does not fit {label}?")
ASK_MOVEMENTS = (
    "Describe only the movements of the face, without naming an emotion.",
    "List what moves in this face. No emotion words, please.",
)
ASK_UNITS = ("Which action units does the face show?", "List the action units that are present.")
NO_UNITS = "No action unit that was measured is present."
ASK_UNIT = ("Is AU{au} ({name}) present?", "Does the face show AU{au}, {name}?")
UNMEASURED = (
    "That cannot be said: AU{au} was not measured.",
    "AU{au} was not measured, so nothing can be said about it.",
)
NOT_COVERED = "That cannot be said: no movement of this region was measured."
_CANDIDATES = 4
"""Labels that may be asked about, best first."""
LEFT_OPEN = "No label: the movements leave it open."


def conversations(
    key: str,
    caption: Caption,
    texts: Texts,
    evidence: Evidence,
    labels: LabelSet,
    candidates: tuple[Candidate, ...],
) -> list[Row]:
    """All conversations about one face, as `fervlm.records.Chat` dumps them.

    `key` (the sample's id) chooses among wordings and topics.

    `candidates` are the ranked labels of the interpretation that the caption was written from.
    """
    turn = crc32(key.encode())
    listed = ", ".join(labels.labels)
    ask_label = ASK_LABEL[turn % len(ASK_LABEL)].format(labels=listed)
    ask_caption = ASK_CAPTION[turn // 3 % len(ASK_CAPTION)]
    chats = [
        _chat("label", "blind", (ask_label, caption.conclusion.label or LEFT_OPEN)),
        _chat("caption", "blind", (ask_caption, texts.blind)),
        _chat("observe_only", "blind", (ASK_MOVEMENTS[turn % len(ASK_MOVEMENTS)], _movements(caption))),
        _chat("region", "blind", *_region_turns(caption, evidence, turn)),
        *_about_labels(candidates[:_CANDIDATES], evidence, turn),
        *_about_units(evidence, turn),
    ]
    if texts.anchored is not None and texts.human_label is not None:
        chats.append(_chat("label", "anchored", (ask_label, texts.human_label)))
        chats.append(_chat("caption", "anchored", (ask_caption, texts.anchored)))
    return chats


def _chat(kind: str, view: Literal["blind", "anchored"], *turns: tuple[str, str]) -> Row:
    # Plain values, ten to a face: records of them would cost more than the words.
    messages: list[Row] = []
    for question, answer in turns:
        messages.append({"role": "user", "content": question})
        messages.append({"role": "assistant", "content": answer})
    return {"kind": kind, "view": view, "messages": messages}


def _movements(caption: Caption) -> str:
    return " ".join((caption.overview, *(observation.text for observation in caption.observations)))


def _region_turns(caption: Caption, evidence: Evidence, turn: int) -> Iterator[tuple[str, str]]:
    """Three regions in one conversation, one of them still or unmeasured where there is one."""
    told: dict[str, list[str]] = {}
    for observation in caption.observations:
        told.setdefault(observation.region, []).append(observation.text)
    moving = [region for region in told if region in REGION_UNITS]
    still = [region for region in _ASKED if region not in told and not _moves(region, evidence)]
    chosen = _rotated(moving, turn)[:2] + _rotated(still, turn)[: 3 - min(2, len(moving))]
    for k, region in enumerate(chosen or ["mouth"]):
        ask = ASK_REGION[(turn + k) % len(ASK_REGION)].format(region=region)
        yield ask, " ".join(told[region]) if region in told else _quiet(region, evidence, turn)


_ASKED = ("brow", "eyes", "nose", "mouth", "chin")


def _moves(region: str, evidence: Evidence) -> bool:
    """Whether a unit of the region is present: its movement may be told in a neighbour's sentence."""
    return any(evidence.present(au) for au in REGION_UNITS[region])


def _rotated(items: list[str], turn: int) -> list[str]:
    start = turn % len(items) if items else 0
    return items[start:] + items[:start]


def _quiet(region: str, evidence: Evidence, turn: int) -> str:
    absent = [au for au in REGION_UNITS[region] if evidence.absent(au) and au in action_units()]
    if not absent:
        return NOT_COVERED
    clause = denial(absent[turn % len(absent)], turn)
    return f"{clause[0].upper()}{clause[1:]}."


def _about_labels(candidates: tuple[Candidate, ...], evidence: Evidence, turn: int) -> Iterator[Row]:
    """Why not the runner-up, and what speaks against the label itself."""
    if not candidates:
        return
    first, rest = candidates[0], candidates[1:]
    ask = ASK_AGAINST[turn % len(ASK_AGAINST)].format(label=label_phrase(first.label))
    known = tuple(au for au in first.units_against if evidence.present(au))
    answer = (
        f"{_sentence(names(known))} {_speaks(known)} against it." if known else "There is none among those measured."
    )
    yield _chat("against", "blind", (ask, answer))
    if rest:
        other = rest[turn % len(rest)]
        ask = ASK_WHY_NOT[turn // 5 % len(ASK_WHY_NOT)].format(label=label_phrase(other.label))
        yield _chat("why_not", "blind", (ask, _why_not(other, evidence)))


def _why_not(other: Candidate, evidence: Evidence) -> str:
    pros = tuple(au for au in other.units_for if evidence.present(au))
    cons = tuple(au for au in other.units_against if evidence.present(au))
    parts = []
    parts.append(
        f"{_sentence(names(pros))} {_speaks(pros)} for it." if pros else "None of the present movements speaks for it."
    )
    if cons:
        parts.append(f"{_sentence(names(cons))} {_speaks(cons)} against it.")
    lacking = tuple(au for au in other.core_absent if evidence.absent(au))
    if lacking:
        part = "part of its core, is" if len(lacking) == 1 else "part of its core, are"
        parts.append(f"{codes(lacking)}, {part} absent.")
    unseen = tuple(au for au in other.core_not_measured if not evidence.measured(au))
    if unseen:
        parts.append(f"{codes(unseen)} {'was' if len(unseen) == 1 else 'were'} not measured.")
    return " ".join(parts)


def _speaks(aus: tuple[int, ...]) -> str:
    return "speaks" if len(aus) == 1 else "speak"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _about_units(evidence: Evidence, turn: int) -> Iterator[Row]:
    """All that are present; a unit that was not measured, and one that was: yes or no."""
    shown = tuple(unit.au for unit in evidence.active)
    answer = f"{codes(shown)} {'is' if len(shown) == 1 else 'are'} present." if shown else NO_UNITS
    yield _chat("units", "blind", (ASK_UNITS[turn // 11 % len(ASK_UNITS)], answer))
    asked = [au for au, unit in action_units().items() if unit.kind == "AU" and au < 40]
    unseen = [au for au in asked if not evidence.measured(au)]
    if unseen:
        au = unseen[turn % len(unseen)]
        answer = UNMEASURED[turn % len(UNMEASURED)].format(au=au)
        yield _chat("not_measured", "blind", (_ask_unit(au, turn), answer))
    seen = [au for au in asked if evidence.measured(au) and not evidence.units[au].uncertain]
    # Most units are absent on most faces: without this, "no" would nearly always be the answer.
    present = [au for au in seen if evidence.present(au)]
    if present and turn & 1:
        seen = present
    if seen:
        au = seen[turn // 7 % len(seen)]
        answer = f"Yes. AU{au} is present." if evidence.present(au) else f"No. AU{au} is absent."
        yield _chat("unit", "blind", (_ask_unit(au, turn), answer))


def _ask_unit(au: int, turn: int) -> str:
    return ASK_UNIT[turn % len(ASK_UNIT)].format(au=au, name=action_unit(au).name.lower())
