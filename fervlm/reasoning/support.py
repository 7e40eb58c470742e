"""How far one face supports the basic expressions and neutral; the method is stated in `prototypes`.

What the tables hold is compiled once into slots, weights and masks; a face costs one pass over its present AUs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import itemgetter
from typing import NamedTuple

from fervlm.facs.units import action_units
from fervlm.reasoning import prototypes as tables
from fervlm.reasoning.membership import LEVEL_GRADES, LIPS_APART, UNMEASURED, Face, Slots, mask_of, units_of
from fervlm.reasoning.prototypes import BASIC, VARIANT_SHARE, Prototype, Weighted

SLOTS = Slots()
UPPER = mask_of((1, 2, 4, 5, 6, 7))
"""Brow, eye and cheek; the rest is the lower face."""
OPEN = mask_of(LIPS_APART)
EXPRESSIVE = mask_of([a.au for a in action_units().values() if a.kind in {"AU", "AD"} and a.au not in {40, 43, 45, 50}])
COUNTED = EXPRESSIVE & ~OPEN
"""AUs that a combination must explain; an open mouth alone has no valence (I45)."""
MISSING_CORE = 0.5
WHOLE_SOURCE = "S21"
"""Its combinations satisfy the criterion when they are there in full."""
MACHINE_DIMPLER = 0.2


class Support(NamedTuple):
    """What one face gives one class."""

    score: float
    """0 to 1, not a probability."""
    units_for: int = 0
    """Masks: present AUs that the class has, present AUs that contradict it, ..."""
    units_against: int = 0
    core_unmeasured: int = 0
    core_absent: int = 0


_Pick = Callable[[list[float]], tuple[float, ...]]


class _Matcher(NamedTuple):
    mask: int
    pick: _Pick
    clauses: int
    opens: int
    share: float
    whole: bool
    """Enough for the criterion when it is there in full."""
    droppable: _Pick | None
    """The clauses any one of which a variant does without."""


class _Asked(NamedTuple):
    """S22: AUs asked for together, and limits."""

    mask: int
    needs: tuple[int, ...]
    limits: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Basic:
    """One basic expression, compiled."""

    whole: float
    upper_whole: float
    lower_whole: float
    positive: int
    negative: int
    core: int
    sole: int
    """The core where one of it is enough and none is not: happiness 12, contempt 14, disgust 9 or 10."""
    matchers: tuple[_Matcher, ...]
    asked: tuple[_Asked, ...]
    spoilers: tuple[tuple[int, float], ...]
    """(AU, weight) of the contradicting clauses that ask for no level or side."""


def _aus(clauses: tuple[Weighted, ...], keep: Callable[[Weighted], bool]) -> int:
    return mask_of([au for w in clauses if keep(w) for au in w.clause.aus])


def _picker(slots: list[int]) -> _Pick:
    return itemgetter(*slots) if len(slots) > 1 else itemgetter(slice(slots[0], slots[0] + 1))


def _matcher(prototype: Prototype) -> _Matcher:
    mask = mask_of([au for clause in prototype.clauses for au in clause.aus])
    slots = [SLOTS.of(clause) for clause in prototype.clauses]
    return _Matcher(
        mask=mask,
        pick=_picker(slots),
        clauses=len(slots),
        opens=mask & OPEN,
        share=prototype.share,
        whole=prototype.source == WHOLE_SOURCE,
        droppable=_picker(list(prototype.may_lack)) if prototype.may_lack else None,
    )


def _compile(canonical: str) -> _Basic:
    clauses = tables.profile(canonical)
    weighing = [w for w in clauses if w.role in {"core", "common"}]
    core = _aus(clauses, lambda w: w.role == "core")
    return _Basic(
        whole=sum(w.weight for w in weighing),
        upper_whole=sum(w.weight for w in weighing if UPPER >> w.clause.aus[0] & 1),
        lower_whole=sum(w.weight for w in weighing if not UPPER >> w.clause.aus[0] & 1),
        positive=_aus(clauses, lambda w: w.weight > 0 and w.clause.plain),
        negative=_aus(clauses, lambda w: w.weight < 0 and w.clause.plain),
        core=core,
        sole=core if canonical in {"happiness", "contempt", "disgust"} else 0,
        matchers=tuple(_matcher(p) for p in tables.prototypes(canonical)),
        asked=tuple(
            _Asked(
                mask_of([clause.aus[0] for clause in conjunct.needs]),
                tuple(SLOTS.of(clause) for clause in conjunct.needs),
                tuple(SLOTS.of(clause) for clause in conjunct.limits),
            )
            for conjunct in tables.criterion(canonical)
        ),
        spoilers=tuple((w.clause.aus[0], -w.weight) for w in clauses if w.weight < 0 and w.clause.plain),
    )


class _Knowledge(NamedTuple):
    basics: tuple[_Basic, ...]
    terms: dict[int, tuple[tuple[int, float], ...]]
    """AU -> (basic expression, weight) of the profiles' plain clauses."""
    conditions: tuple[tuple[int, int, int, float], ...]
    """(slot, AU mask, basic expression, weight) of the clauses that ask for a level or a side."""
    neutral: dict[int, int]
    """AU -> lowest level whose presence contradicts neutral."""
    cores: int
    """Core AUs of the basic expressions: what a detector must see to call a face neutral with confidence."""


