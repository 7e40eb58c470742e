"""DeepFace's emotion analysis on the picture as it is: `DeepFace.analyze(..., actions=["emotion"])`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from eval.answer import Answer
from eval.item import Benchmark, Item
from eval.peers import installed_version
from eval.peers.pictures import Pixels, answered


class Peer:
    """Crops go in without a detector, whole pictures through DeepFace's default one.

    Args:
        benchmark: its labels are mapped by name.
        setting: a detector backend of DeepFace, where another than its default is wanted.
    """

    def __init__(self, benchmark: Benchmark, setting: str | None) -> None:
        self._analyze: Any = import_module("deepface").DeepFace.analyze
        self._benchmark, self._backend = benchmark, setting
        self.name, self.version = "peer deepface", installed_version("deepface")

    def answers(self, items: Sequence[Item]) -> Iterator[Answer]:
        """One by one."""
        for item in items:
            backend = "skip" if item.crop else self._backend or "opencv"
            yield from answered([item], lambda pixels, b=backend: self._look(pixels, b), self._benchmark)  # type: ignore[misc]

    def _look(self, pixels: Pixels, backend: str) -> Mapping[str, float]:
        found = self._analyze(pixels, actions=["emotion"], detector_backend=backend, silent=True)
        first = found[0] if isinstance(found, list) else found
        scores: Mapping[str, float] = first["emotion"]
        return scores
