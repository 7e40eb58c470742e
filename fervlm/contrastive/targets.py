"""What is to be learned of each face, as tensors made once."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from fervlm.contrastive.faces import Faces
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.facs import tables
from fervlm.facs.labels import BASIC8
from fervlm.facs.units import movement_units

_SEEN = 50
"""Classes with fewer faces get no share of the smoothing: they would only be pushed up."""
_HEAVIEST = 5.0


class Targets:
    """N faces' targets.

    Args:
        faces: the set.
        units: FACS numbers of the AU head.
        config: smoothing and balance.
    """

    def __init__(self, faces: Faces, units: tuple[int, ...], config: ContrastiveConfig) -> None:
        order = {au: i for i, au in enumerate(movement_units())}
        readings = torch.from_numpy(faces.units[:, [order[au] for au in units]])
        self.units = (readings == 1).float()
        self.measured = (readings >= 0).float()
        self.vectors = torch.from_numpy(faces.units)
        known = faces.labels >= 0
        counts = np.bincount(faces.labels[known], minlength=len(BASIC8))
        self.weights = torch.zeros(len(faces))
        if known.any():
            weights = (counts.sum() / counts.clip(min=1)[faces.labels[known]]) ** config.balance
            self.weights[torch.from_numpy(known)] = (
                torch.from_numpy(weights / weights.mean()).float().clamp(max=_HEAVIEST)
            )
        hot = torch.zeros(len(faces), len(BASIC8))
        at = torch.from_numpy(np.flatnonzero(known))
        hot[at, torch.from_numpy(faces.labels[known])] = 1.0
        seen = torch.from_numpy(counts >= _SEEN).float()
        share = seen / seen.sum().clamp(min=1)
        self.labels = hot * (1 - config.smoothing) + hot.sum(1, keepdim=True) * config.smoothing * share
        names = sorted({name for name in faces.subjects if name is not None})
        place = {name: i for i, name in enumerate(names)}
        self.subject_count = len(names)
        own = [-1 if name is None else place[name] for name in faces.subjects] or [-1] * len(faces)
        self.subjects = torch.tensor(own, dtype=torch.int64)
        self.affect = hot @ torch.tensor([affect_of(label) for label in BASIC8])

    def rows(self, chosen: Tensor) -> dict[str, Tensor]:
        """The fields of `objective.Batch` for the faces at `chosen` (int64 [B])."""
        names = ("labels", "weights", "units", "measured", "vectors", "affect", "subjects")
        return {name: getattr(self, name)[chosen] for name in names}


def affect_of(label: str) -> tuple[float, float]:
    """Valence and arousal, -1 to 1, of a label's word (`facs/tables/valence_arousal.csv`); neutral is (0, 0)."""
    for row in tables.rows("valence_arousal"):
        if row["emotion"] == label:
            return float(row["valence"]), float(row["arousal"])
    return 0.0, 0.0
