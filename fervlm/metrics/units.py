"""Action units: presence (F1, AUC) and intensity (ICC(3,1), MAE), AU by AU.

Truth and answers are mappings AU -> number for each face; an AU that is missing from the truth of a face was not coded
there and does not count. An AU that a predictor does not tell counts as absent in F1 (it could have been answered) and
is named in `never_told`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fervlm.metrics.continuous import icc31, mae
from fervlm.metrics.ranking import auroc

Presence = Mapping[int, bool]
Scores = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class UnitScore:
    """One AU over all faces that were coded for it."""

    coded: int
    present: int
    precision: float
    recall: float
    f1: float
    auc: float | None
    """Of the scores, over the faces that have one; None without scores or with one kind of face only."""


def unit_scores(
    truth: Sequence[Presence], told: Sequence[Presence], scores: Sequence[Scores] | None = None
) -> dict[int, UnitScore]:
    """Every AU that is coded somewhere, ascending. F1 is 0 where an AU that occurs is never rightly told.

    Args:
        truth: AU -> present, as coded.
        told: AU -> present, as answered.
        scores: AU -> any number that grows with presence.
    """
    if len(truth) != len(told) or (scores is not None and len(scores) != len(truth)):
        raise ValueError("need one answer per coded face")
    found = {}
    for au in sorted({au for face in truth for au in face}):
        rows = [k for k, face in enumerate(truth) if au in face]
        yes = np.array([truth[k][au] for k in rows], bool)
        said = np.array([told[k].get(au, False) for k in rows], bool)
        hit = int((yes & said).sum())
        precision = hit / said.sum() if said.any() else 0.0
        recall = hit / yes.sum() if yes.any() else 0.0
        f1 = 2 * hit / (yes.sum() + said.sum()) if yes.any() or said.any() else 0.0
        found[au] = UnitScore(
            len(rows), int(yes.sum()), float(precision), float(recall), float(f1), _auc(rows, yes, au, scores)
        )
    return found


def _auc(rows: list[int], yes: np.ndarray, au: int, scores: Sequence[Scores] | None) -> float | None:
    if scores is None:
        return None
    pairs = [(scores[k][au], y) for k, y in zip(rows, yes, strict=True) if au in scores[k]]
    if not pairs:
        return None
    return auroc(np.array([s for s, _ in pairs], float), np.array([y for _, y in pairs], bool))


def mean_f1(found: Mapping[int, UnitScore]) -> float | None:
    """Mean F1 over the AUs that occur in the truth, the usual number of DISFA and BP4D; None where none occurs."""
    values = [score.f1 for score in found.values() if score.present]
    return float(np.mean(values)) if values else None


def never_told(truth: Sequence[Presence], told: Sequence[Presence]) -> tuple[int, ...]:
    """AUs that are coded somewhere and answered (present or absent) nowhere."""
    coded = {au for face in truth for au in face}
    return tuple(sorted(coded - {au for face in told for au in face}))


@dataclass(frozen=True, slots=True)
class IntensityScore:
    """One AU's levels, 0 to 5."""

    coded: int
    icc: float | None
    mae: float


def intensity_scores(truth: Sequence[Scores], told: Sequence[Scores]) -> dict[int, IntensityScore]:
    """ICC(3,1) and MAE of every coded AU; an AU that is not told counts as 0."""
    if len(truth) != len(told):
        raise ValueError("need one answer per coded face")
    found = {}
    for au in sorted({au for face in truth for au in face}):
        pairs = [(face[au], answer.get(au, 0.0)) for face, answer in zip(truth, told, strict=True) if au in face]
        t, p = (np.array(side, float) for side in zip(*pairs, strict=True))
        found[au] = IntensityScore(len(pairs), icc31(t, p), mae(t, p))
    return found
