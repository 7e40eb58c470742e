"""p(human label | AUs), fitted on the set itself: how well the movements bear out what annotators said.

A softmax regression on AU presence (1 present, -1 absent, 0 not measured) with a ridge penalty, fitted on the train
split by accelerated gradient steps of a fixed number, so that the same data give the same numbers.
It is kept beside the data as JSON and used to report and to filter, never to change a text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from fervlm.records import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_RIDGE = 1e-3
_STEPS = 400
_CHUNK = 65_536


class Support(Record):
    """The fitted model."""

    labels: tuple[str, ...]
    aus: tuple[int, ...] = Field(description="Feature order.")
    weights: tuple[tuple[float, ...], ...] = Field(description="(labels, aus), for presence coded 1, -1, 0.")
    bias: tuple[float, ...]
    n: int = Field(description="Faces it was fitted on.")
    accuracy: float = Field(description="Share of these faces whose label it ranks first.")

    def of(self, features: NDArray[np.int8], labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """p(label | AUs) of each row, rounded to four digits; NaN where the label is negative (none given).

        Args:
            features: (n, aus), 1 present, -1 absent, 0 not measured.
            labels: (n,), indices into `labels`.
        """
        import numpy as np  # noqa: PLC0415

        weights, bias = np.array(self.weights), np.array(self.bias)
        found = np.full(len(features), np.nan)
        for start in range(0, len(features), _CHUNK):
            here = slice(start, start + _CHUNK)
            z = features[here] @ weights.T + bias
            p = np.exp(z - z.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            label = labels[here]
            found[here] = np.where(label >= 0, p[np.arange(len(p)), label], np.nan)
        return np.round(found, 4)


def fit(features: NDArray[np.int8], labels: NDArray[np.int8], names: tuple[str, ...], aus: tuple[int, ...]) -> Support:
    """Fit on `features` (n, aus) in {-1, 0, 1} and `labels` (n,) as indices into `names`; needs n >= 1.

    Accelerated gradient descent (Nesterov) with the step 1/L of the ridge-penalised softmax loss; float64 throughout.
    """
    import numpy as np  # noqa: PLC0415

    # Equal rows are counted once: a set has far fewer AU patterns than faces.
    keyed, inverse = np.unique(features, axis=0, return_inverse=True)
    counts = np.zeros((len(keyed), len(names)))
    np.add.at(counts, (inverse.reshape(-1), labels), 1.0)
    total = counts.sum()
    x = np.hstack([keyed.astype(np.float64), np.ones((len(keyed), 1))])
    mass = counts.sum(axis=1, keepdims=True) / total
    target = counts / total
    step = 1.0 / (0.5 * float(np.linalg.norm(x.T @ (x * mass), 2)) + _RIDGE)
    w = np.zeros((x.shape[1], len(names)))
    look = w.copy()
    for k in range(_STEPS):
        z = x @ look
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        new = look - step * (x.T @ (p * mass - target) + _RIDGE * look)
        look = new + k / (k + 3) * (new - w)
        w = new
    hits = counts[np.arange(len(keyed)), np.argmax(x @ w, axis=1)].sum()
    rounded = np.round(w, 6)
    return Support(
        labels=names,
        aus=aus,
        weights=tuple(tuple(float(v) for v in column[:-1]) for column in rounded.T),
        bias=tuple(float(v) for v in rounded[-1]),
        n=int(total),
        accuracy=round(float(hits / total), 6),
    )
