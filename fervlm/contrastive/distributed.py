"""The loss over several ranks: the value and the gradients of one process with the whole batch.

Each rank compares its own rows with all columns, so that the work is shared and memory stays linear in the whole batch;
column sums are merged, and each column's gradient goes back to the rank it came from.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch import distributed as dist

from fervlm.contrastive.loss import Form, check_inputs, multi_positive_loss, ranked_loss, with_owners
from fervlm.contrastive.pairs import Pairs, Positives


class Ranks:
    """How many rows each rank holds of the batch at hand, and what ranks tell each other about them.

    Make one a batch, on all ranks at once, for any tensor whose rows go by sample. Ranks may hold unequal numbers.
    """

    def __init__(self, rows: int, device: torch.device | str, group: dist.ProcessGroup | None = None) -> None:
        self.group = group
        self.rank, self.size = (dist.get_rank(group), dist.get_world_size(group)) if several(group) else (0, 1)
        counts = [torch.zeros(1, dtype=torch.int64, device=device) for _ in range(self.size)]
        mine = torch.tensor([rows], device=device)
        if self.size > 1:
            dist.all_gather(counts, mine, group=group)
        else:
            counts = [mine]
        self.counts = [int(count) for count in counts]
        """Rows by rank."""
        self.first = sum(self.counts[: self.rank])
        """Place of this rank's first row in the whole batch."""

    @property
    def rows(self) -> tuple[int, int]:
        """This rank's rows (start, stop) of the whole batch."""
        return self.first, self.first + self.counts[self.rank]

    def gather(self, rows: Tensor) -> Tensor:
        """All ranks' rows [sum of counts, ...], joined in order of rank; no gradient flows."""
        if self.size == 1:
            return rows.detach()
        most = max(self.counts)
        room = rows.new_zeros(most, *rows.shape[1:])
        room[: len(rows)] = rows.detach()
        parts = [torch.empty_like(room) for _ in self.counts]
        dist.all_gather(parts, room, group=self.group)
        return torch.cat([part[:count] for part, count in zip(parts, self.counts, strict=True)])

    def total(self, value: Tensor) -> Tensor:
        """Sum over ranks."""
        out = value.clone()
        if self.size > 1:
            dist.all_reduce(out, group=self.group)
        return out

    def merge(self, top: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
        """Of a sum total * exp(top) on each rank, the same over all ranks."""
        most = top.clone()
        if self.size > 1:
            dist.all_reduce(most, dist.ReduceOp.MAX, group=self.group)
        return most, self.total(total * (top - most).exp())

    def own(self, gradient: Tensor) -> Tensor:
        """The sum over ranks of a gradient by all rows, and of that the rows of this rank."""
        return self.total(gradient)[slice(*self.rows)]


def loss_over_ranks(
    a: Tensor,
    b: Tensor,
    positives: Positives | None = None,
    logit_scale: Tensor | float = 1.0,
    *,
    logit_bias: Tensor | float | None = None,
    form: Form = "softmax",
    ignore: Pairs | None = None,
    same: Tensor | None = None,
    hard: Tensor | None = None,
    owners: Tensor | None = None,
    block_rows: int | None = None,
    group: dist.ProcessGroup | None = None,
    averaged: bool = True,
) -> Tensor:
    """`multi_positive_loss` of the whole batch, of which each rank gives its own part; call it on all ranks at once.

    The value is the same on every rank. Gradients by `a`, `b` and `hard` are those of this rank's rows in the whole
    batch; by scale and bias they are this rank's share, whose sum over ranks is the whole. In one process it is
    `multi_positive_loss` itself.

    Args:
        a: this rank's pictures [n, D], normalised; the whole batch has them in order of rank.
        b: this rank's texts [m, D].
        positives: pairs by position in the *whole* batch, all of them on every rank (`Ranks.gather` joins what they are
            made from, `positives_by_id` turns sample ids into positions); None is row i with column i.
        logit_scale: as in `multi_positive_loss`, equal on all ranks.
        logit_bias: likewise.
        form: likewise.
        ignore: by position in the whole batch.
        same: groups [N, G] of the whole batch.
        hard: this rank's hard negatives [K, D].
        owners: their rows, counted within this rank.
        block_rows: as in `multi_positive_loss`.
        group: the ranks; None is all.
        averaged: gradients will be averaged over ranks, as DistributedDataParallel does; each is multiplied by the
            number of ranks beforehand. False: they will be summed.

    Raises:
        ValueError: as `multi_positive_loss`, on every rank; a rank without rows; without `positives`, a rank whose
            pictures and texts differ in number.
    """
    if not several(group):
        return multi_positive_loss(
            a,
            b,
            positives,
            logit_scale,
            logit_bias=logit_bias,
            form=form,
            ignore=ignore,
            same=same,
            hard=hard,
            owners=owners,
            block_rows=block_rows,
        )
    rows, columns = Ranks(len(a), a.device, group), Ranks(len(b), b.device, group)
    if min(rows.counts + columns.counts) < 1:
        raise ValueError(f"every rank needs rows; they hold {rows.counts} pictures and {columns.counts} texts")
    if positives is None and rows.counts != columns.counts:
        raise ValueError(f"ranks hold {rows.counts} pictures but {columns.counts} texts: say which belong together")
    hard, owners = with_owners(a, hard, owners)
    check_inputs(a, b, hard, owners, form)
    loss = ranked_loss(
        a,
        b,
        positives,
        logit_scale,
        logit_bias,
        form,
        ignore,
        same,
        hard,
        owners,
        block_rows,
        shape=(sum(rows.counts), sum(columns.counts)),
        first=rows.first,
        exchange=columns,
    )
    return loss.detach() + rows.size * (loss - loss.detach()) if averaged else loss


def mean_over_ranks(total: Tensor, count: Tensor, least: float) -> Tensor:
    """`total / count` of the whole batch, of which each rank gives its own part; 0-dim, the same on all ranks.

    Gradients are this rank's share times the number of ranks: DistributedDataParallel takes their mean over ranks,
    which is then the gradient of the whole batch, however unequal the ranks' counts are.

    Args:
        total: sum over what this rank counts, 0-dim.
        count: how much that is; carries no gradient.
        least: a smaller count of all ranks together is taken as this much.
    """
    if not several():
        return total / count.clamp(min=least)
    whole = torch.stack([total.detach().float(), count.detach().float()])
    dist.all_reduce(whole)
    counted = whole[1].clamp(min=least)
    share = dist.get_world_size() * total / counted
    return share + (whole[0] / counted - share).detach()


def average_gradients(parameters: Iterable[Tensor], group: dist.ProcessGroup | None = None) -> None:
    """Replace each gradient by its mean over ranks: after `cached_backward`, which DDP's hooks cannot follow.

    A parameter without a gradient on this rank counts as 0, so that all ranks may call it with the same parameters.
    """
    if not several(group):
        return
    for parameter in parameters:
        if parameter.requires_grad:
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            dist.all_reduce(gradient, group=group)
            parameter.grad = gradient / dist.get_world_size(group)


def positives_by_id(row_ids: Tensor, col_ids: Tensor, weights: Tensor, batch_ids: Tensor) -> Positives:
    """Positives from pairs of sample ids; pairs with a sample that is not in the batch are left out.

    Args:
        row_ids: int64 [P], the pictures' sample ids.
        col_ids: int64 [P], the texts'.
        weights: float [P].
        batch_ids: int64 [N], the samples of the whole batch in order, each once (`Ranks.gather` of each rank's ids).

    Raises:
        ValueError: an id stands twice in the batch.
    """
    order = torch.argsort(batch_ids, stable=True)
    ids = batch_ids[order]
    if len(ids) > 1 and bool((ids[1:] == ids[:-1]).any()):
        raise ValueError("a sample stands twice in the batch, which makes it its own negative: use no padding sampler")
    found = [torch.searchsorted(ids, side.contiguous()).clamp_max(len(ids) - 1) for side in (row_ids, col_ids)]
    kept = (ids[found[0]] == row_ids) & (ids[found[1]] == col_ids)
    return Positives(order[found[0][kept]], order[found[1][kept]], weights[kept])


def several(group: dist.ProcessGroup | None = None) -> bool:
    """Whether more than one process is at work."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size(group) > 1
