"""The order of a run: position -> which face, shuffled anew in each pass. A cut run goes on by position alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

Row = tuple[int, int]
_WINDOW = 32
"""Batches among which samples of like length find each other."""


class Passes(Dataset[Row]):
    """`epochs` passes over `count` faces, each face once a pass.

    Item i is (i, face): the position tells a collator what to draw, so that nothing depends on what ran before.
    """

    def __init__(self, count: int, epochs: float, seed: int) -> None:
        self.count, self.seed = count, seed
        self._length = round(count * epochs)
        self._kept: tuple[int, NDArray[np.int64]] | None = None

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, position: int) -> Row:
        if not 0 <= position < self._length:
            raise IndexError(position)
        turn, place = divmod(position, self.count)
        if self._kept is None or self._kept[0] != turn:
            self._kept = (turn, np.random.default_rng([self.seed, turn]).permutation(self.count))
        return position, int(self._kept[1][place])


class LikeLengths(Dataset[Row]):
    """The same samples, exchanged within windows so that each batch holds samples of like length: less padding.

    Args:
        passes: the samples.
        length: of a sample in whatever unit, from its position and face.
        batch: samples of a step.
    """

    def __init__(self, passes: Passes, length: Callable[[int, int], int], batch: int) -> None:
        self.passes, self.length, self.batch = passes, length, batch
        self._kept: tuple[int, list[Row]] | None = None

    def __len__(self) -> int:
        return len(self.passes)

    def __getitem__(self, position: int) -> Row:
        if not 0 <= position < len(self):
            raise IndexError(position)
        window, place = divmod(position, self.batch * _WINDOW)
        if self._kept is None or self._kept[0] != window:
            self._kept = (window, self._sorted(window))
        return self._kept[1][place]

    def _sorted(self, window: int) -> list[Row]:
        size = self.batch * _WINDOW
        rows = [self.passes[k] for k in range(window * size, min(len(self), (window + 1) * size))]
        rows.sort(key=lambda row: self.length(*row))
        batches = [rows[k : k + self.batch] for k in range(0, len(rows), self.batch)]
        # A batch that is not full stays last: steps hold whole batches.
        whole, rest = (batches, []) if len(batches[-1]) == self.batch else (batches[:-1], batches[-1:])
        order = np.random.default_rng([self.passes.seed, window, 1]).permutation(len(whole))
        return [row for k in order for row in whole[k]] + [row for part in rest for row in part]
