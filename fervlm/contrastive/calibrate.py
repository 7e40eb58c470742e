"""From scores to probabilities: one temperature for the labels, one line for each action unit. Numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
BINS = 15


def softmax(logits: Array) -> Array:
    """Rows of [N, K] as shares that sum to 1."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Array = shifted / shifted.sum(axis=1, keepdims=True)
    return shares


def sigmoid(logits: Array) -> Array:
    """Element by element, without overflow."""
    found: Array = 0.5 * (1 + np.tanh(0.5 * logits))
    return found


def fit_temperature(similarities: Array, truth: NDArray[np.int64]) -> float:
    """The t that makes softmax(similarities / t) likeliest (Guo et al. 2017, arXiv:1706.04599).

    Args:
        similarities: [N, K].
        truth: [N] columns of the true labels.
    """
    rows = np.arange(len(truth))

    def loss(log_t: float) -> float:
        logits = similarities / np.exp(log_t)
        top = logits.max(axis=1)
        return float(np.mean(top + np.log(np.exp(logits - top[:, None]).sum(1)) - logits[rows, truth]))

    # The loss has one minimum in log t: golden section.
    low, high = np.log(1e-3), np.log(10.0)
    ratio = (5**0.5 - 1) / 2
    a, b = high - ratio * (high - low), low + ratio * (high - low)
    at_a, at_b = loss(a), loss(b)
    while high - low > 1e-4:
        if at_a < at_b:
            high, b, at_b = b, a, at_a
            a = high - ratio * (high - low)
            at_a = loss(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + ratio * (high - low)
            at_b = loss(b)
    return float(np.exp((low + high) / 2))


def calibration_error(probabilities: Array, truth: NDArray[np.int64], bins: int = BINS) -> float:
    """ECE: mean gap between the top probability and accuracy over `bins` equal bins, weighed by their faces.

    Args:
        probabilities: [N, K].
        truth: [N].
        bins: of [0, 1].
    """
    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    place = np.minimum((top * bins).astype(int), bins - 1)
    gaps = [abs(top[place == k].mean() - right[place == k].mean()) * (place == k).sum() for k in np.unique(place)]
    return float(np.sum(gaps) / len(truth))


@dataclass(frozen=True, slots=True)
class UnitFit:
    """One action unit: probability = sigmoid(slope * logit + offset), present from `threshold` on."""

    slope: float
    offset: float
    threshold: float


def fit_unit(logits: Array, truth: NDArray[np.bool_], *, steps: int = 50) -> UnitFit:
    """Platt's line by Newton steps with his smoothed targets, and the threshold of the best F1 on the same faces.

    Args:
        logits: [N] of one action unit.
        truth: [N] whether it is present; both must occur.
        steps: most Newton steps.
    """
    present, absent = int(truth.sum()), int((~truth).sum())
    if not present or not absent:
        raise ValueError("an action unit is fitted on faces with and without it")
    # Platt (1999): targets that leave room for the faces not seen.
    target = np.where(truth, (present + 1) / (present + 2), 1 / (absent + 2))
    x = np.stack([logits.astype(np.float64), np.ones(len(logits))])
    line = np.array([1.0, 0.0])
    for _ in range(steps):
        p = sigmoid(line @ x)
        gradient = x @ (p - target)
        curvature = (x * (p * (1 - p))) @ x.T + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        line = line - step
        if np.abs(step).max() < 1e-9:
            break
    slope = max(float(line[0]), 1e-3)  # a head that tells nothing must not be turned round
    return UnitFit(slope, float(line[1]), _best_threshold(sigmoid(slope * logits + line[1]), truth))


def _best_threshold(probabilities: Array, truth: NDArray[np.bool_]) -> float:
    """Half-way between the neighbouring probabilities where F1 is greatest."""
    order = np.argsort(-probabilities, kind="stable")
    hits = np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + truth.sum())
    sorted_p = probabilities[order]
    ends = np.append(sorted_p[:-1] > sorted_p[1:], True)  # equal probabilities fall on one side together
    best = int(np.flatnonzero(ends)[np.argmax(f1[ends])])
    after = sorted_p[best + 1] if best + 1 < len(order) else 0.0
    return float((sorted_p[best] + after) / 2)
