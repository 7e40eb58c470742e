"""Gradients of one batch: in one part, or in several that give the same gradient."""

from __future__ import annotations

import torch

from fervlm.contrastive.distributed import average_gradients
from fervlm.contrastive.grad_cache import cached_backward
from fervlm.contrastive.objective import Batch, Features, Objective
from fervlm.contrastive.settings import ContrastiveConfig


def backward(whole: Objective, objective: torch.nn.Module, batch: Batch, config: ContrastiveConfig) -> dict[str, float]:
    """Gradients of one batch; the values of its losses by name, and as `total` their weighted sum.

    Args:
        whole: the losses.
        objective: `whole`, or what wraps it for several processes.
        batch: on the model's device.
        config: weights of the losses, parts, precision.
    """
    told: dict[str, float] = {}
    autocast = torch.autocast(batch.x.device.type, torch.bfloat16, enabled=config.precision == "bf16")

    def total(losses: dict[str, torch.Tensor]) -> torch.Tensor:
        whole = torch.stack([getattr(config.weights, n) * value.float() for n, value in losses.items()]).sum()
        told.update({name: value.item() for name, value in losses.items()}, total=whole.item())
        return whole

    if config.parts == 1:
        with autocast:
            losses = objective(batch)
        total(losses).backward()  # type: ignore[no-untyped-call]
        return told

    def encode(part: tuple[torch.Tensor, torch.Tensor]) -> Features:
        with autocast:
            return whole.encode(*part)

    def loss(*features: torch.Tensor) -> torch.Tensor:
        with autocast:
            return total(whole.losses(Features(*features), batch))

    texts = whole.tokens(batch).tensor_split(config.parts)
    cached_backward(encode, list(zip(batch.x.tensor_split(config.parts), texts, strict=True)), loss, [whole.model])
    average_gradients(whole.model.parameters())
    return told
