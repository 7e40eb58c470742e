"""How weights move: AdamW, a warm-up and a cosine; mixup of the batches it sees."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch

from fervlm.contrastive.objective import Batch
from fervlm.contrastive.settings import ContrastiveConfig


def schedule(done: float, warmup: float) -> float:
    """Linear warm-up, then a half cosine to 0."""
    if done < warmup:
        return (done + 1e-6) / warmup
    return 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


def optimizer_of(model: torch.nn.Module, config: ContrastiveConfig) -> torch.optim.Optimizer:
    """AdamW; what has one dimension or none (norms, biases, temperatures) does not decay."""
    groups: list[dict[str, Any]] = [
        {"params": [], "order": [], "weight_decay": config.weight_decay},
        {"params": [], "order": [], "weight_decay": 0.0},
    ]
    for place, parameter in enumerate(p for p in model.parameters() if p.requires_grad):
        group = groups[0 if parameter.dim() > 1 else 1]
        group["params"].append(parameter)
        group["order"].append(place)
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=config.lr, betas=(0.9, 0.99), fused=True)


def mixed(batch: Batch, share: float, order: torch.Tensor) -> Batch:
    """Mixup (Zhang et al. 2018): each face with `share` of itself and the rest of the face at `order`."""

    def mix(value: torch.Tensor) -> torch.Tensor:
        return share * value + (1 - share) * value[order]

    return replace(
        batch,
        x=mix(batch.x),
        labels=mix(batch.labels),
        weights=mix(batch.weights),
        units=mix(batch.units),
        measured=batch.measured * batch.measured[order],
        affect=mix(batch.affect),
    )
