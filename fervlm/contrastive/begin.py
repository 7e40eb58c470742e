"""Weights to begin a run with: another run's saved state, or a published checkpoint."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

from fervlm.checkpoint import HEADS, MANIFEST, TOWERS, open_checkpoint
from fervlm.contrastive.model import GlobalLocal
from fervlm.contrastive.state import STATE, read_state
from fervlm.errors import FervlmError


def take_weights(model: GlobalLocal, folder: Path, parts: tuple[str, ...]) -> list[str]:
    """Put in the weights whose names begin with one of `parts`; returns their names.

    Args:
        model: to be filled.
        folder: a run's folder (its running average is taken), or a checkpoint folder (stored as fp16).
        parts: beginnings of names, such as `clip.visual.`.

    Raises:
        FervlmError: the folder holds neither, or a shape differs.
    """
    found = _weights(folder)
    own = model.state_dict()
    taken = {name: value for name, value in found.items() if name.startswith(parts) and name in own}
    odd = next((name for name, value in taken.items() if value.shape != own[name].shape), None)
    if odd is not None or not taken:
        raise FervlmError(f"the weights to begin with do not fit ({odd or 'no name in common'})", file=folder)
    model.load_state_dict({**own, **{name: value.to(own[name].dtype) for name, value in taken.items()}})
    return sorted(taken)


def _weights(folder: Path) -> dict[str, Tensor]:
    if (folder / STATE).is_file():
        tensors, _ = read_state(folder / STATE, hint=None)
        return {n.removeprefix("average."): t for n, t in tensors.items() if n.startswith("average.")}
    if (folder / MANIFEST).is_file():
        checkpoint = open_checkpoint(folder)
        towers = {f"clip.{name}": value for name, value in load_file(checkpoint.path(TOWERS)).items()}
        return towers | load_file(checkpoint.path(HEADS))
    raise FervlmError("there are no weights to begin with", file=folder, hint="Give a run's or a checkpoint's folder.")
