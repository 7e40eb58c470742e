"""From one unit of evidence to every way the lexicon can say it, with side, level and certainty worked in.

Built once for each distinct unit (`choice.unit_code`) and kept: FACS has few of them, so the table stays small.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from fervlm.reasoning.observe import Unit
from fervlm.reasoning.wording.choice import unit_code
from fervlm.reasoning.wording.movements import Movement, movement, third
from fervlm.reasoning.wording.regions import place_of, region_of, telling_rank, zone_of
from fervlm.reasoning.wording.strength import (
    ADJECTIVES,
    AFTER,
    BEFORE,
    CONFIDENT_NOTE,
    MORE_ON,
    TOWARDS_SIDE,
    letter_note,
)
from fervlm.reasoning.wording.tokens import clip_cost
from fervlm.records import Side, UnitMention


class Phrase(NamedTuple):
    """One wording."""

    text: str
    """With the AU number in parentheses at its end, but in `Forms.bare_*`."""
    mention: UnitMention
    cost: int
    """CLIP tokens, never less than the true count."""


Modes = tuple[tuple[Phrase, ...], ...]
"""Wordings grouped by the word used for the level, so that one sentence need not use the same adverb twice."""


@dataclass(frozen=True, slots=True)
class Forms:
    """All wordings of one present unit, with what is looked up about it again and again."""

    au: int
    code: int
    """`choice.unit_code` of the unit."""
    rank: tuple[int, bool, int]
    """Sorting key for what an overview names first: level, certainty, how telling the unit is."""
    place: tuple[int, int]
    region: str
    zone: str
    subject: str
    clauses: Modes
    """ "the lips part slightly (AU25)" """
    absolutes: Modes
    """ "the lips slightly parted (AU25)", to stand after "with" """
    nouns: Modes
    """ "a slight parting of the lips (AU25)" """
    terse: Modes
    """The shorter nouns: "slight lip parting (AU25)"."""
    bare_clauses: Modes
    bare_absolutes: Modes
    bare_nouns: Modes
    bare_terse: Modes
    briefest_noun: Phrase
    briefest_clause: Phrase


@dataclass(frozen=True, slots=True)
class _Subject:
    text: str
    plural: bool
    side: Side | None
    """As the words name it."""
    tail: str
    """Side words that follow the verb or noun, if the subject does not carry them."""


@dataclass(frozen=True, slots=True)
class _Mode:
    after: str = ""
    before: str = ""
    adjective: str = ""
    note: str = ""
    """Stands inside the parentheses with the number."""


def _subjects(entry: Movement, unit: Unit) -> list[_Subject]:
    side = unit.side
    whole = [_Subject(text, entry.plural, None, "") for text in entry.many]
    if entry.kind in {"pose", "whole"} or side is None:
        said: Side | None = "left" if unit.au in _LEFTWARD else "right" if unit.au in _RIGHTWARD else None
        return [replace(subject, side=said) for subject in whole]
    if unit.stronger is not None:
        return [replace(subject, side="both") for subject in whole]
    if side == "both":
        paired = bool(entry.one) and entry.plural
        doubled = [_Subject("both" + text.removeprefix("the"), True, "both", "") for text in entry.many if paired]
        return doubled + whole
    if entry.directed:
        return [replace(subject, side=side, tail=f" {TOWARDS_SIDE[side]}") for subject in whole]
    # Said in the subject: "on the left" after several movements could be heard of all of them.
    texts = entry.one or tuple(text.replace("the ", "the {} side of the ", 1) for text in entry.many)
    return [_Subject(text.format(side), False, side, "") for text in texts]


_LEFTWARD, _RIGHTWARD = frozenset({51, 55, 61}), frozenset({52, 56, 62})
"""Head and gaze codes whose words say a direction, the subject's as everywhere."""


def _modes(unit: Unit) -> list[_Mode]:
    level = unit.level
    if level is None:
        modes = [_Mode()]
        if unit.confident and not unit.uncertain:
            modes.append(_Mode(adjective="confidently detected", note=CONFIDENT_NOTE))
        return modes
    words = max(len(AFTER[level]), len(BEFORE[level]), len(ADJECTIVES[level]))
    found = [
        _Mode(
            after=" " + AFTER[level][i % len(AFTER[level])],
            before=BEFORE[level][i % len(BEFORE[level])] + " ",
            adjective=ADJECTIVES[level][i % len(ADJECTIVES[level])],
        )
        for i in range(words)
    ]
    return [*found, _Mode(note=letter_note(level))]


def _with_article(words: str, mass: bool) -> str:
    if mass:
        return words
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"


def _clause_texts(entry: Movement, subject: _Subject, mode: _Mode, unsure: bool) -> list[str]:
    be = "are" if subject.plural else "is"
    found = []
    for verb in entry.verbs:
        finite = verb if subject.plural else third(verb)
        heads = (f"may {verb}", f"possibly {finite}") if unsure else (finite,)
        found += [f"{subject.text} {head}{mode.after}{subject.tail}" for head in heads]
    for part in entry.parts:
        heads = ("may be", f"{be} possibly") if unsure else (be,)
        found += [f"{subject.text} {head} {mode.before}{part}{subject.tail}" for head in heads]
    return found


def _absolute_texts(entry: Movement, subject: _Subject, mode: _Mode, unsure: bool) -> list[str]:
    hedge = "possibly " if unsure else ""
    return [f"{subject.text} {hedge}{mode.before}{part}{subject.tail}" for part in entry.parts]


