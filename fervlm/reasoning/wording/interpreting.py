"""The interpretation: combinations, what speaks for and against the leading label, and what limits the reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from re import findall

from fervlm.facs.tables import rows
from fervlm.reasoning.findings import Candidate, Cue, Decision, Interpretation
from fervlm.reasoning.observe import Evidence
from fervlm.reasoning.wording import arguments
from fervlm.reasoning.wording.choice import Turns
from fervlm.reasoning.wording.cues import COMBINED, GENERAL, LEADS, SECOND_LEADS, cue_words
from fervlm.reasoning.wording.forms import Forms
from fervlm.reasoning.wording.limits import caveats, left_open
from fervlm.reasoning.wording.naming import agree, codes, label_phrase, names, seen
from fervlm.reasoning.wording.observing import sentence
from fervlm.reasoning.wording.overview import number_word

UNINTERPRETED = "Without evidence there is no interpretation."
NAMEABLE = 0.5
"""Share of the best support from which on a combination's reading is told as one of this face."""
NAMEABLE_FLOOR = 0.1
CUE_UP_TO = 6
"""Up to this number of present units a text names the most telling combination even where that takes it over its
length."""
ROOMY = 35
"""Words still free from which on a text is short enough to say what was not measured."""
_NEEDS_ABSENT = {"I01": 2, "I14": 6}


def for_and_against(candidate: Candidate, evidence: Evidence) -> tuple[tuple[int, ...], ...]:
    """The units for, the present units against, and the absent core units that the evidence itself holds."""
    units = evidence.units
    return (
        tuple(au for au in candidate.units_for if evidence.present(au)),
        tuple(au for au in candidate.units_against if evidence.present(au)),
        tuple(au for au in candidate.core_absent if evidence.absent(au) and au in units),
    )


def interpretation_text(
    evidence: Evidence,
    active: Sequence[Forms],
    found: Interpretation,
    decision: Decision,
    turns: Turns,
    room: int,
) -> tuple[str, tuple[str, ...]]:
    """Two to four sentences (one where nothing is present), and the codes of the caveats among them.

    `room` is the number of words it should keep to; the leading label and low trust are told in any case.
    """
    if not evidence.tracked or not evidence.units:
        return UNINTERPRETED, ()
    top = decision.alternatives[0] if decision.alternatives else None
    if not active:
        neutral = top is not None and top.canonical == "neutral"
        choice = turns.on("rest")
        lead = choice.of(arguments.NEUTRAL if neutral else arguments.NOTHING_PRESENT)
        leading = [lead.format(L=label_phrase(top.label, top.canonical) if top is not None else "")]
        leading.append(choice.of(arguments.REST))
    else:
        leading = _leading(top, evidence, turns)
    cues = _cues(found, evidence, 2, turns) if active else []
    limits = caveats(found.caveats, evidence, top, turns, 2)
    parts = Parts(room)
    parts.add(1, leading)
    cued = parts.add(0, cues[:1], optional=len(active) > CUE_UP_TO)
    parts.add(3, [text for code, text in limits if code == "low_trust"])
    parts.add(2, [turns.on("lone").of(arguments.LONE)] if len(active) == 1 else _apart(found, turns), optional=True)
    parts.add(3, [text for code, text in limits if code != "low_trust"][:1], optional=True)
    parts.add(0, cues[1:] if cued else [], optional=True)
    if parts.room > ROOMY:
        told = top.core_not_measured if top is not None and "core_not_measured" in dict(limits) else ()
        parts.add(4, left_open(evidence, told, turns))
    text = parts.text()
    return text, tuple(code for code, told in limits if sentence(told) in text)


class Parts:
    """Sentences gathered in the order of their importance, and told in the order of their place."""

    __slots__ = ("_found", "room")

    def __init__(self, room: int) -> None:
        self.room = room
        self._found: list[tuple[int, int, str]] = []

    def add(self, place: int, texts: list[str], *, optional: bool = False) -> bool:
        """Add `texts` at `place`, optional ones only where room is left; whether any was."""
        before = len(self._found)
        for text in texts:
            words = text.count(" ") + 1
            if not optional or words <= self.room:
                self.room -= words
                self._found.append((place, len(self._found), text))
        return len(self._found) > before

    def text(self) -> str:
        """All of them as running text."""
        self._found.sort()
        return " ".join([sentence(text) for _, _, text in self._found])


def movements_only(evidence: Evidence, active: Sequence[Forms], found: tuple[str, ...], turns: Turns) -> str:
    """The interpretation of a text that keeps to movements: no label, no emotion word."""
    if not evidence.tracked or not evidence.units:
        return UNINTERPRETED
    choice = turns.on(f"movements {len(active)}")
    parts = [choice.of(arguments.OBSERVE_ONLY)]
    zones = [form.zone for form in active]
    upper, lower = zones.count("upper face"), zones.count("lower face")
    if upper and lower:
        count = number_word(len(active))
        words = {"count": count, "upper": number_word(upper), "lower": number_word(lower)}
        words |= {"Upper": number_word(upper).capitalize(), "are": "is" if upper == 1 else "are"}
        parts.append(choice.of(arguments.SPREAD).format(**words))
    parts += [text for _, text in caveats(found, evidence, None, turns, 2)]
    return " ".join([sentence(part) for part in parts])


