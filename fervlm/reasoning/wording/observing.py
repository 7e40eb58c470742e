"""The observations: one sentence a region, from that region's units and the seed alone.

A sentence rests on nothing but its region's units, the seed, one of four turns taken from the whole face, and whether
the face is so busy that lists must do. So equal regions give few different sentences, and whoever keeps judged
sentences need not read them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from operator import itemgetter

from fervlm.reasoning.observe import Evidence
from fervlm.reasoning.wording.choice import Choice, key_of
from fervlm.reasoning.wording.forms import Forms, Modes, Phrase, denial
from fervlm.reasoning.wording.region_frames import BESIDE, QUIET, Frame, frames, resting_frames
from fervlm.reasoning.wording.regions import (
    MAIN,
    MERGED_AT_MOST,
    MERGES,
    NEAR,
    REGION_UNITS,
    TELLING,
    TOLD_AT_REST,
    place_of,
)
from fervlm.reasoning.wording.tokens import SENTENCE_LIMIT, clip_cost
from fervlm.records import Observation, assemble

_FIELDS = frozenset(Observation.model_fields)
TURNS = 4
_BUDGET = SENTENCE_LIMIT - 2
_LIST_FRAME = 9
"""Tokens that a list frame may take, separators included."""
BRIEF_ABOVE = 6
"""With more present units than this the sentences are lists."""
_QUIET_BELOW = 4
"""With fewer present units than this, resting regions are told as well."""


Kept = dict[tuple[object, ...], list[Observation]]
"""Sentences already written, by all they rest on."""
KEPT_AT_MOST = 16_384


def observations(
    evidence: Evidence, active: Sequence[Forms], seed: int, turn: int = 0, kept: Kept | None = None
) -> tuple[Observation, ...]:
    """The region sentences of a face, top to bottom.

    Args:
        evidence: the face.
        active: its present units, from the top down.
        seed: picks among wordings.
        turn: which of `TURNS` wordings of each region; lets equal regions of different faces read differently.
        kept: sentences of earlier faces, looked up and added to; emptied where it has grown to `KEPT_AT_MOST`.
    """
    seed = seed * TURNS + turn % TURNS
    brief = len(active) > BRIEF_ABOVE
    told: list[tuple[int, Observation]] = []
    for region, units in _grouped(active):
        first = units[0].place[0]
        if kept is None:
            found = _region(region, units, evidence, seed, brief)
        else:
            found = _kept_region(region, units, evidence, seed, brief, kept)
        told += [(first, each) for each in found]
    if len(active) < _QUIET_BELOW:
        told += _resting(evidence, {form.region for form in active}, 3 - len(active), seed)
    told.sort(key=itemgetter(0))
    return tuple([found for _, found in told])


def _grouped(active: Sequence[Forms]) -> list[tuple[str, list[Forms]]]:
    by_region: dict[str, list[Forms]] = {}
    for form in active:
        by_region.setdefault(form.region, []).append(form)
    for first, second in MERGES:
        if first in by_region and second in by_region:
            together = by_region[first] + by_region[second]
            if len(together) <= MERGED_AT_MOST and _fits(together):
                del by_region[first], by_region[second]
                by_region[f"{first}+{second}"] = together
    return list(by_region.items())


def _kept_region(
    region: str, units: list[Forms], evidence: Evidence, seed: int, brief: bool, kept: Kept
) -> list[Observation]:
    key: tuple[object, ...] = (region, seed, brief, *[form.code for form in units])
    if not brief and len(units) <= 2:
        key += tuple([evidence.absent(au) for au in _asked(region)])
    found = kept.get(key)
    if found is None:
        if len(kept) >= KEPT_AT_MOST:
            kept.clear()
        found = kept[key] = _region(region, units, evidence, seed, brief)
    return found


@cache
def _asked(region: str) -> tuple[int, ...]:
    """The units whose absence may change the sentence on one or two others of the region."""
    name = region.partition("+")[0]
    telling = [au for aus in TELLING.get(name, {}).values() for au in aus]
    return tuple(sorted({*MAIN.get(name, ()), *telling}))


def _region(region: str, units: list[Forms], evidence: Evidence, seed: int, brief: bool) -> list[Observation]:
    """One sentence, or several where the units do not fit the token limit."""
    name = region.partition("+")[0]
    found: list[Observation] = []
    for chunk in [units] if len(units) == 1 else _chunks(units):
        whole = len(chunk) == len(units)
        choice = Choice(key_of([form.code for form in chunk], seed, 1 + whole))
        alone = whole and all(map(evidence.measured, MAIN.get(name, (0,))))
        phrases, text, cost = _sentence(region, chunk, choice, alone=alone, brief=brief)
        if whole and not brief and len(units) <= 2:
            text = text[:-1] + _beside(name, units, evidence, choice, _BUDGET - cost) + "."
        values = {"region": name, "text": text, "units": tuple([p.mention for p in phrases])}
        found.append(assemble(Observation, _FIELDS, values))
    return found


def _chunks(units: list[Forms]) -> list[list[Forms]]:
    """`units` in the fewest runs that fit a sentence, of nearly equal length."""
    if len(units) <= 4 and _fits(units):
        return [units]
    count = max(2, -(-len(units) // 4))
    while True:
        size, longer = divmod(len(units), count)
        cuts = [i * size + min(i, longer) for i in range(count + 1)]
        chunks = [units[a:b] for a, b in pairwise(cuts)]
        if all(_fits(chunk) for chunk in chunks):
            return chunks
        count += 1


def _fits(units: list[Forms]) -> bool:
    """Whether the shortest sentence on `units` stays within the token limit."""
    count = len(units)
    if count < 4 and sum([form.briefest_clause.cost for form in units]) + count <= _BUDGET:
        return True
    return sum([form.briefest_noun.cost for form in units]) + count - 1 + _LIST_FRAME <= _BUDGET


def _sentence(
    region: str, units: list[Forms], choice: Choice, *, alone: bool, brief: bool
) -> tuple[list[Phrase], str, int]:
    count = len(units)
    kind = str(count)
    if count == 1 and alone:
        kind = "alone"
    elif 1 < count < 4 and len({form.subject for form in units}) < count:
        kind += "n"
    mode = choice.number(6)
    ordered = units
    if 1 < count < 4 and choice.number(3) == 0:
        ordered = units[::-1]
    for table in (f"list{count}",) if brief else (kind, f"list{count}"):
        frame = choice.of(choice.of(frames(table, region)))
        phrases = []
        for turn, form in enumerate(ordered):
            modes: Modes = getattr(form, _HOLES[frame.kinds[turn]])
            phrases.append(choice.of(modes[(mode + turn) % len(modes)]))
        cost = frame.cost + sum([phrase.cost for phrase in phrases])
        if cost <= _BUDGET:
            return phrases, _fill(frame, phrases), cost
    return _shortest(region, ordered)


_HOLES = {"c": "clauses", "n": "nouns", "t": "terse", "a": "absolutes"}


def _shortest(region: str, lexical: list[Forms]) -> tuple[list[Phrase], str, int]:
    options = []
    for spellings in frames(f"list{len(lexical)}", region):
        for frame in spellings:
            pairs = zip(lexical, frame.kinds, strict=True)
            phrases = [f.briefest_clause if hole == "c" else f.briefest_noun for f, hole in pairs]
            options.append((frame.cost + sum([phrase.cost for phrase in phrases]), frame, phrases))
    cost, frame, phrases = min(options, key=itemgetter(0))
    return phrases, _fill(frame, phrases), cost


def _fill(frame: Frame, phrases: list[Phrase]) -> str:
    return sentence(frame.text % tuple([phrase.text for phrase in phrases]))


def sentence(text: str) -> str:
    """`text` with a capital."""
    return text[0].upper() + text[1:]


def _beside(region: str, units: list[Forms], evidence: Evidence, choice: Choice, room: int) -> str:
    """A telling absence of the same region, as the rest of the sentence; only in about every second that has one."""
    telling = TELLING.get(region)
    if telling is None:
        return ""
    absent = [au for form in units for au in telling.get(form.au, ()) if evidence.absent(au)]
    if not absent or choice.number(2):
        return ""
    clause = denial(absent[0], choice.number(64))
    return f"{choice.of(BESIDE)} {clause}" if clip_cost(clause) + 2 <= room else ""


def _resting(evidence: Evidence, active: set[str], most: int, seed: int) -> list[tuple[int, Observation]]:
    """Sentences for regions where every measured unit is absent."""
    found: list[tuple[int, Observation]] = []
    for region in TOLD_AT_REST:
        named = MAIN[region]
        if len(found) >= max(1, most):
            break
        if region in active or any(evidence.present(au) for au in REGION_UNITS[region]):
            continue
        absent = [au for au in named if evidence.absent(au)]
        if not absent:
            continue
        choice = Choice(key_of(absent, seed, 9))
        if len(absent) == len(named) and not any(map(evidence.present, NEAR.get(region, ()))):
            text = choice.of(resting_frames(region)) % ", ".join([f"no AU{au}" for au in absent])
        else:
            clauses = [denial(au, choice.number(64)) for au in absent[:2]]
            text = sentence(choice.of(QUIET[len(clauses)]) % tuple(clauses))
        found.append((place_of(named[0])[0], Observation(region=region, text=text)))
    return found
