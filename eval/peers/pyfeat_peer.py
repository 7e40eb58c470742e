"""py-feat's Detector: AU probabilities and emotions of the first face."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2

from eval.answer import Answer, failed
from eval.item import Benchmark, Item
from eval.peers import installed_version
from eval.peers.pictures import decoded, in_benchmark_words

PRESENT = 0.5


class Peer:
    """`Detector().detect` on each picture, AUs present from 0.5.

    Args:
        benchmark: its labels are mapped by name; AU benchmarks take the AU columns.
        setting: not used.
    """

    def __init__(self, benchmark: Benchmark, setting: str | None) -> None:
        del setting
        package: Any = import_module("feat")
        self._detector, self._benchmark = package.Detector(), benchmark
        self.name, self.version = "peer py-feat", installed_version("pyfeat")

    def answers(self, items: Sequence[Item]) -> Iterator[Answer]:
        """One by one, each through a file, as the package takes names of files."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "picture.png")
            for item in items:
                began = time.perf_counter()
                try:
                    cv2.imwrite(str(path), decoded(item))
                    found = self._detected(str(path)).iloc[0].to_dict()
                    row = {str(name): value for name, value in found.items() if isinstance(value, float)}
                    yield self._answer(item, row, round((time.perf_counter() - began) * 1000, 1))
                except Exception as error:  # other people's packages raise what they like
                    yield failed(item.id, f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}")

    def _detected(self, path: str) -> Any:  # noqa: ANN401 - the package's own table
        if hasattr(self._detector, "detect"):
            return self._detector.detect([path], data_type="image")
        return self._detector.detect_image([path])  # releases before 0.7

    def _answer(self, item: Item, row: Mapping[str, float], ms: float) -> Answer:
        units = {int(name[2:]): value for name, value in row.items() if name[:2] == "AU" and name[2:].isdigit()}
        known = {name: value for name, value in row.items() if name.lower() in EMOTIONS}
        shares = in_benchmark_words(known, self._benchmark) if self._benchmark.labels else {}
        if not units or any(value != value for value in units.values()):  # noqa: PLR0124 - NaN: no face
            return failed(item.id, "no face was found", ms)
        return Answer(
            id=item.id,
            label=max(shares, key=lambda label: shares[label]) if shares else None,
            probabilities=shares or None,
            units=units,
            present=tuple(sorted(au for au, value in units.items() if value >= PRESENT)),
            ms=ms,
        )


EMOTIONS = frozenset({"anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"})
