"""The contrastive loss block of rows by block of rows, forwards and, computed anew, backwards.

With logits s_ij = scale * a_i . b_j (+ bias), shares w of the positives (each row's and each column's sum to one):

    softmax:  1/2 mean_i (lse_j s_ij - sum_j w_ij s_ij) + 1/2 mean_j (lse_i s_ij - sum_i w'_ij s_ij)
    sigmoid:  1/N (sum_negatives softplus(s_ij) + sum_positives (w_ij + w'_ij)/2 softplus(-s_ij))

(Radford et al. 2021, arXiv:2103.00020; Zhai et al. 2023, arXiv:2303.15343.) Only the features and O(N) sums are kept
for the backward pass: the derivative by s_ij is exp(s_ij - lse_i) / 2N + exp(s_ij - lse_j) / 2N less the positives'
weights, so one more product a . b gives it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from fervlm.contrastive.plan import Plan

LOWEST = -1e30
"""Below every logit; finite, so that differences of two of it are no NaN."""
BLOCK_ELEMENTS = {"cpu": 2**21, "cuda": 2**25}
"""Logits held at once: what stays in a core's cache, and what keeps a GPU busy."""


class Exchange(Protocol):
    """What ranks tell each other; a single process needs none."""

    def gather(self, rows: Tensor) -> Tensor:
        """All ranks' rows, joined in order of rank."""

    def total(self, value: Tensor) -> Tensor:
        """Sum over ranks."""

    def merge(self, top: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
        """Of a sum total * exp(top) on each rank, the same over all ranks."""

    def own(self, gradient: Tensor) -> Tensor:
        """The sum over ranks of the gradients by all rows, and of that the rows of this rank."""


class BlockLoss(torch.autograd.Function):
    """`apply(a, b, scale, bias, hard, owners, plan, block, exchange, softmax, rows)` -> loss, fp32 or fp64, 0-dim.

    `a` [n, D] are this rank's rows, `b` [m, D] its columns, `hard` [K, D] further columns that count for row
    `owners` [K] alone, `rows` all ranks' rows together.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        a: Tensor,
        b: Tensor,
        scale: Tensor,
        bias: Tensor,
        hard: Tensor,
        owners: Tensor,
        plan: Plan,
        block: int | None,
        exchange: Exchange | None,
        softmax: bool,
        rows: int,
    ) -> Tensor:
        """The loss of all ranks' rows."""
        ctx.block, ctx.exchange, ctx.softmax, ctx.rows = block, exchange, softmax, rows
        with torch.autocast(a.device.type, enabled=False):
            columns = _wide(b) if exchange is None else exchange.gather(_wide(b))
            logits = Logits(_wide(a), columns, _wide(hard), scale, bias, owners, plan, block)
            loss, *norms = (_softmax if softmax else _sigmoid)(logits, exchange, rows)
        ctx.save_for_backward(a, b, scale, bias, hard, owners, *norms, *plan.tensors())
        return loss.to(columns.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        """This rank's share of the derivatives; summed over ranks they are the whole."""
        a, b, scale, bias, hard, owners, *kept = ctx.saved_tensors
        with torch.autocast(a.device.type, enabled=False):
            columns = _wide(b) if ctx.exchange is None else ctx.exchange.gather(_wide(b))
            logits = Logits(_wide(a), columns, _wide(hard), scale, bias, owners, Plan(*kept[4:]), ctx.block)
            by_a, by_b, by_hard, by_bias = _gradients(logits, kept[:4], None if ctx.softmax else ctx.rows)
            by_scale = (logits.a * by_a).sum() * gradient
            if ctx.exchange is not None:
                by_b = ctx.exchange.own(by_b)
            factor = logits.scale * gradient
            grads = ((by_a * factor, a), (by_b * factor, b), (by_scale, scale), (by_bias * gradient, bias))
            found = [value.to(like.dtype).reshape(like.shape) for value, like in (*grads, (by_hard * factor, hard))]
        return (*found, None, None, None, None, None, None)


def _wide(tensor: Tensor) -> Tensor:
    return tensor if tensor.dtype == torch.float64 else tensor.float()


class Logits:
    """Logits of a block of rows against all columns, with the block's own pairs."""

    def __init__(
        self,
        a: Tensor,
        b: Tensor,
        hard: Tensor,
        scale: Tensor,
        bias: Tensor,
        owners: Tensor,
        plan: Plan,
        block: int | None,
    ) -> None:
        self.a, self.b, self.hard, self.owners, self.plan = a, b, hard, owners, plan
        self.scale, self.bias = scale.to(a.dtype).reshape(()), bias.to(a.dtype).reshape(())
        room = BLOCK_ELEMENTS.get(a.device.type, BLOCK_ELEMENTS["cuda"]) // max(1, len(b))
        self.block = block or max(16, min(room, len(a)))
        self.biased = bool(self.bias != 0)
        starts = torch.arange(0, len(a) + self.block, self.block, device=a.device)
        self._positive = torch.searchsorted(plan.positive_rows, starts).tolist()
        self._ignored = torch.searchsorted(plan.ignored_rows, starts).tolist()

    def blocks(self) -> Iterator[tuple[slice, Tensor, Tensor, Tensor, Tensor]]:
        """Per block: its rows, logits [R, M], flat places of its positives, their logits and weights.

        A pair that is no negative has the logit -inf, unless it is a positive. The logits' memory is used again.
        """
        memory = self.a.new_empty(self.block, len(self.b))
        transposed = self.b.t()
        for number, start in enumerate(range(0, len(self.a), self.block)):
            rows = slice(start, min(start + self.block, len(self.a)))
            logits = torch.mm(self.a[rows] * self.scale, transposed, out=memory[: rows.stop - start])
            if self.biased:
                logits += self.bias
            pair = slice(*self._positive[number : number + 2])
            places = self._places(self.plan.positive_rows[pair] - start, self.plan.positive_cols[pair])
            values = logits.view(-1)[places]
            if self._mask(logits, rows, self._ignored[number : number + 2]):
                logits.view(-1)[places] = values
            yield rows, logits, places, values, self.plan.positive_weights[pair]

    def hard_logits(self) -> Tensor:
        """Logits [K] of the hard negatives against their owners."""
        pairs = zip(torch.split(self.hard, 4096), torch.split(self.owners, 4096), strict=True)
        products = [torch.linalg.vecdot(part, self.a[owner]) for part, owner in pairs]
        return torch.cat(products) * self.scale + self.bias

    def _places(self, rows: Tensor, cols: Tensor) -> Tensor:
        return rows * len(self.b) + cols

    def _mask(self, logits: Tensor, rows: slice, ignored: list[int]) -> bool:
        if ignored[0] < ignored[1]:
            pair = slice(*ignored)
            places = self._places(self.plan.ignored_rows[pair] - rows.start, self.plan.ignored_cols[pair])
            logits.view(-1)[places] = -torch.inf
        for mine, theirs in zip(self.plan.row_groups[rows].t(), self.plan.col_groups.t(), strict=True):
            # -1 is no group: a row's -1 becomes -2, which no column has.
            logits.masked_fill_(mine.where(mine >= 0, mine.new_tensor(-2))[:, None] == theirs, -torch.inf)
        return ignored[0] < ignored[1] or self.plan.row_groups.shape[1] > 0


def _softmax(logits: Logits, exchange: Exchange | None, rows: int) -> tuple[Tensor, ...]:
    """(loss, row tops [n], row factors [n], column tops [M], column factors [M]).

    exp(logit - top) * factor is the positive part of the derivative. A top and a factor instead of one log-sum-exp,
    because fp32 holds logits of 100 to 1e-5 only, but their difference to the greatest one exactly.
    """
    plan, a, columns = logits.plan, logits.a, len(logits.b)
    row_top, row_sum = a.new_full((len(a),), LOWEST), a.new_zeros(len(a))
    col_top, col_sum = a.new_full((columns,), LOWEST), a.new_zeros(columns)
    memory = a.new_empty(logits.block, columns)
    together = a.new_zeros((), dtype=torch.float64)
    for where, block, _, values, weights in logits.blocks():
        room = memory[: len(block)]
        top = torch.amax(block, 1).clamp_min_(LOWEST)
        row_top[where] = top
        row_sum[where] = torch.sub(block, top[:, None], out=room).exp_().sum(1)
        top = torch.maximum(col_top, torch.amax(block, 0))
        col_sum *= (col_top - top).exp_()
        col_sum += torch.sub(block, top, out=room).exp_().sum(0)
        col_top = top
        together -= (values.double() * weights).sum()
    row_top, row_sum = _with_hard(row_top, row_sum, logits)
    together += _weighed(row_top, row_sum, plan.row_mass)
    if exchange is not None:
        col_top, col_sum = exchange.merge(col_top, col_sum)
        together = exchange.total(together)
    together = together + _weighed(col_top, col_sum, plan.col_mass)
    return together, row_top, _factor(row_sum, plan.row_mass), col_top, _factor(col_sum, plan.col_mass)


def _with_hard(row_top: Tensor, row_sum: Tensor, logits: Logits) -> tuple[Tensor, Tensor]:
    """Row sums with the row's own hard negatives counted in."""
    if not len(logits.hard):
        return row_top, row_sum
    values, owners = logits.hard_logits(), logits.owners
    top = row_top.scatter_reduce(0, owners, values, "amax")
    sums = row_sum * (row_top - top).exp()
    return top, sums.index_add_(0, owners, (values - top[owners]).exp())


def _weighed(top: Tensor, total: Tensor, mass: Tensor) -> Tensor:
    """Sum of the log-sum-exps that count, each with its mass; fp64."""
    lse = top.double() + total.double().log()
    return (lse.where(mass > 0, lse.new_zeros(())) * mass).sum()


def _factor(total: Tensor, mass: Tensor) -> Tensor:
    return mass / total.where(mass > 0, total.new_ones(()))


def _sigmoid(logits: Logits, exchange: Exchange | None, rows: int) -> tuple[Tensor, ...]:
    together = logits.a.new_zeros((), dtype=torch.float64)
    for _, block, places, values, weights in logits.blocks():
        block.view(-1)[places] = -torch.inf
        together -= functional.logsigmoid(block.neg_()).sum(1).double().sum()
        together -= (weights * functional.logsigmoid(values)).double().sum()
    if len(logits.hard):
        together -= functional.logsigmoid(-logits.hard_logits()).double().sum()
    if exchange is not None:
        together = exchange.total(together)
    none = logits.a.new_zeros(0)
    return together / rows, none, none, none, none


def _gradients(logits: Logits, norms: list[Tensor], sigmoid_rows: int | None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Derivatives by a and b (short of the scale), by the hard negatives (likewise) and by the bias."""
    row_top, row_factor, col_top, col_factor = norms
    by_a, by_b = torch.empty_like(logits.a), torch.zeros_like(logits.b)
    by_bias = logits.a.new_zeros((), dtype=torch.float64)
    memory = logits.a.new_empty(logits.block, len(logits.b))
    for where, block, places, values, weights in logits.blocks():
        if sigmoid_rows is None:
            by_row = torch.sub(block, row_top[where, None], out=memory[: len(block)]).exp_()
            slope = block.sub_(col_top).exp_().mul_(col_factor).addcmul_(by_row, row_factor[where, None])
            slope.view(-1)[places] -= weights
        else:
            slope = block.sigmoid_()
            slope.view(-1)[places] = -weights * torch.sigmoid(-values)
            slope /= sigmoid_rows
            by_bias += slope.sum(1).double().sum()
        torch.mm(slope, logits.b, out=by_a[where])
        by_b.addmm_(slope.t(), logits.a[where])
    by_hard = torch.zeros_like(logits.hard)
    if len(logits.hard):
        values, owners = logits.hard_logits(), logits.owners
        if sigmoid_rows is None:
            slope = (values - row_top[owners]).exp() * row_factor[owners]
        else:
            slope = values.sigmoid() / sigmoid_rows
            by_bias += slope.double().sum()
        by_hard = slope[:, None] * logits.a[owners]
        by_a.index_add_(0, owners, slope[:, None] * logits.hard)
    return by_a, by_b, by_hard, by_bias


def block_loss(*arguments: object) -> Tensor:
    """`BlockLoss.apply`, typed."""
    return cast("Tensor", BlockLoss.apply(*arguments))  # type: ignore[no-untyped-call]
