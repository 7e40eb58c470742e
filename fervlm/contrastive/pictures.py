"""Pictures of a training set as batches of uint8 tensors: decoded once where small, at each use where large."""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

KEEP_BYTES = 2**31
"""Sets that take more than this when decoded are decoded batch by batch."""


class Pictures:
    """N square pictures.

    Args:
        encoded: N picture files (JPEG, PNG, WebP, ...).
        size: side in pixels that each is resampled to.
        colour: three channels instead of one grey channel.
    """

    def __init__(self, encoded: Sequence[bytes], size: int, *, colour: bool = False) -> None:
        self.size, self.colour = size, colour
        self._encoded = list(encoded)
        self._decoded: NDArray[np.uint8] | None = None
        if len(self._encoded) * size * size * (3 if colour else 1) <= KEEP_BYTES:
            self._decoded = self._decode(range(len(self._encoded)))

    def __len__(self) -> int:
        return len(self._encoded)

    def batch(self, index: slice | NDArray[np.int64]) -> Tensor:
        """uint8 [B, 1 or 3, size, size] of the pictures at `index` (slice or integers [B])."""
        places = np.arange(len(self._encoded))[index]
        found = self._decode(places.tolist()) if self._decoded is None else self._decoded[places]
        return torch.from_numpy(found)

    def take(self, kept: Sequence[int]) -> Pictures:
        """The pictures at `kept`."""
        chosen = Pictures([], self.size, colour=self.colour)
        chosen._encoded = [self._encoded[i] for i in kept]
        chosen._decoded = None if self._decoded is None else self._decoded[list(kept)]
        return chosen

    def encoded(self) -> Sequence[bytes]:
        """The picture files, as given."""
        return self._encoded

    def _decode(self, index: Sequence[int] | range) -> NDArray[np.uint8]:
        out = np.empty((len(index), 3 if self.colour else 1, self.size, self.size), np.uint8)

        def one(place: int) -> None:
            out[place] = _square(self._encoded[index[place]], self.size, self.colour)

        with ThreadPoolExecutor(max_workers=2) as pool:  # Pillow lets go of the interpreter while it decodes
            list(pool.map(one, range(len(index)), chunksize=64))
        return out


def _square(data: bytes, size: int, colour: bool) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as picture:
        flat = picture.convert("RGB" if colour else "L")
        if flat.size != (size, size):
            flat = flat.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0)
        array = np.asarray(flat, np.uint8)
        return array.transpose(2, 0, 1) if colour else array[None]
