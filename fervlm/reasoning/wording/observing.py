"""The observations: one sentence a region, from that region's units and the seed alone.

A sentence rests on nothing but the units it names (and on whether the face is so busy that lists must do), so equal
units give equal words in every record, and whoever keeps judged sentences need not read them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from fervlm.reasoning.observe import Evidence, Unit
from fervlm.reasoning.wording.choice import Choice, key_of, unit_code
from fervlm.reasoning.wording.forms import Forms, Modes, Phrase, denial, forms
from fervlm.reasoning.wording.region_frames import BESIDE, Frame, frames, resting_frames
from fervlm.reasoning.wording.regions import (
    MERGED_AT_MOST,
    MERGES,
    REGION_UNITS,
    RESTING,
    TELLING,
    place_of,
    region_of,
)
from fervlm.reasoning.wording.tokens import SENTENCE_LIMIT
from fervlm.records import Observation

_BUDGET = SENTENCE_LIMIT - 2
_LIST_FRAME = 9
"""Tokens that a list frame may take, separators included."""
_DENIAL_COST = 14
BRIEF_ABOVE = 8
"""With more present units than this the sentences are lists."""
_QUIET_BELOW = 4
"""With fewer present units than this, resting regions are told as well."""


def observations(evidence: Evidence, seed: int) -> tuple[Observation, ...]:
    """The region sentences of a face, top to bottom."""
    active = sorted((u for u in evidence.units.values() if u.state == "present"), key=_place)
    brief = len(active) > BRIEF_ABOVE
    told: list[tuple[int, Observation]] = []
    for region, units in _grouped(active):
        told += ((place_of(units[0].au)[0], found) for found in _region(region, units, evidence, seed, brief))
    if len(active) < _QUIET_BELOW:
        told += _resting(evidence, {region_of(u.au) for u in active}, 3 - len(active), seed)
    told.sort(key=_first)
    return tuple(found for _, found in told)


def _place(unit: Unit) -> tuple[int, int]:
    return place_of(unit.au)


def _first(pair: tuple[int, Observation]) -> int:
    return pair[0]


def _grouped(active: Sequence[Unit]) -> list[tuple[str, list[Unit]]]:
    by_region: dict[str, list[Unit]] = {}
    for unit in active:
        by_region.setdefault(region_of(unit.au), []).append(unit)
    for first, second in MERGES:
        if first in by_region and second in by_region:
            together = by_region[first] + by_region[second]
            if len(together) <= MERGED_AT_MOST and _fits(together):
                del by_region[first], by_region[second]
                by_region[f"{first}+{second}"] = together
    return list(by_region.items())


def _region(region: str, units: list[Unit], evidence: Evidence, seed: int, brief: bool) -> list[Observation]:
    """One sentence, or several where the units do not fit the token limit."""
    name = region.partition("+")[0]
    found: list[Observation] = []
    for chunk in _chunks(units):
        whole = len(chunk) == len(units)
        choice = Choice(key_of(map(unit_code, chunk), seed, 1 + whole))
        phrases, text, cost = _sentence(region, chunk, choice, alone=whole, brief=brief)
        if whole and not brief and len(units) <= 2 and cost + _DENIAL_COST <= _BUDGET:
            text = _beside(text, name, units, evidence, choice)
        found.append(Observation(region=name, text=text, units=tuple(p.mention for p in phrases)))
    return found


def _chunks(units: list[Unit]) -> list[list[Unit]]:
    """`units` in the fewest runs that fit a sentence, of nearly equal length."""
    count = -(-len(units) // 4)
    while True:
        size, longer = divmod(len(units), count)
        cuts = [i * size + min(i, longer) for i in range(count + 1)]
        chunks = [units[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]
        if all(_fits(chunk) for chunk in chunks):
            return chunks
        count += 1


def _fits(units: list[Unit]) -> bool:
    """Whether the shortest sentence on `units` stays within the token limit."""
    found = [forms(unit) for unit in units]
    if len(units) < 4 and sum(f.briefest_clause.cost for f in found) + len(units) <= _BUDGET:
        return True
    return sum(f.briefest_noun.cost for f in found) + len(units) - 1 + _LIST_FRAME <= _BUDGET


def _sentence(
    region: str, units: list[Unit], choice: Choice, *, alone: bool, brief: bool
) -> tuple[list[Phrase], str, int]:
    lexical = [forms(unit) for unit in units]
    count = len(units)
    kind = str(count)
    if count == 1 and alone:
        kind = "alone"
    elif count in {2, 3} and len({f.subject for f in lexical}) < count:
        kind += "n"
    mode = choice.number(6)
    if count < 4 and choice.number(3) == 0:
        lexical.reverse()
    for table in (f"list{count}",) if brief else (kind, f"list{count}"):
        frame = choice.of(choice.of(frames(table, region)))
        phrases = [_pick(f, hole, mode + i, choice) for i, (f, hole) in enumerate(zip(lexical, frame.kinds, strict=True))]
        cost = frame.cost + sum(p.cost for p in phrases)
        if cost <= _BUDGET:
            return phrases, _fill(frame, phrases), cost
    return _shortest(region, lexical)


def _shortest(region: str, lexical: list[Forms]) -> tuple[list[Phrase], str, int]:
    options = []
    for spellings in frames(f"list{len(lexical)}", region):
        for frame in spellings:
            phrases = [f.briefest_clause if hole == "c" else f.briefest_noun for f, hole in zip(lexical, frame.kinds)]
            options.append((frame.cost + sum(p.cost for p in phrases), frame, phrases))
    cost, frame, phrases = min(options, key=itemgetter(0))
    return phrases, _fill(frame, phrases), cost


def _pick(form: Forms, hole: str, mode: int, choice: Choice) -> Phrase:
    modes: Modes
    if hole == "c":
        modes = form.clauses
    elif hole == "n":
        modes = form.nouns
    elif hole == "t":
        modes = form.terse
    else:
        modes = form.absolutes
    return choice.of(modes[mode % len(modes)])


def _fill(frame: Frame, phrases: list[Phrase]) -> str:
    text = frame.text % tuple([p.text for p in phrases])
    return text[0].upper() + text[1:]


def _beside(text: str, region: str, units: list[Unit], evidence: Evidence, choice: Choice) -> str:
    """`text` with a telling absence of the same region, in about every second sentence that has one."""
    telling = TELLING.get(region)
    if telling is None:
        return text
    absent = [au for u in units for au in telling.get(u.au, ()) if evidence.absent(au)]
    if not absent or choice.number(2):
        return text
    return text[:-1] + choice.of(BESIDE).replace("{d}", denial(absent[0], choice.number(64)))


def _resting(evidence: Evidence, active: set[str], most: int, seed: int) -> list[tuple[int, Observation]]:
    """Sentences for regions where every measured unit is absent."""
    found: list[tuple[int, Observation]] = []
    for region, named in RESTING.items():
        if len(found) >= max(1, most):
            break
        if region in active or any(evidence.present(au) for au in REGION_UNITS[region]):
            continue
        absent = [au for au in named if evidence.absent(au)]
        if not absent:
            continue
        choice = Choice(key_of(absent, seed, 9))
        listed = ", ".join(f"no AU{au}" for au in absent)
        text = choice.of(resting_frames(region)) % listed
        found.append((place_of(named[0])[0], Observation(region=region, text=text)))
    return found
