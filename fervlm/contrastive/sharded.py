"""Models too large for one GPU: weights, gradients and moments cut over the ranks by torch's FSDP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from fervlm.contrastive.objective import Objective


def shard(objective: Objective) -> list[nn.Parameter]:
    """Cut the model of `objective` over all ranks, transformer block by block; `objective` is called as before.

    Returns:
        What stays whole on each rank, the temperatures (a number cannot be cut): average their gradients over ranks.
    """
    objective.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload] # rows are cut, whatever is in them
    whole = [p for p in objective.parameters() if p.dim() == 0]
    for block in _blocks(objective):
        fully_shard(block, ignored_params={p for p in block.parameters() if p.dim() == 0})
    fully_shard(objective, ignored_params=set(whole))
    return whole


def _blocks(module: nn.Module) -> list[nn.Module]:
    """The transformer blocks of both towers: members of lists that open_clip and timm name so."""
    lists = [part for name, part in module.named_modules() if name.rpartition(".")[2] in {"resblocks", "blocks"}]
    return [block for part in lists for block in part.children()]


def gathered(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Each tensor whole, on every rank; call it on all ranks at once."""
    return {name: t.full_tensor() if isinstance(t, DTensor) else t for name, t in tensors.items()}


def like(part: Tensor, whole: Tensor) -> Tensor:
    """`whole` cut as `part` is, on its device; call it on all ranks at once."""
    if not isinstance(part, DTensor):
        return whole.to(part.device)
    return distribute_tensor(whole.to(part.to_local().device), part.device_mesh, part.placements)


def is_cut(model: nn.Module) -> bool:
    """Whether `shard` has cut a model."""
    return any(isinstance(p, DTensor) for p in model.parameters())


def clip_gradients(parameters: Iterable[nn.Parameter], most: float) -> float:
    """`clip_grad_norm_` where some gradients are cut and some whole; the norm before, over all ranks."""
    held = [p for p in parameters if p.grad is not None]
    cut: list[Tensor] = [p.grad for p in held if isinstance(p.grad, DTensor)]
    whole: list[Tensor] = [p.grad for p in held if p.grad is not None and not isinstance(p.grad, DTensor)]
    norms = [torch.nn.utils.get_total_norm(part) for part in (cut, whole) if part]
    norm = float(torch.stack([n.full_tensor() if isinstance(n, DTensor) else n for n in norms]).norm())
    for part in (cut, whole):
        if part and norm > most:
            torch._foreach_mul_(part, most / (norm + 1e-6))
    return norm
