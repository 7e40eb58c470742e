"""How far one face supports the classes that are not basic (compounds, pain, confusion, ...); see `prototypes`."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from fervlm.reasoning import prototypes as tables
from fervlm.reasoning.membership import Face, mask_of, units_of
from fervlm.reasoning.prototypes import BASIC, Pattern
from fervlm.reasoning.support import COUNTED, MISSING_CORE, SLOTS, Support, knowledge

DISPUTED = 0.8
FULL = 0.85
"""Weight of a core AU: what it weighs explains the AU in full."""


class _Compiled(NamedTuple):
    parts: tuple[tuple[int, int, float, bool], ...]
    """(slot, AU mask, weight, core) of the supporting clauses."""
    contradicting: tuple[tuple[int, int, float], ...]
    whole: float
    share: float


@lru_cache(maxsize=256)
def _compiled(canonical: str) -> tuple[_Compiled, ...]:
    return tuple(_compile_pattern(pattern) for pattern in tables.patterns(canonical))


def _compile_pattern(pattern: Pattern) -> _Compiled:
    weighing = [w for w in pattern.clauses if w.role in {"core", "common"}]
    loose = not weighing
    placed = [(SLOTS.of(w.clause), mask_of(w.clause.aus), w) for w in pattern.clauses]
    parts = tuple((slot, mask, w.weight, w.role == "core") for slot, mask, w in placed if w.weight > 0)
    contradicting = tuple((slot, mask, -w.weight) for slot, mask, w in placed if w.weight < 0)
    whole = sum(w.weight for w in weighing) or sum(weight for _, _, weight, _ in parts)
    return _Compiled(parts, contradicting, whole, DISPUTED if pattern.disputed or loose else 1.0)


def compile_class(canonical: str) -> None:
    """Fill `SLOTS` with what `canonical` asks for; to be called before faces are read for it."""
    knowledge()
    _compiled(canonical)


def pattern_support(canonical: str, face: Face) -> Support:
    """Support of a class that is not basic: its best pattern; of equal ones, that which explains more of the face."""
    return max([_hold_against(pattern, face) for pattern in _compiled(canonical)], key=_explaining)


def _explaining(support: Support) -> tuple[float, int]:
    return support.score, support.units_for.bit_count()


def _hold_against(pattern: _Compiled, face: Face) -> Support:
    grades, present = face.grades, face.present
    met = explained = uncounted = 0.0
    mine = missing = unseen = lacking = 0
    for slot, mask, weight, core in pattern.parts:
        grade = grades[slot]
        met += weight * grade
        if mask & present and grade > 0:
            mine |= mask & present
            part = min(weight / FULL, 1.0) * grade
            explained += part
            if mask & ~COUNTED:
                uncounted += part
        elif core and mask & face.measured:
            missing |= mask & face.absent
            lacking += 1
        elif core:
            unseen |= mask
    against = 0
    for slot, mask, weight in pattern.contradicting:
        if mask & present and grades[slot] > 0:
            against |= mask & present
            met -= weight * grades[slot]
    if not mine or met <= 0:
        return Support(0.0, mine, against, unseen, missing)
    recall = min(met / pattern.whole, 1.0)
    shown = sum([grades[au] for au in units_of(present & COUNTED)])
    precision = min(explained / (shown + uncounted), 1.0)
    score = pattern.share * MISSING_CORE**lacking * 2 * recall * precision / (recall + precision)
    return Support(score, mine, against, unseen, missing)


@lru_cache(maxsize=256)
def _sufficient(canonical: str) -> tuple[tuple[int, ...], ...]:
    """Combinations of a class that hold by presence alone: for each, masks of which one AU must be present."""
    if canonical not in BASIC:
        cores = [[mask for _, mask, _, core in pattern.parts if core] for pattern in _compiled(canonical)]
        return tuple(tuple(core) for core in cores if core)
    listed = [conjunct.needs for conjunct in tables.criterion(canonical) if not conjunct.limits]
    for prototype in tables.prototypes(canonical):
        listed.append(prototype.clauses)
        listed += [tuple(c for c in prototype.clauses if c.aus != (au,)) for au in prototype.may_lack]
    plain = [clauses for clauses in listed if all(c.low == 1 and c.high == 5 and not c.one_sided for c in clauses)]
    return tuple(tuple(mask_of(clause.aus) for clause in clauses) for clauses in plain)


def complete(canonical: str, face: Face) -> bool:
    """Whether a published combination of a class is on the face in full, none of it unknown."""
    return any(all(mask & face.present for mask in masks) for masks in _sufficient(canonical))
