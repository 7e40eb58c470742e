"""Probabilities that mean what they say: one temperature and a bias a label, fitted on faces apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from fervlm.metrics.calibration import ece
from fervlm.mllm.decide import probabilities
from fervlm.mllm.manifest import ScoreCalibration

LEAST = 40
"""Faces below which nothing is fitted."""
_STEPS = 100
_PULL = 4.0
"""Of each bias towards 0, over the number of faces: a label with few faces stays where it is."""


def fit(found: Tensor, truth: Sequence[str], labels: Sequence[str], fitted_on: str) -> ScoreCalibration:
    """The temperature and biases with the least cross entropy on half of the faces; its ECE on the other half.

    Args:
        found: float [N, K] log-probabilities of the answers.
        truth: N labels out of `labels`.
        labels: the K answers.
        fitted_on: names the faces.
    """
    target = torch.tensor([list(labels).index(name) for name in truth])
    even = torch.arange(len(target)) % 2 == 0
    scores = found.float().cpu()
    heat = torch.zeros((), requires_grad=True)
    bias = torch.zeros(len(labels), requires_grad=True)
    optimizer = torch.optim.LBFGS([heat, bias], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = torch.nn.functional.cross_entropy((scores[even] - bias) / heat.exp(), target[even])
        value = value + _PULL / len(target) * bias.square().mean()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    rule = ScoreCalibration(
        temperature=round(float(heat.detach().exp().clamp(0.05, 20)), 4),
        bias={name: round(float(value), 4) for name, value in zip(labels, bias.detach(), strict=True)},
        fitted_on=fitted_on,
    )
    if not bool((~even).any()):
        return rule
    told = probabilities(scores[~even], labels, rule).numpy()
    error = ece(told.astype(np.float64), target[~even].numpy())
    return rule.model_copy(update={"ece": round(float(error), 4)})
