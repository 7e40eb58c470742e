"""Whether a difference is real: paired permutation tests, paired bootstrap, Holm's correction."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from fervlm.metrics.classes import Guesses, Interval, Labels
from fervlm.metrics.resampling import Measure, drawn, quantiles, tables, values, weighted

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


def compare(
    measure: Measure,
    truth: Labels,
    a: Guesses,
    b: Guesses,
    *,
    groups: Sequence[Hashable] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Difference:
    """A measure of two predictors on the same rows.

    Permutation: in each draw the two answers to a row (to all rows of a group, such as a person) are swapped with
    probability 1/2; p is the share of draws whose difference is at least as large as the one seen, itself counted
    (Phipson & Smyth 2010). Bootstrap: the same rows are drawn for both.

    Raises:
        ValueError: lists of different length, or none.
    """
    if not truth or not len(truth) == len(a) == len(b):
        raise ValueError(f"need the same rows from both: {len(truth)}, {len(a)}, {len(b)}")
    answers = [label for label in (*a, *b) if label is not None]
    first, second = (tables(truth, given, groups, answers) for given in (a, b))
    swapped = second - first
    points = [float(values(counts.sum(0))[measure]) for counts in (first, second)]
    change = points[1] - points[0]
    swaps = np.random.default_rng(seed).integers(2, size=(draws, len(first))).astype(float)
    moved = weighted(swaps, swapped)
    mixed = values(second.sum(0) - moved)[measure] - values(first.sum(0) + moved)[measure]
    extreme = int((np.abs(mixed) >= abs(change) - 1e-12).sum())
    weights = drawn(len(first), draws, seed)
    spread = values(weighted(weights, second))[measure] - values(weighted(weights, first))[measure]
    interval = Interval(change, *quantiles(spread), 0.95)
    return Difference(points[0], points[1], interval, (extreme + 1) / (draws + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction for several tests; adjusted values in the given order, at most 1."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted
