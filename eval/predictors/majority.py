"""The most frequent true label for everything, with the class shares as probabilities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from eval.answer import Answer
from eval.item import Benchmark, Item
from fervlm import __version__
from fervlm.errors import FervlmError


class Majority:
    """Knows the truth of the set it answers, and only its class counts: the least that a model must beat."""

    name = "majority"
    version = __version__

    def __init__(self, benchmark: Benchmark, truth: Sequence[str]) -> None:
        known = Counter(label for label in truth if label in benchmark.labels)
        if not known:
            raise FervlmError(f"{benchmark.name} has no labels to count")
        # The earliest in the benchmark's order of those that tie.
        self._label = max(benchmark.labels, key=lambda label: known[label])
        total = known.total()
        self._shares = {label: known[label] / total for label in benchmark.labels}

    def answers(self, items: Sequence[Item]) -> Iterator[Answer]:
        """The same answer for every item."""
        for item in items:
            yield Answer(id=item.id, label=self._label, probabilities=self._shares, ms=0.0)
