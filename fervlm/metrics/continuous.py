"""Numbers beside numbers: valence and arousal (CCC, RMSE), AU intensity (ICC(3,1), MAE)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def _pair(truth: Array, predicted: Array) -> tuple[Array, Array]:
    t, p = np.asarray(truth, float), np.asarray(predicted, float)
    if t.shape != p.shape or t.ndim != 1 or not len(t):
        raise ValueError(f"need two equally long lists of numbers, not empty: {t.shape}, {p.shape}")
    return t, p


def ccc(truth: Array, predicted: Array) -> float:
    """Lin's concordance (1989), -1 to 1: 2 cov / (var + var + (difference of means)^2), population moments.

    0 where both are constant and differ, 1 where they are constant and equal.
    """
    t, p = _pair(truth, predicted)
    below = t.var() + p.var() + (t.mean() - p.mean()) ** 2
    if below == 0:
        return 1.0
    return float(2 * ((t - t.mean()) * (p - p.mean())).mean() / below)


def rmse(truth: Array, predicted: Array) -> float:
    """Root mean squared error, in the unit of the numbers."""
    t, p = _pair(truth, predicted)
    return float(np.sqrt(((t - p) ** 2).mean()))


def mae(truth: Array, predicted: Array) -> float:
    """Mean absolute error, in the unit of the numbers."""
    t, p = _pair(truth, predicted)
    return float(np.abs(t - p).mean())


def sign_agreement(truth: Array, predicted: Array) -> float:
    """Share of pairs with the same sign (SAGR); 0 agrees with 0 only."""
    t, p = _pair(truth, predicted)
    return float((np.sign(t) == np.sign(p)).mean())


def icc31(truth: Array, predicted: Array) -> float | None:
    """ICC(3,1) of two raters (Shrout & Fleiss 1979): (BMS - EMS) / (BMS + EMS) of the two-way table; at most 1.

    None where nothing varies, and with fewer than two rows.
    """
    t, p = _pair(truth, predicted)
    if len(t) < 2:
        return None
    table = np.stack([t, p], axis=1)
    rows, columns, grand = table.mean(1), table.mean(0), table.mean()
    between = 2 * ((rows - grand) ** 2).sum() / (len(t) - 1)
    rest = table - rows[:, None] - columns[None] + grand
    error = (rest**2).sum() / (len(t) - 1)
    if between + error == 0:
        return None
    return float((between - error) / (between + error))
