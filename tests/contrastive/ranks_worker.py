"""Run by torchrun in test_distributed: each rank holds a part of a batch that it also computes whole, and compares."""

from __future__ import annotations

import os
import sys
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from fervlm.contrastive.distributed import Ranks, average_gradients, loss_over_ranks, positives_by_id
from fervlm.contrastive.grad_cache import cached_backward
from fervlm.contrastive.loss import multi_positive_loss
from fervlm.contrastive.mining import MiningSettings, mine
from fervlm.contrastive.pairs import Pairs

SIZES = {2: (5, 8), 3: (4, 1, 6)}
D = 7


def leaf(rows: int, seed: int) -> Tensor:
    made = torch.randn(rows, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return functional.normalize(made, dim=1)


def pieces(sizes: tuple[int, ...]) -> dict[str, Any]:
    """The whole batch, the same on every rank."""
    n = sum(sizes)
    draw = torch.Generator().manual_seed(4)
    ids = torch.randperm(500, generator=draw)[:n]
    partner = ids[torch.randint(0, n, (n,), generator=draw)]
    missing = torch.tensor([9999])
    positives = positives_by_id(
        torch.cat([ids, ids, missing]),
        torch.cat([ids, partner, missing]),
        torch.cat([torch.full((n,), 0.6), torch.full((n,), 0.4), torch.ones(1)]).double(),
        ids,
    )
    ignore = Pairs(torch.randint(0, n, (12,), generator=draw), torch.randint(0, n, (12,), generator=draw))
    return {"ids": ids, "positives": positives, "ignore": ignore, "same": torch.randint(-1, 4, (n, 2), generator=draw)}


def compare(sizes: tuple[int, ...], rank: int, form: str, full: bool) -> None:
    n, first = sum(sizes), sum(sizes[:rank])
    own = slice(first, first + sizes[rank])
    a, b = leaf(n, 0), leaf(n, 1)
    hard, owners = leaf(9, 2), torch.arange(9) % n
    scale, bias = torch.tensor(9.0, dtype=torch.float64), torch.tensor(-4.0, dtype=torch.float64)
    k = pieces(sizes)
    options: dict[str, Any] = {"form": form, "logit_bias": bias}
    pairs = k["positives"] if full else None
    if full:
        options |= {"ignore": k["ignore"], "same": k["same"]}
    for x in (a, b, scale, bias, hard):
        x.requires_grad_()
    extra = {"hard": hard, "owners": owners} if full else {}
    whole = multi_positive_loss(a, b, pairs, scale, block_rows=3, **options, **extra)
    by_whole = torch.autograd.grad(whole, (a, b, scale, bias))
    mine_a, mine_b = (x.detach()[own].requires_grad_() for x in (a, b))
    held = (owners >= own.start) & (owners < own.stop)
    own_hard = hard.detach()[held].requires_grad_()
    extra = {"hard": own_hard, "owners": owners[held] - first} if full else {}
    part = loss_over_ranks(mine_a, mine_b, pairs, scale, averaged=False, block_rows=2, **options, **extra)
    assert torch.allclose(part, whole, rtol=1e-12, atol=1e-12), (form, full, part, whole)
    by_a, by_b, by_scale, by_bias = torch.autograd.grad(part, (mine_a, mine_b, scale, bias), retain_graph=True)
    assert torch.allclose(by_a, by_whole[0][own], rtol=1e-9, atol=1e-12)
    assert torch.allclose(by_b, by_whole[1][own], rtol=1e-9, atol=1e-12)
    for share, total in ((by_scale, by_whole[2]), (by_bias, by_whole[3])):
        dist.all_reduce(share)
        assert torch.allclose(share, total, rtol=1e-9, atol=1e-12)
    if full:
        whole_hard = multi_positive_loss(a, b, pairs, scale, hard=hard, owners=owners, **options)
        expected = torch.autograd.grad(whole_hard, hard)[0][held]
        assert torch.allclose(torch.autograd.grad(part, own_hard)[0], expected, rtol=1e-9, atol=1e-12)


class Towers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.picture, self.text = nn.Linear(6, D).double(), nn.Linear(6, D).double()
        self.scale, self.bias = nn.Parameter(torch.tensor(1.2).double()), nn.Parameter(torch.tensor(-2.0).double())

    def forward(self, pictures: Tensor, texts: Tensor) -> tuple[Tensor, ...]:
        a, b = functional.normalize(self.picture(pictures), dim=1), functional.normalize(self.text(texts), dim=1)
        return a, b, self.scale.exp(), self.bias * 1


def compare_ddp(sizes: tuple[int, ...], rank: int, form: str) -> None:
    """What DistributedDataParallel, or gradient caching and an average, leave is the gradient of the whole batch."""
    n, first = sum(sizes), sum(sizes[:rank])
    own = slice(first, first + sizes[rank])
    draw = torch.Generator().manual_seed(8)
    pictures, texts = (torch.randn(n, 6, generator=draw, dtype=torch.float64) for _ in range(2))
    alone, spread = Towers(), DistributedDataParallel(Towers())
    a, b, scale, bias = alone(pictures, texts)
    multi_positive_loss(a, b, None, scale, logit_bias=bias, form=form).backward()
    a, b, scale, bias = spread(pictures[own], texts[own])
    loss_over_ranks(a, b, None, scale, logit_bias=bias, form=form).backward()
    cached = Towers()
    parts = list(zip(pictures[own].split(3), texts[own].split(3), strict=True))

    def loss(a: Tensor, b: Tensor) -> Tensor:
        return loss_over_ranks(a, b, None, cached.scale.exp(), logit_bias=cached.bias, form=form)

    cached_backward(lambda part: cached(*part)[:2], parts, loss)
    average_gradients(cached.parameters())
    for name, one in alone.named_parameters():
        for two in (spread.module.get_parameter(name), cached.get_parameter(name)):
            assert torch.allclose(one.grad, two.grad, rtol=1e-9, atol=1e-12), (form, name, one.grad, two.grad)


def compare_mining(sizes: tuple[int, ...], ranks: Ranks) -> None:
    n = sum(sizes)
    draw = torch.Generator().manual_seed(6)
    texts, pictures = torch.randn(n, 5, generator=draw), torch.randn(n, 5, generator=draw)
    units = torch.randint(-1, 2, (n, 9), generator=draw, dtype=torch.int8)
    captions = torch.arange(n)
    settings = MiningSettings(top_k=3, threshold=0.2, warmup_steps=0, least_measured=1)
    whole = mine(texts, pictures, units, captions, settings, 0)
    own = slice(*ranks.rows)
    everything = [ranks.gather(x[own]) for x in (texts, pictures, units, captions)]
    shared = mine(*everything, settings, 0, rows=ranks.rows, gather=ranks.gather)
    assert whole.pairs == shared.pairs > 0
    for name in ("rows", "cols", "weights"):
        assert torch.equal(getattr(whole.positives, name), getattr(shared.positives, name))


def refuses(rank: int) -> None:
    """A rank without rows is refused everywhere at once, so that none waits for another."""
    a = leaf(0 if rank else 3, 0)
    try:
        loss_over_ranks(a, a, None, 1.0)
    except ValueError as error:
        assert "every rank needs rows" in str(error)
    else:
        raise AssertionError("not refused")


def main() -> None:
    dist.init_process_group("gloo")
    torch.set_num_threads(1)
    rank, size = dist.get_rank(), dist.get_world_size()
    sizes = SIZES[size]
    ranks = Ranks(sizes[rank], "cpu")
    assert tuple(ranks.counts) == sizes
    for form in ("softmax", "sigmoid"):
        for full in (False, True):
            compare(sizes, rank, form, full)
        compare_ddp(sizes, rank, form)
    compare_mining(sizes, ranks)
    refuses(rank)
    dist.barrier()
    if rank == 0:
        print(f"equal over {size} ranks")
    dist.destroy_process_group()
    sys.stdout.flush()
    os._exit(0)  # gloo's threads now and then abort an interpreter that ends by itself


if __name__ == "__main__":
    sys.exit(main())