def _noun_texts(nouns: tuple[str, ...], ending: str, adjective: str, side: str, unsure: bool) -> list[str]:
    found = []
    for noun in nouns:
        mass = noun.startswith("~")
        words = f"{adjective} {side}{noun.removeprefix('~')}".lstrip()
        words = f"possible {words}" if unsure else words
        found.append(_with_article(words, mass) + ending)
    return found


def _noun_groups(entry: Movement, unit: Unit, mode: _Mode) -> tuple[list[tuple[str, Side | None]], list[str]]:
    """Every noun phrase with the side it names, and the terse ones (which name a side unless it is both)."""
    unsure = unit.uncertain
    lead = _subjects(entry, unit)
    side = lead[0].side
    one_sided = unit.side in {"left", "right"} and entry.kind not in {"pose", "whole"}
    word, ending = "", ""
    if one_sided and entry.directed:
        ending = lead[0].tail
    elif one_sided:
        word = f"{unit.side} " if entry.one else f"{unit.side}-sided "
    terse = _noun_texts(entry.nouns, ending, mode.adjective, word, unsure)
    found: list[tuple[str, Side | None]] = [(text, side) for text in terse]
    if unit.side == "both" and side == "both" and not unit.stronger:
        found = [(text, side) for text in _noun_texts(entry.nouns, "", mode.adjective, "two-sided ", unsure)]
    for subject in lead:
        heads = _noun_texts(entry.heads, f" of {subject.text}{subject.tail}", mode.adjective, "", unsure)
        found += [(text, subject.side) for text in heads]
    return found, terse


def _build(unit: Unit) -> Forms:
    entry = movement(unit.au)
    subjects = _subjects(entry, unit)
    coded: dict[str, list[tuple[Phrase, ...]]] = {"clauses": [], "absolutes": [], "nouns": [], "terse": []}
    bare: dict[str, list[tuple[Phrase, ...]]] = {"clauses": [], "absolutes": [], "nouns": [], "terse": []}
    more = MORE_ON[unit.stronger] if unit.stronger and entry.kind != "whole" else ""
    for mode in _modes(unit):
        code = f" (AU{unit.au}{mode.note}{more})"
        nouns, terse = _noun_groups(entry, unit, mode)
        # "confidently detected" stands either before the noun or in the parentheses, not in both.
        noun_code = f" (AU{unit.au}{more})" if mode.adjective else code
        texts = {
            "clauses": [(t, s.side) for s in subjects for t in _clause_texts(entry, s, mode, unit.uncertain)],
            "absolutes": [(t, s.side) for s in subjects for t in _absolute_texts(entry, s, mode, unit.uncertain)],
            "nouns": nouns,
        }
        for kind, pairs in texts.items():
            end = noun_code if kind == "nouns" else code
            coded[kind].append(tuple(_phrase(text + end, unit.au, side) for text, side in pairs))
            if not mode.note:
                bare[kind].append(tuple(_phrase(text, unit.au, side) for text, side in pairs))
        told = None if unit.side == "both" and not unit.stronger else nouns[0][1]
        coded["terse"].append(tuple(_phrase(text + noun_code, unit.au, told) for text in terse))
        if not mode.note:
            bare["terse"].append(tuple(_phrase(text, unit.au, told) for text in terse))
    return Forms(
        au=unit.au,
        code=unit_code(unit),
        rank=(-(unit.level or 0), unit.uncertain, telling_rank(unit.au)),
        place=place_of(unit.au),
        region=region_of(unit.au),
        zone=zone_of(unit.au),
        subject=entry.many[0],
        clauses=tuple(coded["clauses"]),
        absolutes=tuple(coded["absolutes"]),
        nouns=tuple(coded["nouns"]),
        terse=tuple(coded["terse"]),
        bare_clauses=tuple(bare["clauses"]),
        bare_absolutes=tuple(bare["absolutes"]),
        bare_nouns=tuple(bare["nouns"]),
        bare_terse=tuple(bare["terse"]),
        briefest_noun=_briefest(coded["terse"]),
        briefest_clause=_briefest(coded["clauses"]),
    )


@cache
def _mention(au: int, side: Side | None) -> UnitMention:
    return UnitMention(au=au, side=side)


def _phrase(text: str, au: int, side: Side | None) -> Phrase:
    return Phrase(text, _mention(au, side), clip_cost(text))


def _briefest(modes: list[tuple[Phrase, ...]]) -> Phrase:
    return min((phrase for phrases in modes for phrase in phrases), key=_cost)


def _cost(phrase: Phrase) -> int:
    return phrase.cost


_TABLE: dict[int, Forms] = {}


def forms(unit: Unit) -> Forms:
    """The wordings of `unit`, which must be present."""
    code = unit_code(unit)
    found = _TABLE.get(code)
    if found is None:
        found = _TABLE[code] = _build(unit)
    return found


def denial(au: int, pick: int) -> str:
    """A clause that says `au` is absent: "the brows do not lower (no AU4)"."""
    entry = movement(au)
    subject = entry.many[pick % len(entry.many)]
    verb = entry.verbs[(pick >> 3) % len(entry.verbs)]
    return f"{subject} {'do' if entry.plural else 'does'} not {verb} (no AU{au})"
