"""First stage of the nano: the contrastive model's picture tower learns to keep action units in its last tokens.

There, the small contrastive model reads them off a finer map that the language model does not see. A language model's
loss alone would teach this slowly: most of its tokens are grammar. Here every face counts, and a pass costs a tenth.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fervlm.checkpoint import TOWERS
from fervlm.contrastive.au_head import AUHead
from fervlm.contrastive.augment import Levels, Strength, augment, prepare
from fervlm.contrastive.faces import Faces, load_faces
from fervlm.errors import FervlmError
from fervlm.facs.labels import BASIC8
from fervlm.facs.units import movement_units
from fervlm.mllm.manifest import SHIPPED
from fervlm.mllm.nano import nano_model
from fervlm.mllm.order import Passes
from fervlm.mllm.run import first_process, run_training
from fervlm.mllm.settings import TowerConfig

Say = Callable[[str], None]
TOWER = "tower.safetensors"
_TRUNK = "visual.trunk."
"""Beginning of the names of an open_clip model's timm net."""
_COUNT = ".num_batches_tracked"
"""Of steps that a mean was taken over; published weights leave it out."""
_LEVELS = Levels()
_MEASURED = 256
"""Faces at once where nothing is learned."""


class Heads(nn.Module):
    """What is read off the picture tokens, for training only."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.labels = nn.Linear(channels, len(BASIC8))
        self.units = AUHead(channels, channels, len(movement_units()), edge=0)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """[B, T, channels] -> label logits [B, 8], unit logits [B, A]."""
        tokens = self.norm(tokens)
        mean = tokens.mean(1)
        return self.labels(mean), self.units(tokens, mean)[0]


class TowerInTraining(nn.Module):
    """A picture tower with heads on its tokens."""

    def __init__(self, visual: nn.Module, config: TowerConfig) -> None:
        super().__init__()
        self.visual, self.settings = visual, config
        shape: Any = visual.config
        self.heads = Heads(shape.hidden_size)

    def forward(self, pixels: Tensor, labels: Tensor, units: Tensor) -> dict[str, Tensor]:
        """float [B, 3, S, S] normalised, int64 [B] (-1: none), int8 [B, A] (-1: not measured)."""
        by_label, by_unit = self.told(pixels)
        c, known = self.settings, labels >= 0
        loss: Tensor = by_label.sum() * 0
        if known.any():
            loss = loss + c.label * F.cross_entropy(by_label[known], labels[known], label_smoothing=c.smoothing)
        measured = (units >= 0).float()
        each = F.binary_cross_entropy_with_logits(by_unit, units.clamp(min=0).float(), reduction="none")
        return {"loss": loss + c.units * (each * measured).sum() / measured.sum().clamp(min=1)}

    def told(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 3, S, S] -> label logits [B, 8], unit logits [B, A]."""
        tokens = self.visual(pixels).last_hidden_state.flatten(2).transpose(1, 2)
        by_label, by_unit = self.heads(tokens)
        return by_label.float(), by_unit.float()


def train_tower(config: TowerConfig, out: Path, say: Say) -> Path:
    """Train, or go on with, a tower; returns the file with its weights.

    Raises:
        FervlmError: the data cannot be read, or the folder holds another run.
    """
    torch.set_num_threads(config.threads)
    faces, held_out = (load_faces(config.data, split, config.nano.side) for split in ("train", "val"))
    say(f"{len(faces):,} faces to train on, {len(held_out):,} to measure on")
    torch.manual_seed(config.seed)
    visual = nano_model(config.nano).model.vision_tower
    if config.init is not None:
        take_tower(visual, config.init)
    model = TowerInTraining(visual, config)

    def collate(rows: list[tuple[int, int]]) -> dict[str, Tensor]:
        return _batch(faces, rows, config)

    def measure() -> dict[str, float]:
        return _scores(model, held_out, config)

    done = run_training(model, Passes(len(faces), config.epochs, config.seed), collate, config, out, say, measure)
    if not done:
        raise FervlmError("the run was stopped before its end", file=out, hint="The same command goes on from there.")
    path = out / TOWER
    if first_process():
        save_file({k: v.contiguous() for k, v in model.visual.state_dict().items()}, path)
    return path


def take_tower(visual: nn.Module, path: Path) -> None:
    """Fill a tower with weights.

    Args:
        visual: the nano's picture tower.
        path: a run of `stage: tower`, its file, or a contrastive checkpoint with a tower of the same architecture;
            `nano` is the one that ships.

    Raises:
        FervlmError: there is no such file, or it is of another shape.
    """
    if str(path) == "nano":
        path = SHIPPED.with_name("nano")
    if path.is_dir():
        path = path / (TOWERS if (path / TOWERS).is_file() else TOWER)
    if not path.is_file():
        raise FervlmError(
            "there are no weights of a picture tower", file=path, hint="Name a contrastive checkpoint, or train one."
        )
    weights = load_file(path)
    trunk = {k.removeprefix(_TRUNK): v.float() for k, v in weights.items() if k.startswith(_TRUNK)}
    if trunk:
        weights = {f"timm_model.{k}": v for k, v in trunk.items() if not k.startswith("head.")}
    try:
        found = visual.load_state_dict(weights, strict=False)
        odd = [*found.unexpected_keys, *(k for k in found.missing_keys if not k.endswith(_COUNT))]
        reason = odd[0] if odd else ""
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip().rstrip(".")
    if reason:
        raise FervlmError(f"the picture tower has another shape ({reason})", file=path)


def _batch(faces: Faces, rows: list[tuple[int, int]], config: TowerConfig) -> dict[str, Tensor]:
    index = np.array([face for _, face in rows], np.int64)
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + rows[0][0])
    flip = torch.ones(len(index), dtype=torch.bool)
    strength = Strength().times(config.augment)
    pixels = augment(faces.pictures.batch(index), config.nano.side, strength, _LEVELS, generator, flip)
    return {
        "pixels": pixels,
        "labels": torch.from_numpy(faces.labels[index]),
        "units": torch.from_numpy(faces.units[index]),
    }


@torch.no_grad()
def _scores(model: TowerInTraining, faces: Faces, config: TowerConfig) -> dict[str, float]:
    """WAR and UAR on the labelled faces, micro F1 of the measured units; 0 where nothing is known."""
    was, found, told = model.training, [], []
    model.eval()
    for start in range(0, len(faces), _MEASURED):
        index: NDArray[np.int64] = np.arange(start, min(start + _MEASURED, len(faces)))
        by_label, by_unit = model.told(prepare(faces.pictures.batch(index), config.nano.side, _LEVELS))
        found.append(by_label.argmax(1).numpy())
        told.append((by_unit > 0).numpy())
    model.train(was)
    guess, labels = np.concatenate(found), faces.labels
    known = labels >= 0
    recalls = [float((guess[labels == k] == k).mean()) for k in range(len(BASIC8)) if (labels == k).any()]
    present, said = faces.units == 1, np.concatenate(told) & (faces.units >= 0)
    return {
        "WAR": float((guess[known] == labels[known]).mean()),
        "UAR": float(np.mean(recalls)),
        "units_F1": float(2 * (present & said).sum() / max(1, present.sum() + said.sum())),
    }
