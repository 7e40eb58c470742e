"""p(human label | AUs), fitted on the set itself: how well the movements bear out what annotators said.

A softmax regression on AU presence (1 present, -1 absent, 0 not measured) with a ridge penalty, fitted on the train
split by accelerated gradient steps of a fixed number, so that the same data give the same numbers.
It is kept beside the data as JSON and used to report and to filter, never to change a text.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from data_engine.measure import measurements
from fervlm.facs.units import movement_units
from fervlm.records import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_RIDGE = 1e-3
_STEPS = 400
_MOST = 32_768
"""Between so many faces and twice as many are fitted on where a set has more; 300 numbers need no more."""

Labelled = tuple[str, Iterable[int], Iterable[int], int]
"""A face: its label, its present AUs, its absent AUs, and 64 bits that choose whether it is fitted on."""


class Support(Record):
    """The fitted model."""

    labels: tuple[str, ...]
    aus: tuple[int, ...] = Field(description="Feature order.")
    weights: tuple[tuple[float, ...], ...] = Field(description="(labels, aus), for presence coded 1, -1, 0.")
    bias: tuple[float, ...]
    n: int = Field(description="Faces it was fitted on.")
    accuracy: float = Field(description="Share of these faces whose label it ranks first.")

    def of(self, features: NDArray[np.int8], labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """p(label | AUs) of each row; -1 where the label is negative (none given, or none it has seen).

        Args:
            features: (n, aus), 1 present, -1 absent, 0 not measured.
            labels: (n,), indices into `labels`.
        """
        import numpy as np  # noqa: PLC0415

        z = features @ np.array(self.weights).T + np.array(self.bias)
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return np.where(labels >= 0, p[np.arange(len(p)), labels], -1.0)


def support_of(support: Support, paths: Iterable[Path]) -> NDArray[np.float32]:
    """`Support.of` every measured draft in order, 0 for labels it has not seen, -1 without a label."""
    import numpy as np  # noqa: PLC0415

    code = {label: k for k, label in enumerate(support.labels)}
    found = array("f")
    for path in paths:
        rows = list(measurements(path))
        features = np.frombuffer(b"".join(feature_row(row.present, row.absent) for row in rows), np.int8)
        labels = np.array([code.get(row.label or "", -1) for row in rows], np.int64)
        given = np.array([row.label is not None for row in rows], bool)
        p = support.of(features.reshape(len(rows), -1), labels)
        found.frombytes(np.where(given, np.maximum(p, 0), -1).astype(np.float32).tobytes())
    return np.frombuffer(found, np.float32)


def feature_row(present: Iterable[int], absent: Iterable[int]) -> bytes:
    """A face's AUs in the order of `movement_units()`: 1 present, -1 absent, 0 not measured, a signed byte each."""
    column = _columns()
    line = bytearray(len(column))
    for au in present:
        if au in column:
            line[column[au]] = 1
    for au in absent:
        if au in column:
            line[column[au]] = 0xFF  # -1 as a signed byte
    return bytes(line)


@cache
def _columns() -> dict[int, int]:
    return {au: k for k, au in enumerate(movement_units())}


def fit(faces: Iterable[Labelled]) -> Support | None:
    """Fitted on labelled faces, or on a part of them that their 64 bits choose; None where fewer than two labels occur.

    Accelerated gradient descent (Nesterov) with the step 1/L of the ridge-penalised softmax loss; float64 throughout.
    """
    import numpy as np  # noqa: PLC0415

    chosen = _chosen(faces)
    names = tuple(sorted({label for _, label, _ in chosen}))
    if len(names) < 2:
        return None
    code = {label: k for k, label in enumerate(names)}
    labels = np.array([code[label] for _, label, _ in chosen], np.int64)
    features = np.frombuffer(b"".join(row for _, _, row in chosen), np.int8).reshape(len(chosen), -1)
    return _fitted(features, labels, names)


def _chosen(faces: Iterable[Labelled]) -> list[tuple[int, str, bytes]]:
    """All faces, or those with the smallest numbers, in bounded memory."""
    kept: list[tuple[int, str, bytes]] = []
    limit = 2**64
    for label, present, absent, number in faces:
        if number < limit:
            kept.append((number, label, feature_row(present, absent)))
            if len(kept) >= 2 * _MOST:
                kept.sort()
                limit = kept[_MOST][0]
                del kept[_MOST:]
    return kept


def _fitted(features: NDArray[np.int8], labels: NDArray[np.int64], names: tuple[str, ...]) -> Support:
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
        aus=movement_units(),
        weights=tuple(tuple(float(v) for v in column[:-1]) for column in rounded.T),
        bias=tuple(float(v) for v in rounded[-1]),
        n=int(total),
        accuracy=round(float(hits / total), 6),
    )