def _cues(found: Interpretation, evidence: Evidence, most: int, turns: Turns) -> list[str]:
    ordered = list(found.cues)
    if found.masking is not None and found.masking.id != "I57":
        ordered = [found.masking, *(cue for cue in ordered if cue != found.masking)]
    supported = _supported(found)
    told: list[Cue] = []
    texts: list[str] = []
    for cue in ordered:
        if len(told) == most:
            break
        needed = _NEEDS_ABSENT.get(cue.id)
        if cue.kind == "exclusive" or (needed is not None and not evidence.absent(needed)):
            continue
        if told and set(cue.units) <= set(told[0].units):
            continue
        text = _cue(cue, evidence, supported, turns, SECOND_LEADS if told else LEADS)
        if text is not None:
            told.append(cue)
            texts.append(text)
    return texts


def _supported(found: Interpretation) -> frozenset[str]:
    """The classes near enough to the best one that the text may speak of them as readings of this face."""
    best = max([c.score for c in found.candidates if c.canonical != "neutral"], default=0.0)
    rest = max([c.score for c in found.candidates if c.canonical == "neutral"], default=0.0)
    floor = max(NAMEABLE_FLOOR, NAMEABLE * best, NAMEABLE * rest if rest >= NAMEABLE else 0.0)
    return frozenset([c.canonical for c in found.candidates if c.score >= floor])


def _cue(cue: Cue, evidence: Evidence, supported: frozenset[str], turns: Turns, leads: tuple[str, ...]) -> str | None:
    """The sentence on one combination; None where all its readings name expressions that the face gives little."""
    words = cue_words().get(_variant(cue, evidence))
    if words is None or not words.named_always <= supported:
        return None
    predicates = [text for text, named in words.predicates if named <= supported]
    if not predicates:
        return None
    units = _named_by(cue, evidence)
    choice = turns.on(f"{cue.id} {units}")
    subject = choice.of(words.subjects)
    if len(units) > 1 and choice.number(4) == 0:
        subject = choice.of(GENERAL)
        leads = leads[: -len(COMBINED)] if leads is LEADS else leads
    elif len(units) < 2 and leads is LEADS:
        leads = leads[: -len(COMBINED)]
    if "{u}" in subject:
        subject = subject.replace("{u}", codes(units))
    elif units:
        subject = f"{subject} ({codes(units)})"
    return choice.of(leads).format(s=subject, S=sentence(subject), p=choice.of(predicates))


@lru_cache(maxsize=256)
def _base(cue_id: str) -> frozenset[int]:
    """The AUs that the row itself combines; what tells its readings apart is not named with it."""
    return next(frozenset(map(int, findall(r"\d+", r["aus"]))) for r in rows("au_interactions") if r["id"] == cue_id)


def _named_by(cue: Cue, evidence: Evidence) -> tuple[int, ...]:
    units = seen(cue.units, evidence.units)
    return tuple([au for au in units if au in _base(cue.id)]) or units


def _variant(cue: Cue, evidence: Evidence) -> str:
    """The row's id, with `+` for its second reading where that is the one that holds."""
    if cue.id == "I11":
        unit = evidence.units.get(5)
        return "I11+" if unit is not None and (unit.level or 0) >= 3 else "I11"
    second = _SECOND.get(cue.id)
    return f"{cue.id}+" if second is not None and second[0] in cue.units and second[1] not in cue.units else cue.id


_SECOND = {"I20": (9, 10), "I29": (24, 23), "I39": (24, 23), "I41": (24, 23), "I50": (32, 28)}
"""Row -> the unit of its second reading, and the unit of its first."""


def _leading(top: Candidate | None, evidence: Evidence, turns: Turns) -> list[str]:
    if top is None:
        return [turns.on("none").of(arguments.NO_SUPPORT)]
    mine, against, lacking = for_and_against(top, evidence)
    choice = turns.on(f"{top.label} {mine} {against} {lacking}")
    phrase = label_phrase(top.label, top.canonical)
    if not mine:
        if top.canonical == "neutral":
            words = {"L": phrase, "G": codes(against) if against else "", **agree(against)}
            return [choice.of(arguments.NEUTRAL_BUT if against else arguments.NEUTRAL).format(**words)]
        return [choice.of(arguments.NO_SUPPORT)]
    named = names(mine) if len(mine) <= 2 and choice.number(2) else codes(mine)
    text = choice.of(arguments.FOR).format(F=named, L=phrase, **agree(mine))
    if against:
        text += choice.of(arguments.AGAINST).format(G=codes(against), **agree(against))
    elif lacking:
        text += choice.of(arguments.LACKING).format(M=codes(lacking), **agree(lacking))
    lead = choice.of(arguments.FOR_LEADS)
    return [f"{lead}{text}."]


def _apart(found: Interpretation, turns: Turns) -> list[str]:
    """Where two readings stand side by side."""
    if found.upper is not None and found.lower is not None and {found.upper, found.lower} <= _supported(found):
        words = {"A": label_phrase(found.upper, found.upper), "B": label_phrase(found.lower, found.lower)}
        return [turns.on(f"{found.upper} {found.lower}").of(arguments.REGIONS).format(**words)]
    if found.blend is not None:
        canonical: Mapping[str, str] = {c.label: c.canonical for c in found.candidates}
        first, second = (label_phrase(label, canonical.get(label)) for label in found.blend)
        frame = turns.on(f"{first} {second}").of(arguments.BLENDS)
        return [frame.format(A=first, B=second, a=first, b=second)]
    return []
