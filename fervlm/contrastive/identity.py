"""Identity-adversarial training: features that tell movements should not tell who moves.

A head learns to name the subject from the picture's embedding; the gradient that reaches the tower is reversed (Ganin
et al. 2016, JMLR 17), so that the tower unlearns what the head uses. For action units: Ning et al. 2024
(arXiv:2407.11243). The head exists in training only and is not published.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from torch import Tensor, nn


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float) -> Tensor:  # noqa: ANN401 - torch's own context
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        return -ctx.strength * gradients[0], None


class IdentityHead(nn.Module):
    """Names the subject, to the tower's disadvantage.

    Args:
        width: of the features.
        subjects: how many there are.
        strength: of the reversed gradient.
    """

    def __init__(self, width: int, subjects: int, strength: float = 1.0) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, 64)
        self.out = nn.Linear(64, subjects)
        self.strength = strength

    def forward(self, features: Tensor, subjects: Tensor) -> Tensor:
        """Cross-entropy over the faces whose subject is known; 0 where none is.

        Args:
            features: [B, width].
            subjects: int64 [B], -1 where the subject is not known.
        """
        known = subjects >= 0
        turned: Tensor = _Reversed.apply(features, self.strength)  # type: ignore[no-untyped-call]
        if not known.any():
            return turned.sum() * 0
        logits = self.out(torch.relu(self.hidden(turned[known])))
        return F.cross_entropy(logits, subjects[known])
