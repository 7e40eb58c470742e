"""What a predictor answers, whatever the truth: its histogram, and an alarm where one answer swallows the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

SHARE_ALARM = 0.5
"""Share of one answer that is looked into."""
TIMES_ALARM = 1.5
"""How much more often than its true share an answer must come."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often each label is true and how often it is answered, in rows."""

    truth: dict[str, int]
    answered: dict[str, int]
    abstained: int

    @property
    def never_answered(self) -> tuple[str, ...]:
        """Labels that occur in the truth and in no answer."""
        return tuple(label for label in self.truth if not self.answered.get(label))


def histogram(truth: Sequence[str], predicted: Sequence[str | None]) -> Histogram:
    """Counts of true and of answered labels, most frequent first; None counts as abstained."""
    told = Counter(label for label in predicted if label is not None)
    return Histogram(dict(Counter(truth).most_common()), dict(told.most_common()), sum(p is None for p in predicted))


def majority_alarm(truth: Sequence[str], predicted: Sequence[str | None]) -> str | None:
    """A sentence where one answer covers the rest, else None.

    The alarm sounds where one label makes up at least half of all answers that were given and at least 1.5 times its
    share of the truth, and where a single label is all that is ever answered although the truth holds several. The two
    numbers are conventions of ours.
    """
    found = histogram(truth, predicted)
    given = sum(found.answered.values())
    if not given or len(found.truth) < 2:
        return None
    label, count = next(iter(found.answered.items()))
    share, true_share = count / given, found.truth.get(label, 0) / len(truth)
    if len(found.answered) == 1:
        return f"every answer is '{label}'"
    if share >= SHARE_ALARM and share >= TIMES_ALARM * true_share:
        return f"'{label}' is {share:.0%} of the answers and {true_share:.0%} of the truth"
    return None
