"""The state of a run as safetensors and JSON: weights, their running average, optimizer moments, step. No pickles."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fervlm.errors import FervlmError


def save_state(
    folder: Path, model: nn.Module, average: dict[str, Tensor], optimizer: torch.optim.Optimizer, note: dict[str, Any]
) -> None:
    """Write `state.safetensors` with its note inside; the old state stays until the new one is whole."""
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.items()}
    for name, parameter in zip(names, _parameters(optimizer), strict=True):
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"moments.{key}.{name}"] = value if isinstance(value, Tensor) else torch.tensor(float(value))
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    path = folder / "state.safetensors"
    part = path.with_suffix(".part")
    save_file(plain, part, metadata={"note": json.dumps(note)})
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
    path = folder / "state.safetensors"
    if not path.exists():
        return None
    try:
        tensors = load_file(path)
        note = read_note(path)
    except (SafetensorError, OSError) as error:
        raise FervlmError(
            f"the saved state cannot be read ({error})", file=path, hint="Start anew: --restart."
        ) from error
    own = {name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")}
    if own.keys() != model.state_dict().keys():
        raise FervlmError("the saved state belongs to another model", file=path, hint="Start anew: --restart.")
    model.load_state_dict(own)
    for name, value in average.items():
        value.copy_(tensors[f"average.{name}"])
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    for name, parameter in zip(names, _parameters(optimizer), strict=True):
        keys = {k.split(".")[1]: t for k, t in tensors.items() if k.startswith("moments.") and _name(k) == name}
        if keys:
            optimizer.state[parameter] = {k: t if k == "step" else t.to(parameter.device) for k, t in keys.items()}
    return note


def read_note(path: Path) -> dict[str, Any]:
    """The note inside a state file."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as handle:
        note: dict[str, Any] = json.loads(handle.metadata()["note"])
    return note


def _name(key: str) -> str:
    return key.split(".", 2)[2]


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """In the order of `model.named_parameters()`; groups interleave, so each keeps its parameters' places."""
    ordered: list[tuple[int, Tensor]] = []
    for group in optimizer.param_groups:
        ordered += list(zip(group["order"], group["params"], strict=True))
    return [parameter for _, parameter in sorted(ordered, key=lambda pair: pair[0])]
