"""Which pictures and texts belong together, and which must not be held apart: sparse pairs, never a matrix."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs (row, column); `rows` and `cols` are int64 [P] on one device."""

    rows: Tensor
    cols: Tensor

    def __post_init__(self) -> None:
        _check_indices(self.rows, self.cols)


@dataclass(frozen=True, slots=True)
class Positives:
    """Weighted pairs that belong together.

    The weights need not sum to one: the loss divides them by their sum over each row, and over each column for the way
    back. A row without a positive only serves as a negative for others.
    """

    rows: Tensor
    """Int64 [P]: positions among the pictures."""
    cols: Tensor
    """Int64 [P]: positions among the texts."""
    weights: Tensor
    """Float [P], >= 0: shares of a row's positives, picture to text."""
    back: Tensor | None = None
    """Float [P], >= 0: shares of a column's positives, text to picture; None takes `weights`."""

    def __post_init__(self) -> None:
        _check_indices(self.rows, self.cols)
        for weights in (self.weights, self.weights if self.back is None else self.back):
            if weights.shape != self.rows.shape or not weights.is_floating_point():
                raise ValueError("weights of positives are floats, one for each pair")
            if weights.numel() and not (torch.isfinite(weights).all() and weights.min() >= 0):
                raise ValueError("weights of positives are finite and not negative")

    def to(self, device: torch.device | str) -> Positives:
        """The same pairs on another device."""
        back = None if self.back is None else self.back.to(device)
        return Positives(self.rows.to(device), self.cols.to(device), self.weights.to(device), back)


def identity(count: int, device: torch.device | str = "cpu") -> Positives:
    """Row i belongs to column i and to no other, for `count` rows: what plain CLIP assumes."""
    index = torch.arange(count, device=device)
    return Positives(index, index, torch.ones(count, device=device))


def _check_indices(rows: Tensor, cols: Tensor) -> None:
    if rows.dtype != torch.int64 or cols.dtype != torch.int64 or rows.ndim != 1 or rows.shape != cols.shape:
        raise ValueError("rows and cols of pairs are int64 tensors of one equal length")
