"""Heat maps against the places where action units show: IoU and normalised correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Overlap:
    """How well a heat map lies on a region."""

    iou: float
    """Of the hottest cells, as many as the region has, and the region: 0 to 1."""
    correlation: float | None
    """Pearson's, cell by cell, -1 to 1; None where one of the two is flat."""
    inside: float
    """Share of the heat within the region, 0 to 1."""
    chance: float
    """Share of cells that the region covers: what `inside` is for heat spread evenly."""


def overlap(heat: Array, region: Array, share: float = 0.5) -> Overlap:
    """A heat map [H, W], not negative, against a region's weights [H, W].

    Args:
        heat: any scale.
        region: weights; cells of at least `share` of the largest belong to the mask.
        share: 0 to 1.

    Raises:
        ValueError: different shapes, a negative number, or nothing but zeros.
    """
    h, r = np.asarray(heat, float), np.asarray(region, float)
    if h.shape != r.shape or h.ndim != 2:
        raise ValueError(f"need two maps of one shape: {h.shape}, {r.shape}")
    if (h < 0).any() or (r < 0).any() or not h.any() or not r.any():
        raise ValueError("maps hold numbers from 0 up, and not zeros alone")
    mask = r >= share * r.max()
    hottest = np.zeros(h.size, bool)
    hottest[np.argsort(-h.ravel(), kind="stable")[: int(mask.sum())]] = True
    both, either = (hottest & mask.ravel()).sum(), (hottest | mask.ravel()).sum()
    flat = h.std() == 0 or r.std() == 0
    correlation = None if flat else float(np.corrcoef(h.ravel(), r.ravel())[0, 1])
    return Overlap(float(both / either), correlation, float(h[mask].sum() / h.sum()), float(mask.mean()))
