"""The local losses over several ranks: each rank's pictures against every rank's sentences.

Patches, the large part, stay where they are. Sentences are exchanged, and of the comparisons [B, Q] each rank makes the
rows of its own pictures; the loss of all rows together is then the same on every rank.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from fervlm.contrastive.distributed import Ranks, mean_over_ranks, several
from fervlm.contrastive.local import LocalBatch, Way, in_sample_sum, local_cosines, local_loss, pair_loss


def local_loss_over_ranks(
    batch: LocalBatch, way: Way, logit_scale: Tensor, attention_scale: Tensor | float = 10.0
) -> Tensor:
    """`local_loss` of the whole batch, of which each rank gives its own part; call it on all ranks at once.

    The value is the same on every rank. Gradients are made to be averaged over ranks, as DistributedDataParallel does:
    their mean is the gradient of the whole batch.

    Args:
        batch: this rank's pictures and sentences; ranks may hold unequal numbers, of sentences even none.
        way: as in `local_loss`.
        logit_scale: likewise, equal on all ranks.
        attention_scale: likewise.
    """
    if not several():
        return local_loss(batch, way, logit_scale, attention_scale)
    with torch.autocast(batch.patches.device.type, enabled=False):
        if way == "in_sample":
            return mean_over_ranks(*in_sample_sum(batch, logit_scale), 1)
        pictures, sentences = (Ranks(len(rows), rows.device) for rows in (batch.patches, batch.sentences))
        if not sum(sentences.counts):
            return (batch.patches.sum() + batch.sentences.sum()).float() * 0 + logit_scale.float().sum() * 0
        whole: Tensor = _Exchanged.apply(batch.sentences.float(), sentences)  # type: ignore[no-untyped-call]
        everybody = LocalBatch(
            batch.patches,
            whole,
            torch.zeros(len(whole), dtype=torch.int64, device=whole.device),  # whose they are does not matter here
            priors=None if batch.priors is None else sentences.gather(batch.priors),
        )
        own = logit_scale.float() * local_cosines(everybody, way, attention_scale)
        rows = pictures.gather(own)
        start, stop = pictures.rows
        loss = pair_loss(
            torch.cat([rows[:start], own, rows[stop:]]),
            sentences.gather(batch.owners + pictures.first),
            None if batch.meanings is None else sentences.gather(batch.meanings),
        )
        size = dist.get_world_size()
        return loss.detach() + size * (loss - loss.detach())


class _Exchanged(torch.autograd.Function):
    """This rank's rows [q, D] -> all ranks' rows [Q, D]; each row's gradient is summed over ranks."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, ranks: Ranks) -> Tensor:  # noqa: ANN401 - torch's own context
        ctx.ranks = ranks
        return ranks.gather(rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        ranks: Ranks = ctx.ranks
        return ranks.own(gradients[0].contiguous()), None
