"""A linear probe: multinomial logistic regression on frozen embeddings, the usual measure of a picture tower."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray


def linear_probe(
    train: NDArray[np.float32],
    labels: NDArray[np.int64],
    test: NDArray[np.float32],
    *,
    classes: int,
    decay: float = 1e-4,
    rounds: int = 200,
) -> NDArray[np.int64]:
    """Guesses [M] for `test`.

    Features are standardised by the training part; the loss is convex and minimised by L-BFGS from zero, so that the
    result depends on nothing else.

    Args:
        train: [N, D].
        labels: [N], 0 to classes - 1.
        test: [M, D].
        classes: how many there are.
        decay: weight of the squared weights (not of the bias).
        rounds: most L-BFGS iterations.
    """
    mean, deviation = train.mean(0), train.std(0) + 1e-6
    x, y = torch.from_numpy((train - mean) / deviation).double(), torch.from_numpy(labels)
    weight = torch.zeros(x.shape[1], classes, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS([weight, bias], max_iter=rounds, line_search_fn="strong_wolfe", tolerance_grad=1e-7)

    def closure() -> torch.Tensor:
        search.zero_grad()
        loss = torch.nn.functional.cross_entropy(x @ weight + bias, y) + decay * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    search.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        logits = torch.from_numpy((test - mean) / deviation).double() @ weight + bias
    return logits.argmax(1).numpy()
