"""An audit by groups that the user gives: error of each, and whether it differs from the rest beyond chance.

fervlm never infers a group from a face. Groups below a least size are counted and named, not judged: an error rate of
seven faces says nothing.
"""

from __future__ import annotations

import random
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from fervlm.metrics.classes import Guesses, Interval, Labels, bootstrap, war
from fervlm.metrics.differences import holm

LEAST = 30


@dataclass(frozen=True, slots=True)
class GroupError:
    """One group."""

    group: str
    rows: int
    error: Interval
    """Share of wrong answers."""
    rest: float
    """Share of wrong answers among the rows of all other judged groups."""
    p: float
    """Two-sided permutation test of the difference, after Holm's correction over the judged groups."""


@dataclass(frozen=True, slots=True)
class Audit:
    """All groups; `too_small` are counted, not judged."""

    judged: tuple[GroupError, ...]
    too_small: dict[str, int]
    gap: float | None
    """Largest less smallest error of the judged groups."""


def audit(
    truth: Labels,
    predicted: Guesses,
    groups: Sequence[str],
    *,
    least: int = LEAST,
    draws: int = 2000,
    seed: int = 0,
    persons: Sequence[Hashable] | None = None,
) -> Audit:
    """Error of every group against the rest; worst first.

    Labels may be spread unevenly over groups, and then the errors differ without a fault of the predictor, so rows are
    permuted within each true label only.

    Args:
        truth, predicted: as in `classes`; an abstention is wrong.
        groups: the group of each row; rows with an empty one are left out.
        least: rows a group must have to be judged.
        draws, seed: of the permutations.
        persons: draws whole persons for the intervals.
    """
    if not len(truth) == len(predicted) == len(groups):
        raise ValueError("need one group per row")
    sizes: dict[str, int] = {}
    for group in groups:
        if group:
            sizes[group] = sizes.get(group, 0) + 1
    named = sorted(group for group, count in sizes.items() if count >= least)
    rows = [i for i, group in enumerate(groups) if group in named]
    small = {group: count for group, count in sorted(sizes.items()) if count < least}
    if len(named) < 2:
        return Audit((), {**small, **{g: sizes[g] for g in named}}, None)
    wrong = [truth[i] != predicted[i] for i in rows]
    own, labels = [groups[i] for i in rows], [truth[i] for i in rows]
    raw = _p_values(wrong, own, labels, named, draws, seed)
    errors = []
    for group, p in zip(named, holm(raw), strict=True):
        inside = [i for i, g in zip(rows, own, strict=True) if g == group]
        right = bootstrap(
            war,
            [truth[i] for i in inside],
            [predicted[i] for i in inside],
            groups=None if persons is None else [persons[i] for i in inside],
        )
        error = Interval(1 - right.value, 1 - right.high, 1 - right.low, right.level)
        outside = [w for w, g in zip(wrong, own, strict=True) if g != group]
        errors.append(GroupError(group, len(inside), error, sum(outside) / len(outside), p))
    errors.sort(key=lambda e: (-e.error.value, e.group))
    return Audit(tuple(errors), small, errors[0].error.value - errors[-1].error.value)


def _gaps(wrong: Sequence[bool], own: Sequence[str], named: Sequence[str]) -> list[float]:
    total, everything = len(wrong), sum(wrong)
    inside = dict.fromkeys(named, 0)
    bad = dict.fromkeys(named, 0)
    for w, g in zip(wrong, own, strict=True):
        inside[g] += 1
        bad[g] += w
    return [abs(bad[g] / inside[g] - (everything - bad[g]) / (total - inside[g])) for g in named]


def _p_values(
    wrong: list[bool], own: list[str], labels: list[str], named: list[str], draws: int, seed: int
) -> list[float]:
    strata: dict[str, list[int]] = {}
    for i, label in enumerate(labels):
        strata.setdefault(label, []).append(i)
    seen = _gaps(wrong, own, named)
    extreme = [0] * len(named)
    draw = random.Random(seed)
    mixed = list(own)
    for _ in range(draws):
        for places in strata.values():
            shuffled = [own[i] for i in places]
            draw.shuffle(shuffled)
            for i, group in zip(places, shuffled, strict=True):
                mixed[i] = group
        for k, gap in enumerate(_gaps(wrong, mixed, named)):
            extreme[k] += gap >= seen[k] - 1e-12
    return [(count + 1) / (draws + 1) for count in extreme]
