"""What one call of the loss must know about its pairs, sorted by row so that a block of rows finds its own at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fervlm.contrastive.pairs import Pairs, Positives, identity


@dataclass(frozen=True, slots=True)
class Plan:
    """Pairs of the rows at hand (counted from 0 here) against all columns."""

    positive_rows: Tensor
    positive_cols: Tensor
    positive_weights: Tensor
    """How much the logit of the pair lowers the loss."""
    ignored_rows: Tensor
    ignored_cols: Tensor
    row_groups: Tensor
    """Int64 [n, G]; a pair with an equal group >= 0 is no negative."""
    col_groups: Tensor
    row_mass: Tensor
    """Float [n]: how much the row's log-sum-exp counts in the loss; 0 without a positive."""
    col_mass: Tensor

    def tensors(self) -> tuple[Tensor, ...]:
        """Everything, in the order of the constructor."""
        return tuple(getattr(self, name) for name in self.__slots__)


def make_plan(
    positives: Positives | None,
    ignore: Pairs | None,
    same: Tensor | None,
    *,
    rows: tuple[int, int],
    shape: tuple[int, int],
    softmax: bool,
    like: Tensor,
) -> Plan:
    """Sort, join and weigh the pairs.

    Args:
        positives: pairs over the whole batch; None is row i with column i.
        ignore: pairs over the whole batch that are no negatives.
        same: int64 [N, G] groups of the samples of the whole batch, for rows and columns alike.
        rows: first row at hand and the one after the last.
        shape: rows and columns of the whole batch.
        softmax: whether weights are shares of a mean over rows and columns, or (sigmoid) counts of pairs.
        like: a tensor of the device and dtype to compute in.

    Raises:
        ValueError: an index out of range, or shapes that do not fit.
    """
    if positives is None and shape[0] > shape[1]:
        raise ValueError(f"{shape[0]} rows but {shape[1]} columns: say which belong together (positives)")
    given = identity(shape[0], like.device) if positives is None else positives.to(like.device)
    _check_range(given.rows, given.cols, shape)
    forth = _shares(given.weights.to(like), given.rows, shape[0])
    back = _shares((given.weights if given.back is None else given.back).to(like), given.cols, shape[1])
    row_mass, col_mass = (_mass(given.rows, forth, shape[0]), _mass(given.cols, back, shape[1]))
    if softmax:
        row_mass, col_mass = (0.5 * mass / mass.sum().clamp_min(1) for mass in (row_mass, col_mass))
        weights = forth * row_mass[given.rows] + back * col_mass[given.cols]
    else:
        weights = 0.5 * (forth + back)
    positive = _own(given.rows, given.cols, weights, rows, shape[1])
    apart = Pairs(given.rows[:0], given.cols[:0]) if ignore is None else ignore
    _check_range(apart.rows, apart.cols, shape)
    ignored = _own(apart.rows.to(like.device), apart.cols.to(like.device), None, rows, shape[1])
    groups = _groups(same, shape, like.device)
    return Plan(
        *positive,
        ignored_rows=ignored[0],
        ignored_cols=ignored[1],
        row_groups=groups[rows[0] : rows[1]],
        col_groups=groups,
        row_mass=row_mass[rows[0] : rows[1]],
        col_mass=col_mass,
    )


def _shares(weights: Tensor, index: Tensor, count: int) -> Tensor:
    """Weights over the sum of their row (or column), 0 where that is 0."""
    sums = weights.new_zeros(count).index_add_(0, index, weights)
    return weights / sums.where(sums > 0, sums.new_ones(()))[index]


def _mass(index: Tensor, shares: Tensor, count: int) -> Tensor:
    """1 for every row (or column) that has a positive of some weight, else 0."""
    return (shares.new_zeros(count).index_add_(0, index, shares) > 0).to(shares)


def _own(
    rows: Tensor, cols: Tensor, weights: Tensor | None, own: tuple[int, int], columns: int
) -> tuple[Tensor, Tensor, Tensor]:
    """The pairs of the rows at hand, in order, equal pairs joined."""
    kept = (rows >= own[0]) & (rows < own[1])
    keys, inverse = torch.unique((rows[kept] - own[0]) * columns + cols[kept], return_inverse=True)
    joined = (
        keys.new_zeros(0) if weights is None else weights.new_zeros(len(keys)).index_add_(0, inverse, weights[kept])
    )
    return keys // columns, keys % columns, joined


def _groups(same: Tensor | None, shape: tuple[int, int], device: torch.device) -> Tensor:
    if same is None:
        return torch.zeros(max(shape), 0, dtype=torch.int64, device=device)
    if same.ndim != 2 or same.dtype != torch.int64 or shape != (len(same), len(same)):
        raise ValueError(f"'same' is int64 [N, G] for a square batch; got {tuple(same.shape)} for {shape}")
    return same.to(device).clamp_min(-1)


def _check_range(rows: Tensor, cols: Tensor, shape: tuple[int, int]) -> None:
    if len(rows) and (
        min(int(rows.min()), int(cols.min())) < 0 or int(rows.max()) >= shape[0] or int(cols.max()) >= shape[1]
    ):
        raise ValueError(f"a pair lies outside the batch of {shape[0]} rows and {shape[1]} columns")
