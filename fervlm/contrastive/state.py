"""The state of a run as safetensors and JSON: weights, their running average, optimizer moments, step. No pickles."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fervlm.contrastive.sharded import gathered, like
from fervlm.errors import FervlmError

STATE = "state.safetensors"
BEST = "best.safetensors"
"""The running average that scored best, of runs that stop early."""
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW keeps of each parameter."""


def save_state(
    folder: Path,
    model: nn.Module,
    average: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    note: dict[str, Any],
    *,
    writes: bool = True,
) -> None:
    """Write `state.safetensors` with its note inside; the old state stays until the new one is whole.

    The ranks of a model that is cut over them gather it together, and one of them `writes`.
    """
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.items()}
    for name, parameter in zip(names, _parameters(optimizer), strict=True):
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"moments.{key}.{name}"] = value if isinstance(value, Tensor) else torch.tensor(float(value))
    tensors = gathered(tensors)
    if not writes:
        return
    _write(folder / STATE, tensors, {"note": json.dumps(note)})


def save_best(folder: Path, average: dict[str, Tensor]) -> None:
    """Write `best.safetensors`."""
    _write(folder / BEST, average, {})


def load_best(folder: Path) -> dict[str, Tensor]:
    """What `save_best` wrote last.

    Raises:
        FervlmError: the file is damaged.
    """
    try:
        return load_file(folder / BEST)
    except (SafetensorError, OSError) as error:
        raise FervlmError(f"the best weights cannot be read ({error})", file=folder / BEST) from error


def _write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    part = path.with_suffix(".part")
    save_file(plain, part, metadata=metadata)
    with part.open("rb") as handle:
        os.fsync(handle.fileno())
    part.replace(path)


def load_state(
    folder: Path, model: nn.Module, average: dict[str, Tensor], optimizer: torch.optim.Optimizer
) -> dict[str, Any] | None:
    """Put a saved state back; returns its note, or None where there is none.

    Raises:
        FervlmError: the state belongs to another model or is damaged.
    """
    path = folder / STATE
    if not path.exists():
        return None
    tensors, note = read_state(path)
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    wanted = {f"model.{name}": value for name, value in model.state_dict().items()}
    wanted |= {f"average.{name}": value for name, value in average.items()}
    if any(name not in tensors or tensors[name].shape != value.shape for name, value in wanted.items()):
        raise FervlmError("the saved state belongs to another model", file=path, hint="Start anew: --restart.")
    model.load_state_dict({name: like(value, tensors[f"model.{name}"]) for name, value in model.state_dict().items()})
    for name, value in average.items():
        value.copy_(like(value, tensors[f"average.{name}"]))
    for name, parameter in zip(names, _parameters(optimizer), strict=True):
        found = {key: tensors.get(f"moments.{key}.{name}") for key in _MOMENTS}
        if None not in found.values():
            optimizer.state[parameter] = {k: _like(parameter, t) for k, t in found.items() if t is not None}
    return note


def _like(parameter: Tensor, moment: Tensor) -> Tensor:
    """In the parameter's own layout: fused AdamW pairs the two by their place in memory, whatever their strides."""
    if moment.shape != parameter.shape:
        return moment.to(parameter.device)
    return torch.empty_like(parameter, dtype=moment.dtype).copy_(like(parameter, moment))


def read_state(path: Path, hint: str | None = "Start anew: --restart.") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """All tensors of a state file, and its note.

    Raises:
        FervlmError: the file is damaged or none of a run.
    """
    try:
        return load_file(path), read_note(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise FervlmError(f"the saved state cannot be read ({error})", file=path, hint=hint) from error


def read_note(path: Path) -> dict[str, Any]:
    """The note inside a state file.

    Raises:
        SafetensorError, OSError, ValueError: the file is damaged or none of a run.
    """
    with safe_open(path, framework="pt") as handle:
        text = (handle.metadata() or {}).get("note")
    if text is None:
        raise ValueError("no run wrote it")
    note: dict[str, Any] = json.loads(text)
    return note


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """In the order of `model.named_parameters()`; groups interleave, so each keeps its parameters' places."""
    ordered: list[tuple[int, Tensor]] = []
    for group in optimizer.param_groups:
        ordered += list(zip(group["order"], group["params"], strict=True))
    return [parameter for _, parameter in sorted(ordered, key=lambda pair: pair[0])]
