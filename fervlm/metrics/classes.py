"""Classification metrics as pure functions.

Conventions: `truth` and `predicted` are equally long sequences of labels, not empty; a predicted None is an abstention
and counts as wrong. WAR is the share of right answers (accuracy). UAR is the mean recall over the classes that occur in
`truth`. Precision is 0 where a class was never predicted, F1 is 0 where precision and recall are both 0, and macro-F1
is the mean over the classes that occur in `truth`. Intervals are percentile bootstraps over rows, or over whole groups
(persons) where groups are given, with a fixed seed.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

Labels = Sequence[str]
Guesses = Sequence[str | None]
Metric = Callable[[Labels, Guesses], float]

ABSTAINED = "abstained"
"""Column of a confusion matrix for abstentions."""


def _check(truth: Labels, predicted: Guesses) -> None:
    if not truth or len(truth) != len(predicted):
        raise ValueError(f"need equally many labels and predictions, and at least one: {len(truth)}, {len(predicted)}")


def war(truth: Labels, predicted: Guesses) -> float:
    """Share of rows whose predicted label is the true one, 0 to 1."""
    _check(truth, predicted)
    return sum(t == p for t, p in zip(truth, predicted, strict=True)) / len(truth)


def class_recall(truth: Labels, predicted: Guesses) -> dict[str, float]:
    """Recall of each class that occurs in `truth`, in order of first appearance."""
    _check(truth, predicted)
    total = Counter(truth)
    right = Counter(t for t, p in zip(truth, predicted, strict=True) if t == p)
    return {label: right[label] / count for label, count in total.items()}


def uar(truth: Labels, predicted: Guesses) -> float:
    """Mean recall over the classes that occur in `truth`, 0 to 1."""
    recalls = class_recall(truth, predicted)
    return sum(recalls.values()) / len(recalls)


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class of `truth`."""

    support: int
    """Number of true rows."""
    precision: float
    recall: float
    f1: float


def per_class(truth: Labels, predicted: Guesses) -> dict[str, ClassScore]:
    """Support, precision, recall and F1 of each class that occurs in `truth`."""
    recalls = class_recall(truth, predicted)
    total, given = Counter(truth), Counter(predicted)
    found = {}
    for label, recall in recalls.items():
        precision = recall * total[label] / given[label] if given[label] else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        found[label] = ClassScore(total[label], precision, recall, f1)
    return found


def macro_f1(truth: Labels, predicted: Guesses) -> float:
    """Mean F1 over the classes that occur in `truth`, 0 to 1."""
    scores = per_class(truth, predicted)
    return sum(score.f1 for score in scores.values()) / len(scores)


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts: one row per true class, one column per predicted class; both in the order of the names."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def __str__(self) -> str:
        wide = max(len(name) for name in (*self.rows, "true"))
        narrow = max(*map(len, self.columns), 5) + 2
        lines = ["true".ljust(wide) + "".join(f"{column:>{narrow}}" for column in self.columns)]
        for name, counts in zip(self.rows, self.counts, strict=True):
            lines.append(f"{name:<{wide}}" + "".join(f"{count:>{narrow}}" for count in counts))
        return "\n".join(lines)


def confusion(truth: Labels, predicted: Guesses, labels: Sequence[str] | None = None) -> Confusion:
    """The confusion matrix; abstentions stand in a last column of their own where there are any.

    Args:
        truth: true labels.
        predicted: predicted labels, None for an abstention.
        labels: order of rows and columns; by default the sorted labels that occur. Others that occur are appended.
    """
    _check(truth, predicted)
    named = sorted({*truth, *(p for p in predicted if p is not None)})
    order = [*labels, *(n for n in named if n not in labels)] if labels is not None else named
    columns = [*order, ABSTAINED] if None in predicted else order
    pairs = Counter((t, ABSTAINED if p is None else p) for t, p in zip(truth, predicted, strict=True))
    counts = tuple(tuple(pairs[row, column] for column in columns) for row in order)
    return Confusion(tuple(order), tuple(columns), counts)


@dataclass(frozen=True, slots=True)
class Interval:
    """A metric with its percentile bootstrap interval."""

    value: float
    low: float
    high: float
    level: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap(
    metric: Metric,
    truth: Labels,
    predicted: Guesses,
    *,
    groups: Sequence[Hashable] | None = None,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """`metric` with its bootstrap interval: rows, or whole groups, drawn with replacement `draws` times.

    A resample keeps the metric's conventions: a class that it happens to miss is not averaged over.
    """
    _check(truth, predicted)
    members: dict[Hashable, list[int]] = {}
    for index, group in enumerate(groups if groups is not None else range(len(truth))):
        members.setdefault(group, []).append(index)
    if sum(map(len, members.values())) != len(truth):
        raise ValueError(f"need one group per row: {len(truth)} rows")
    blocks = list(members.values())
    draw = random.Random(seed)
    values = []
    for _ in range(draws):
        chosen = [index for block in draw.choices(blocks, k=len(blocks)) for index in block]
        values.append(metric([truth[i] for i in chosen], [predicted[i] for i in chosen]))
    values.sort()
    tail = (1 - level) / 2
    low = values[min(int(tail * draws), draws - 1)]
    high = values[max(min(int((1 - tail) * draws), draws - 1), 0)]
    return Interval(metric(truth, predicted), low, high, level)
