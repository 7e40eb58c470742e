"""Scores that put the right things first: AUROC, FPR at 95 % TPR, retrieval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def auroc(scores: Array, positive: NDArray[np.bool_]) -> float | None:
    """Probability that a positive scores higher than a negative, ties half; None where one kind is missing.

    Args:
        scores: [N], larger means more positive.
        positive: [N].
    """
    s, yes = np.asarray(scores, float), np.asarray(positive, bool)
    if len(s) != len(yes):
        raise ValueError(f"need as many scores as truths: {len(s)}, {len(yes)}")
    up, down = s[yes], np.sort(s[~yes])
    if not len(up) or not len(down):
        return None
    below = np.searchsorted(down, up, "left") + np.searchsorted(down, up, "right")
    return float(below.mean() / (2 * len(down)))


def fpr_at_tpr(scores: Array, positive: NDArray[np.bool_], tpr: float = 0.95) -> float | None:
    """Share of negatives above the highest cut that lets at least `tpr` of the positives through (FPR95).

    In open-set use (Hendrycks & Gimpel 2017, arXiv:1610.02136) the positives are the *known* faces and the score says
    how well a face fits; None where one kind is missing.
    """
    s, yes = np.asarray(scores, float), np.asarray(positive, bool)
    if not yes.any() or yes.all():
        return None
    kept = np.sort(s[yes])[::-1]
    cut = kept[max(int(np.ceil(tpr * len(kept) - 1e-9)), 1) - 1]
    return float((s[~yes] >= cut).mean())


def recall_at(similarities: Array, relevant: Sequence[set[int]], k: int) -> float:
    """Share of queries with at least one relevant item among the `k` nearest.

    Args:
        similarities: [Q, N].
        relevant: the right items of each query; queries without any are left out.
        k: how many are looked at; of equal similarities those that come last are taken first (no luck in ties).
    """
    table = np.asarray(similarities, float)
    if len(table) != len(relevant):
        raise ValueError(f"need one set of relevant items per query: {len(table)}, {len(relevant)}")
    hits = []
    for row, wanted in zip(table, relevant, strict=True):
        if wanted:
            is_wanted = np.isin(np.arange(len(row)), list(wanted))
            order = np.lexsort((is_wanted, -row))  # a relevant item comes after its equals
            hits.append(bool(is_wanted[order[:k]].any()))
    if not hits:
        raise ValueError("no query has a relevant item")
    return float(np.mean(hits))
