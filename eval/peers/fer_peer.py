"""The package `fer`: mini-XCEPTION behind its own face finder; the largest face counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from eval.answer import Answer
from eval.item import Benchmark, Item
from eval.peers import installed_version
from eval.peers.pictures import Pixels, answered
from fervlm.errors import FervlmError

MARGIN = 10
"""Pixels that the package adds around a face by default (`offsets`)."""


class Peer:
    """Nothing is searched in a crop: the place given is such that, with the package's own margin, all of it is seen.

    That is how its model was trained: on FER2013's pictures as they are.

    Args:
        benchmark: its labels are mapped by name.
        setting: `mtcnn` for that face finder, which needs more packages.
    """

    def __init__(self, benchmark: Benchmark, setting: str | None) -> None:
        try:
            package: Any = import_module("fer.fer")
        except ImportError:
            package = import_module("fer")  # older releases export it at the top
        self._detector, self._benchmark = package.FER(mtcnn=setting == "mtcnn"), benchmark
        self.name, self.version = "peer fer", installed_version("fer")

    def answers(self, items: Sequence[Item]) -> Iterator[Answer]:
        """One by one."""
        for item in items:
            yield from answered([item], self._whole if item.crop else self._found, self._benchmark)

    def _whole(self, pixels: Pixels) -> Mapping[str, float]:
        height, width = pixels.shape[:2]
        return self._first(pixels, [(MARGIN, MARGIN, width - 2 * MARGIN, height - 2 * MARGIN)])

    def _found(self, pixels: Pixels) -> Mapping[str, float]:
        return self._first(pixels, None)

    def _first(self, pixels: Pixels, places: list[tuple[int, int, int, int]] | None) -> Mapping[str, float]:
        faces = self._detector.detect_emotions(pixels, face_rectangles=places)
        if not faces:
            raise FervlmError("no face was found")
        largest = max(faces, key=lambda face: face["box"][2] * face["box"][3])
        scores: Mapping[str, float] = largest["emotions"]
        return scores
