"""WAR, UAR and macro-F1 under resampling, by counts instead of rows: thousands of draws in a second.

Conventions as in `classes`: a class that a resample misses is not averaged over; an abstention is wrong.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fervlm.metrics.classes import Guesses, Interval, Labels

Measure = Literal["WAR", "UAR", "macro-F1"]
MEASURES: tuple[Measure, ...] = ("WAR", "UAR", "macro-F1")
Counts = NDArray[np.float64]
"""[..., T, P]: rows by true class and answer; the first T answers are the classes themselves."""
_CHUNK = 256


def values(counts: Counts) -> dict[Measure, NDArray[np.float64]]:
    """Each measure for count tables [..., T, P]."""
    classes = counts.shape[-2]
    support = counts.sum(-1)
    hits = np.diagonal(counts[..., :classes], axis1=-2, axis2=-1)
    given = counts[..., :classes].sum(-2)
    here = support > 0
    number = np.maximum(here.sum(-1), 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + given, 1)
    return {
        "WAR": hits.sum(-1) / np.maximum(support.sum(-1), 1),
        "UAR": np.where(here, recall, 0).sum(-1) / number,
        "macro-F1": np.where(here, f1, 0).sum(-1) / number,
    }


def tables(
    truth: Labels, predicted: Guesses, groups: Sequence[Hashable] | None = None, labels: Sequence[str] = ()
) -> Counts:
    """[G, T, P] counts of each group (of each row without groups), groups in order of first appearance.

    Args:
        truth, predicted: as in `classes`.
        groups: one per row, such as a person.
        labels: answers that get a column whether they occur or not, so that two predictors' tables fit.
    """
    if not truth or len(truth) != len(predicted) or (groups is not None and len(groups) != len(truth)):
        raise ValueError(f"need equally many labels, predictions and groups, and at least one: {len(truth)}")
    classes = sorted(set(truth))
    answers = [*classes, *sorted({*labels, *(p for p in predicted if p is not None)} - set(classes))]
    column = {answer: k for k, answer in enumerate(answers)}
    row = {label: k for k, label in enumerate(classes)}
    order: dict[Hashable, int] = {}
    place = [order.setdefault(g, len(order)) for g in (groups if groups is not None else range(len(truth)))]
    counts = np.zeros((len(order), len(classes), len(answers) + 1))
    where = [row[t] for t in truth], [len(answers) if p is None else column[p] for p in predicted]
    np.add.at(counts, (np.array(place), *map(np.array, where)), 1)
    return counts


def drawn(groups: int, draws: int, seed: int) -> NDArray[np.float64]:
    """[draws, groups]: how often each group is drawn, with replacement."""
    rng = np.random.default_rng(seed)
    rows = [np.bincount(rng.integers(groups, size=groups), minlength=groups) for _ in range(draws)]
    return np.array(rows, np.float64)


def weighted(weights: NDArray[np.float64], counts: Counts) -> Counts:
    """[draws, T, P] of [draws, G] and [G, T, P]."""
    flat = counts.reshape(len(counts), -1)
    made = np.concatenate([weights[k : k + _CHUNK] @ flat for k in range(0, len(weights), _CHUNK)])
    return made.reshape(len(weights), *counts.shape[1:])


def quantiles(draws: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of draws [D]."""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def intervals(
    truth: Labels,
    predicted: Guesses,
    *,
    groups: Sequence[Hashable] | None = None,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[Measure, Interval]:
    """All three measures with percentile bootstrap intervals over rows, or over whole groups."""
    counts = tables(truth, predicted, groups)
    point = values(counts.sum(0))
    resampled = values(weighted(drawn(len(counts), draws, seed), counts))
    return {name: Interval(float(point[name]), *quantiles(resampled[name], level), level) for name in MEASURES}
