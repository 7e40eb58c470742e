"""Weights to begin a run with: another run's saved state, or a published checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from fervlm.checkpoint import HEADS, MANIFEST, TOWERS, open_checkpoint
from fervlm.contrastive.model import GlobalLocal
from fervlm.contrastive.state import STATE, read_note, read_state
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


def history(folder: Path | None) -> list[dict[str, Any]]:
    """Settings of the runs whose weights came before, the last first; of a published checkpoint what its card tells."""
    found: list[dict[str, Any]] = []
    while folder is not None and (folder / STATE).is_file():
        note = read_note(folder / STATE)
        config = note.get("config", {})
        config = json.loads(config) if isinstance(config, str) else config
        told = ("epochs", "batch", "lr", "sizes", "weights", "captions", "mixup", "smoothing", "seed")
        found.append({"steps": note.get("step")} | {name: config[name] for name in told if name in config})
        before = config.get("init")
        folder = Path(before) if before else None
    if folder is not None and (folder / MANIFEST).is_file():
        found.append(dict(open_checkpoint(folder).manifest.training))
    return found


def _weights(folder: Path) -> dict[str, Tensor]:
    if (folder / STATE).is_file():
        tensors, _ = read_state(folder / STATE, hint=None)
        return {n.removeprefix("average."): t for n, t in tensors.items() if n.startswith("average.")}
    if (folder / MANIFEST).is_file():
        checkpoint = open_checkpoint(folder)
        towers = {f"clip.{name}": value for name, value in load_file(checkpoint.path(TOWERS)).items()}
        return towers | load_file(checkpoint.path(HEADS))
    raise FervlmError("there are no weights to begin with", file=folder, hint="Give a run's or a checkpoint's folder.")
