"""Smoothing that never looks across a gap in tracking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fervlm.sequences.track import Floats, Numbers, Times

_CHUNK = 1 << 16
_MOST_NEIGHBOURS = 64


def remove_spikes(values: Floats, stretch: Numbers) -> None:
    """Replace, in place, each row by the median of itself and its two neighbours of the same stretch.

    The ends of a stretch and rows beside a missing value stay as they are.
    """
    if len(values) < 3:
        return
    before, here, after = values[:-2].copy(), values[1:-1].copy(), values[2:].copy()
    median = np.maximum(np.minimum(before, here), np.minimum(np.maximum(before, here), after))
    whole = (stretch[:-2] == stretch[1:-1]) & (stretch[2:] == stretch[1:-1]) & ~np.isnan(median)
    values[1:-1] = np.where(whole, median, here)


def smooth(values: Floats, times: Times, stretch: Numbers, half_width: float, step: float) -> None:
    """Triangular weighted mean over `half_width` seconds to either side, in place; weights go by time.

    Only rows of the same stretch count, so nothing is averaged across untracked rows or gaps; missing values stay
    missing and lend nothing. Rows further apart than `half_width` stay as they are.
    """
    reach = min(int(half_width / step) if step > 0 else 0, _MOST_NEIGHBOURS)
    if reach < 1:
        return
    size = len(values)
    raw = values.copy()
    for begin in range(0, size, _CHUNK):
        end = min(begin + _CHUNK, size)
        total = np.nan_to_num(raw[begin:end].astype(np.float64))
        weight = np.ones(end - begin)
        for shift in (s for k in range(1, reach + 1) for s in (-k, k)):
            low, high = max(begin, -shift), min(end, size - shift)
            if low >= high:
                continue
            other = raw[low + shift : high + shift]
            share = 1 - np.abs(times[low + shift : high + shift] - times[low:high]) / half_width
            lends = (stretch[low + shift : high + shift] == stretch[low:high]) & ~np.isnan(other) & (share > 0)
            total[low - begin : high - begin] += np.where(lends, share * np.nan_to_num(other), 0)
            weight[low - begin : high - begin] += np.where(lends, share, 0)
        values[begin:end] = np.where(np.isnan(raw[begin:end]), np.nan, total / weight)