@cache
def knowledge() -> _Knowledge:
    """The eight basic classes, compiled once; fills `SLOTS`."""
    basics = tuple(_compile(canonical) for canonical in BASIC)
    terms: dict[int, list[tuple[int, float]]] = {}
    conditions = []
    for index, canonical in enumerate(BASIC):
        for weighted in tables.profile(canonical):
            if weighted.clause.plain:
                terms.setdefault(weighted.clause.aus[0], []).append((index, weighted.weight))
            else:
                conditions.append((SLOTS.of(weighted.clause), mask_of(weighted.clause.aus), index, weighted.weight))
    neutral = {w.clause.aus[0]: w.clause.low for w in tables.profile("neutral")}
    cores = 0
    for basic in basics:
        cores |= basic.core
    return _Knowledge(basics, {au: tuple(found) for au, found in terms.items()}, tuple(conditions), neutral, cores)


@lru_cache(maxsize=256)
def _unmeasured(measured: int) -> tuple[float, ...]:
    """What the AUs that this detector cannot see add to each basic expression's weights."""
    return tuple(
        sum(
            w.weight * UNMEASURED
            for w in tables.profile(canonical)
            if w.role in {"core", "common"} and w.clause.plain and not measured >> w.clause.aus[0] & 1
        )
        for canonical in BASIC
    )


def _held_against(basic: _Basic, face: Face, weight: float, opened: float) -> tuple[float, float]:
    """Likeness and criterion; `weight` counts the expressive AUs, `opened` the same with an open mouth."""
    grades, present, absent = face.grades, face.present, face.absent
    likeness = criterion = 0.0
    for mask, pick, clauses, opens, share, whole, droppable in basic.matchers:
        if not mask & present:
            continue
        parts = pick(grades)
        met, size = sum(parts), clauses + (opened if opens else weight)
        alike, full = 2.0 * share * met / size, share * min(parts)
        if droppable is not None:  # the best variant does without the least of these
            least = min(droppable(grades))
            alike = max(alike, 2.0 * VARIANT_SHARE * (met - least) / (size - 1.0))
            if least <= full:
                full = max(full, VARIANT_SHARE * sorted(parts)[1])
        if alike > likeness:  # noqa: PLR1730  (max() costs three times as much here)
            likeness = alike
        if whole and full > criterion:
            criterion = full
    for mask, needs, limits in basic.asked:
        if mask & present and not mask & absent:
            grade = min([grades[slot] for slot in needs])
            for slot in limits:
                grade *= grades[slot]
            criterion = max(criterion, grade)
    if criterion and basic.negative & present:
        criterion *= 1.0 - max([weight * grades[au] for au, weight in basic.spoilers if present >> au & 1])
    return min(likeness, 1.0), criterion


class Standing(NamedTuple):
    """The support of the basic expressions, and how upper and lower face stand apart."""

    supports: tuple[Support, ...]
    """In the order of `BASIC`."""
    neutral: Support
    upper: tuple[float, ...]
    lower: tuple[float, ...]


def basic_standing(face: Face) -> Standing:
    """Support of each basic expression and of neutral; `face` was read with `SLOTS`, after `knowledge()`."""
    known = knowledge()
    grades, present, absent = face.grades, face.present, face.absent
    upper, lower, bent = [0.0] * len(BASIC), [0.0] * len(BASIC), [0.0] * len(BASIC)
    more_for, more_against = [0] * len(BASIC), [0] * len(BASIC)
    for au in units_of(present):
        grade = grades[au]
        side = upper if UPPER >> au & 1 else lower
        for index, value in known.terms.get(au, ()):
            side[index] += value * grade
    for slot, mask, index, value in known.conditions:
        if mask & present and grades[slot] > 0:
            bent[index] += value * grades[slot]
            (more_for if value > 0 else more_against)[index] |= mask
    weight = sum([grades[au] for au in units_of(present & COUNTED)])
    opened = weight + max(grades[25], grades[26], grades[27]) if present & OPEN else weight
    unseen = _unmeasured(face.measured)
    supports = []
    for index, basic in enumerate(known.basics):
        units_for = basic.positive & present | more_for[index]
        score = 0.0
        if units_for:
            whole = upper[index] + lower[index] + bent[index] + unseen[index]
            likeness, criterion = _held_against(basic, face, weight, opened)
            if index == _CONTEMPT and face.machine and not face.one_sided >> 14 & 1:
                criterion *= MACHINE_DIMPLER
            score = (min(max(whole / basic.whole, 0.0), 1.0) + likeness + criterion) / 3.0
            if basic.sole and not basic.sole & ~absent:
                score *= MISSING_CORE
        against = basic.negative & present | more_against[index]
        core_absent = 0 if basic.sole & present else basic.core & absent
        supports.append(Support(score, units_for, against, basic.core & ~face.measured, core_absent))
    return Standing(tuple(supports), _neutral(face, known.neutral), tuple(upper), tuple(lower))


_CONTEMPT = BASIC.index("contempt")


def _neutral(face: Face, contradicting: dict[int, int]) -> Support:
    """1 where no listed AU reaches its level; less by what may reach it unseen."""
    worst, against = 0.0, 0
    for au in units_of(face.present):
        low = contradicting.get(au)
        if low is None:
            continue
        level = face.levels.get(au, 0)
        broken = (6 - low) / 5 if level == 0 else 1.0 if level >= low else 0.0
        if broken:
            against |= 1 << au
            worst = max(worst, broken * face.grades[au] / LEVEL_GRADES[level])
    unseen = knowledge().cores & ~face.measured
    return Support((1.0 - worst) * _seen_share(face.measured), 0, against, unseen)


@lru_cache(maxsize=256)
def _seen_share(measured: int) -> float:
    """What is left of neutral where AUs that would contradict it cannot be seen."""
    listed = knowledge().neutral
    return 1.0 - UNMEASURED * sum(not measured >> au & 1 for au in listed) / len(listed)
