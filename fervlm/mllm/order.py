"""The order of a run: position -> which face, shuffled anew in each pass. A cut run goes on by position alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset


class Passes(Dataset[tuple[int, int]]):
    """`epochs` passes over `count` faces, each face once a pass.

    Item i is (i, face): the position tells a collator what to draw, so that nothing depends on what ran before.
    """

    def __init__(self, count: int, epochs: float, seed: int) -> None:
        self.count, self.seed = count, seed
        self._length = round(count * epochs)
        self._kept: tuple[int, NDArray[np.int64]] | None = None

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, position: int) -> tuple[int, int]:
        if not 0 <= position < self._length:
            raise IndexError(position)
        turn, place = divmod(position, self.count)
        if self._kept is None or self._kept[0] != turn:
            self._kept = (turn, np.random.default_rng([self.seed, turn]).permutation(self.count))
        return position, int(self._kept[1][place])
