"""Where a run computes: its process among others, and its device."""

from __future__ import annotations

import os

import torch
from torch import distributed as dist

from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.errors import FervlmError


def ranks_of(config: ContrastiveConfig) -> tuple[int, int]:
    """(rank, number of ranks) under torchrun, with the process group started; (0, 1) otherwise."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        return 0, 1
    if not dist.is_initialized():
        dist.init_process_group("nccl" if config.device.startswith("cuda") else "gloo")
    return dist.get_rank(), world


def device_of(config: ContrastiveConfig, rank: int) -> torch.device:
    """The device of a rank.

    Raises:
        FervlmError: a GPU is asked for and none can be used.
    """
    try:
        device = torch.device(config.device)
    except RuntimeError:
        raise FervlmError(f"there is no device '{config.device}'", hint="Set device=cpu or device=cuda.") from None
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise FervlmError("there is no GPU that torch can use", hint="Set device=cpu.")
        if ":" not in config.device:
            device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", rank)))
        torch.cuda.set_device(device)
    return device
