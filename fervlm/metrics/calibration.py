"""Whether probabilities mean what they say: ECE, Brier score, reliability bins, risk against coverage.

`probabilities` are [N, K] with rows that sum to 1, `truth` int [N] with the index of the true class, all within 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Index = NDArray[np.integer]
BINS = 15
"""Bins of equal width, as in Guo et al. 2017 (arXiv:1706.04599)."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers whose top probability lies in (low, high]."""

    low: float
    high: float
    count: int
    confidence: float
    """Mean top probability."""
    accuracy: float
    """Share of right answers."""


def _checked(probabilities: Array, truth: Index) -> tuple[Array, Index]:
    p, t = np.asarray(probabilities, float), np.asarray(truth)
    if p.ndim != 2 or not len(p) or len(p) != len(t):
        raise ValueError(f"need [N, K] probabilities and N true classes: {p.shape}, {t.shape}")
    if (p < -1e-9).any() or not np.allclose(p.sum(1), 1, atol=1e-2):
        raise ValueError("probabilities must be at least 0 and sum to 1 in each row")
    return p / p.sum(1, keepdims=True), t  # rows as written may be rounded


def reliability(probabilities: Array, truth: Index, bins: int = BINS) -> list[Bin]:
    """The bins that hold at least one answer, from low to high confidence."""
    p, t = _checked(probabilities, truth)
    top, right = p.max(1), p.argmax(1) == t
    place = np.clip(np.ceil(top * bins).astype(int) - 1, 0, bins - 1)
    found = []
    for k in range(bins):
        inside = place == k
        if inside.any():
            mean, share = float(top[inside].mean()), float(right[inside].mean())
            found.append(Bin(k / bins, (k + 1) / bins, int(inside.sum()), mean, share))
    return found


def ece(probabilities: Array, truth: Index, bins: int = BINS) -> float:
    """Expected calibration error, 0 to 1: mean over answers of |accuracy - confidence| of their bin."""
    found = reliability(probabilities, truth, bins)
    total = sum(one.count for one in found)
    return sum(one.count * abs(one.accuracy - one.confidence) for one in found) / total


def brier(probabilities: Array, truth: Index) -> float:
    """Brier's score of 1950, summed over classes: 0 is best, 2 is worst (scikit-learn's binary form is half of it)."""
    p, t = _checked(probabilities, truth)
    wanted = np.zeros_like(p)
    wanted[np.arange(len(t)), t] = 1
    return float(((p - wanted) ** 2).sum(1).mean())


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """Error among the surest answers, as more and more are taken in.

    Attributes:
        coverage: [N] 1/N to 1.
        risk: [N] share of wrong answers among them.
        area: mean risk over all coverages, 0 to 1 (AURC; Geifman et al. 2018, arXiv:1805.08206).
    """

    coverage: Array
    risk: Array
    area: float

    def at(self, coverage: float) -> float:
        """The risk where at least this share is answered."""
        return float(self.risk[min(int(np.ceil(coverage * len(self.risk))), len(self.risk)) - 1])


def risk_coverage(confidence: Array, right: NDArray[np.bool_]) -> RiskCoverage:
    """The curve for N answers; where confidences tie, their errors are spread evenly, so that order cannot help.

    Args:
        confidence: [N], larger is surer.
        right: [N] whether each answer is right.
    """
    sure, wrong = np.asarray(confidence, float), 1.0 - np.asarray(right, float)
    if not len(sure) or len(sure) != len(wrong):
        raise ValueError(f"need as many confidences as answers, and at least one: {len(sure)}, {len(wrong)}")
    order = np.argsort(-sure, kind="stable")
    sure, wrong = sure[order], wrong[order]
    _, groups = np.unique(-sure, return_inverse=True)
    means = np.bincount(groups, wrong) / np.bincount(groups)
    count = np.arange(1, len(sure) + 1)
    risk = np.cumsum(means[groups]) / count
    return RiskCoverage(count / len(sure), risk, float(risk.mean()))
