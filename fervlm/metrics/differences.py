"""Whether a difference is real: paired permutation tests, paired bootstrap, Holm's correction."""

from __future__ import annotations

import random
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from fervlm.metrics.classes import Guesses, Interval, Labels, Metric

DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Difference:
    """B minus A on the same rows."""

    a: float
    b: float
    change: Interval
    """Of b - a, paired bootstrap."""
    p: float
    """Two-sided paired permutation test; never below 1 / (draws + 1)."""

    @property
    def real(self) -> bool:
        """At the 5 % level, and the interval agrees."""
        return self.p < 0.05 and not self.change.low <= 0 <= self.change.high


def _blocks(n: int, groups: Sequence[Hashable] | None) -> list[list[int]]:
    members: dict[Hashable, list[int]] = {}
    for index, group in enumerate(groups if groups is not None else range(n)):
        members.setdefault(group, []).append(index)
    if sum(map(len, members.values())) != n:
        raise ValueError(f"need one group per row: {n} rows")
    return list(members.values())


def compare(
    metric: Metric,
    truth: Labels,
    a: Guesses,
    b: Guesses,
    *,
    groups: Sequence[Hashable] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Difference:
    """`metric` of two predictors on the same rows.

    Permutation: in each draw the two answers to a row (to all rows of a group, such as a person) are swapped with
    probability 1/2; p is the share of draws whose difference is at least as large as the one seen, itself counted
    (Phipson & Smyth 2010). Bootstrap: the same rows are drawn for both.

    Raises:
        ValueError: lists of different length, or none.
    """
    if not truth or not len(truth) == len(a) == len(b):
        raise ValueError(f"need the same rows from both: {len(truth)}, {len(a)}, {len(b)}")
    blocks = _blocks(len(truth), groups)
    first, second = metric(truth, a), metric(truth, b)
    seen = abs(second - first) - 1e-12
    draw = random.Random(seed)
    extreme, changes = 0, []
    for _ in range(draws):
        x, y = list(a), list(b)
        for block in blocks:
            if draw.random() < 0.5:
                for i in block:
                    x[i], y[i] = y[i], x[i]
        extreme += abs(metric(truth, y) - metric(truth, x)) >= seen
        rows = [i for block in draw.choices(blocks, k=len(blocks)) for i in block]
        t = [truth[i] for i in rows]
        changes.append(metric(t, [b[i] for i in rows]) - metric(t, [a[i] for i in rows]))
    changes.sort()
    low, high = changes[int(0.025 * draws)], changes[min(int(0.975 * draws), draws - 1)]
    return Difference(first, second, Interval(second - first, low, high, 0.95), (extreme + 1) / (draws + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction for several tests; adjusted values in the given order, at most 1."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted
