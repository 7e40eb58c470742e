"""First stage of the nano: its picture tower learns labels, action units and the small contrastive model's features.

A language model's loss alone teaches a tower from scratch slowly: most of its tokens are grammar. Here every face
counts, and a pass costs a fifth.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fervlm.contrastive.augment import Levels, Strength, augment, prepare
from fervlm.contrastive.faces import Faces, load_faces
from fervlm.contrastive.publish import load_published
from fervlm.errors import FervlmError
from fervlm.facs.labels import BASIC8
from fervlm.facs.units import movement_units
from fervlm.mllm.nano import nano_model
from fervlm.mllm.order import Passes
from fervlm.mllm.run import run_training
from fervlm.mllm.settings import TowerConfig

if TYPE_CHECKING:
    from fervlm.contrastive.model import GlobalLocal

Say = Callable[[str], None]
TOWER = "tower.safetensors"
_LEVELS = Levels()
_MEASURED = 256
"""Faces at once where nothing is learned."""


class Heads(nn.Module):
    """What is read off one set of picture tokens, for training only."""

    def __init__(self, width: int, taught: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.labels = nn.Linear(width, len(BASIC8))
        self.units = nn.Linear(width, len(movement_units()))
        self.whole = nn.Linear(width, taught) if taught else None
        self.parts = nn.Linear(width, taught) if taught else None

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """[B, T, width] -> label logits [B, 8], unit logits [B, A], features [B, D], features of places [B, T, D]."""
        tokens = self.norm(tokens)
        mean = tokens.mean(1)
        whole = None if self.whole is None else self.whole(mean)
        return self.labels(mean), self.units(mean), whole, None if self.parts is None else self.parts(tokens)


class TowerInTraining(nn.Module):
    """A picture tower with heads on its last tokens and on those that it hands to deeper layers."""

    def __init__(self, visual: nn.Module, config: TowerConfig, teacher: GlobalLocal | None, taught: int = 0) -> None:
        super().__init__()
        self.visual, self.settings = visual, config
        shape: Any = visual.config
        self.heads = nn.ModuleList(Heads(shape.out_hidden_size, taught) for _ in range(2))
        self._teacher = [] if teacher is None else [teacher]  # in a list: no part of the state

    def forward(self, pixels: Tensor, labels: Tensor, units: Tensor) -> dict[str, Tensor]:
        """float [B, 3, S, S] normalised, int64 [B] (-1: none), int8 [B, A] (-1: not measured)."""
        last, middle = self.tokens(pixels)
        taught = self._taught(pixels, last.shape[1])
        losses = [
            self._loss(head(tokens), labels, units, taught)
            for head, tokens in zip(self.heads, (last, middle), strict=True)
        ]
        return {"loss": losses[0] + 0.3 * losses[1]}

    def tokens(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Two times [B, T, width]: the tower's tokens and those of a middle layer."""
        shape: Any = self.visual.config
        flat, grid = patches(pixels, shape.patch_size, shape.spatial_merge_size, shape.temporal_patch_size)
        out = self.visual(flat, grid_thw=grid)
        last, middle = out.pooler_output, out.deepstack_features[0]
        return last.view(len(pixels), -1, last.shape[-1]), middle.view(len(pixels), -1, middle.shape[-1])

    @torch.no_grad()
    def _taught(self, pixels: Tensor, places: int) -> tuple[Tensor, Tensor] | None:
        if not self._teacher:
            return None
        out = self._teacher[0].pictures(pixels)
        side, wanted = round(out.patches.shape[1] ** 0.5), round(places**0.5)
        grid = out.patches.transpose(1, 2).unflatten(2, (side, side))  # type: ignore[no-untyped-call]
        return out.embedding, F.adaptive_avg_pool2d(grid, wanted).flatten(2).transpose(1, 2)

    def _loss(self, told: Any, labels: Tensor, units: Tensor, taught: Any) -> Tensor:
        by_label, by_unit, whole, parts = told
        c = self.settings
        known = labels >= 0
        loss: Tensor = by_label.sum() * 0
        if known.any():
            loss = loss + c.label * F.cross_entropy(by_label[known], labels[known], label_smoothing=c.smoothing)
        measured = (units >= 0).float()
        each = F.binary_cross_entropy_with_logits(by_unit, units.clamp(min=0).float(), reduction="none")
        loss = loss + c.units * (each * measured).sum() / measured.sum().clamp(min=1)
        if taught is not None:
            far = 1 - F.cosine_similarity(whole, taught[0], dim=-1)
            apart = 1 - F.cosine_similarity(parts, taught[1], dim=-1)
            loss = loss + c.teach * (far.mean() + apart.mean())
        return loss


def patches(pixels: Tensor, patch: int, merge: int = 2, repeat: int = 2) -> tuple[Tensor, Tensor]:
    """Pictures as the Qwen-VL image processor hands them over: patches, four neighbours together, each frame twice.

    Args:
        pixels: float [B, 3, S, S], normalised; S a multiple of patch * merge.

    Returns:
        float [B * (S / patch)^2, 3 * repeat * patch^2] and int64 [B, 3] (1, rows, columns).
    """
    count, channels, side, _ = pixels.shape
    blocks = side // (patch * merge)
    x = pixels.reshape(count, channels, blocks, merge, patch, blocks, merge, patch)
    x = x.permute(0, 2, 5, 3, 6, 1, 4, 7)[..., None, :, :]
    x = x.expand(*x.shape[:6], repeat, patch, patch)
    grid = torch.tensor([[1, side // patch, side // patch]]).expand(count, 3)
    return x.reshape(count * (side // patch) ** 2, -1), grid.to(pixels.device)


def train_tower(config: TowerConfig, out: Path, say: Say) -> Path:
    """Train, or go on with, a tower; returns the file with its weights.

    Raises:
        FervlmError: the data cannot be read, or the folder holds another run.
    """
    torch.set_num_threads(config.threads)
    faces, held_out = (load_faces(config.data, split, config.nano.side) for split in ("train", "val"))
    say(f"{len(faces):,} faces to train on, {len(held_out):,} to measure on")
    torch.manual_seed(config.seed)
    teacher, taught = None, 0
    if config.teacher is not None:
        teacher, _, manifest = load_published(config.teacher)
        teacher, taught = teacher.requires_grad_(False).eval(), manifest.embed_dim
    model = TowerInTraining(nano_model(config.nano).model.visual, config, teacher, taught)

    def collate(rows: list[tuple[int, int]]) -> dict[str, Tensor]:
        return _batch(faces, rows, config)

    def measure() -> dict[str, float]:
        return _scores(model, held_out, config)

    done = run_training(model, Passes(len(faces), config.epochs, config.seed), collate, config, out, say, measure)
    if not done:
        raise FervlmError("the run was stopped before its end", file=out, hint="The same command goes on from there.")
    path = out / TOWER
    save_file({k: v.contiguous() for k, v in model.visual.state_dict().items()}, path)
    return path


def take_tower(visual: nn.Module, path: Path) -> None:
    """Fill a tower with the weights of `train_tower`, or with those of a run's last checkpoint.

    Raises:
        FervlmError: there is no such file, or it is of another shape.
    """
    if path.is_dir():
        path = path / TOWER
    if not path.is_file():
        raise FervlmError("there are no weights of a picture tower", file=path, hint="Train one: mllm_nano_tower.")
    try:
        visual.load_state_dict(load_file(path))
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip().rstrip(".")
        raise FervlmError(f"the picture tower has another shape ({reason})", file=path) from None


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
    """WAR and UAR on the labelled faces; share of right answers on measured units (NaN where none is)."""
    was, found, hits = model.training, [], []
    model.eval()
    for start in range(0, len(faces), _MEASURED):
        index: NDArray[np.int64] = np.arange(start, min(start + _MEASURED, len(faces)))
        pixels = prepare(faces.pictures.batch(index), config.nano.side, _LEVELS)
        by_label, by_unit, _, _ = model.heads[0](model.tokens(pixels)[0])
        found.append(by_label.argmax(1).numpy())
        units = torch.from_numpy(faces.units[index])
        hits.append(((by_unit > 0) == (units > 0))[units >= 0])
    model.train(was)
    guess, labels = np.concatenate(found), faces.labels
    known = labels >= 0
    recalls = [float((guess[labels == k] == k).mean()) for k in range(len(BASIC8)) if (labels == k).any()]
    return {
        "WAR": float((guess[known] == labels[known]).mean()),
        "UAR": float(np.mean(recalls)),
        "units": torch.cat(hits).float().mean().item(),
    }
