"""Augmentation of a batch of grey faces in one resampling: crop, scale, turn, flip, light, covered parts."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from torch import Tensor

MEAN, STD = 0.5, 0.25
"""Normalisation of the nano, all channels alike."""


@dataclass(frozen=True, slots=True)
class Levels:
    """What picture levels in [0, 1] are normalised by, a channel each; in the checkpoint's `preprocess_cfg`."""

    mean: tuple[float, float, float] = (MEAN, MEAN, MEAN)
    std: tuple[float, float, float] = (STD, STD, STD)


@dataclass(frozen=True, slots=True)
class Strength:
    """Ranges of the augmentation; 0 everywhere means none."""

    scale: float = 0.18
    shift: float = 0.10
    degrees: float = 14.0
    light: float = 0.30
    cover: float = 0.5
    """Share of faces with a covered rectangle."""
    blur: float = 0.1
    """Share of faces blurred."""

    def times(self, factor: float) -> Strength:
        """All ranges by a factor."""
        return Strength(**{field.name: getattr(self, field.name) * factor for field in fields(self)})


def prepare(pictures: Tensor, size: int, levels: Levels) -> Tensor:
    """uint8 [B, 1 or 3, S, S] -> normalised float [B, 3, size, size], no augmentation."""
    x = pictures.float().div_(255)
    if x.shape[-1] != size:
        x = F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False, antialias=size < x.shape[-1])
    return _three(x, levels)


def augment(
    pictures: Tensor, size: int, strength: Strength, levels: Levels, generator: torch.Generator, flip: Tensor
) -> Tensor:
    """uint8 [B, 1 or 3, S, S] -> normalised float [B, 3, size, size], each face changed by its own draw.

    Args:
        pictures: the faces.
        size: side of the output.
        strength: how much.
        levels: normalisation.
        generator: all randomness comes from here.
        flip: bool [B]; half of these faces are mirrored (not where a text names a side).
    """
    n = len(pictures)

    def draw(*shape: int) -> Tensor:  # uniform in [-1, 1]
        return torch.rand(*shape, generator=generator) * 2 - 1

    x = pictures.float().div_(255)
    angle = draw(n) * strength.degrees * torch.pi / 180
    zoom = torch.exp(draw(n) * strength.scale)
    stretch = torch.exp(draw(n) * strength.scale * 0.3)
    mirror = torch.where((draw(n) < 0) & flip, -1.0, 1.0)
    cos, sin = torch.cos(angle), torch.sin(angle)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = cos * zoom * stretch * mirror
    theta[:, 0, 1] = -sin * zoom
    theta[:, 1, 0] = sin * zoom * stretch * mirror
    theta[:, 1, 1] = cos * zoom
    theta[:, :, 2] = draw(n, 2) * 2 * strength.shift
    grid = F.affine_grid(theta, [n, x.shape[1], size, size], align_corners=False)
    x = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    x = _light(x, strength.light, draw(n, 3))
    x = _blur(x, torch.rand(n, generator=generator) < strength.blur)
    x = _cover(x, strength.cover, torch.rand(n, 6, generator=generator))
    return _three(x, levels)


def _light(x: Tensor, amount: float, u: Tensor) -> Tensor:
    contrast = torch.exp(u[:, 0] * amount * 1.5)[:, None, None, None]
    gamma = torch.exp(u[:, 1] * amount)[:, None, None, None]
    shift = (u[:, 2] * amount * 0.4)[:, None, None, None]
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    return ((x.clamp(0, 1) ** gamma - mean) * contrast + mean + shift).clamp(0, 1)


def _blur(x: Tensor, chosen: Tensor) -> Tensor:
    if chosen.any():
        x = x.clone()
        x[chosen] = F.avg_pool2d(F.pad(x[chosen], (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return x


def _cover(x: Tensor, share: float, u: Tensor) -> Tensor:
    """A rectangle of 2 to 16 % of the face becomes one grey level."""
    size = x.shape[-1]
    area = 0.02 + 0.14 * u[:, 1]
    aspect = torch.exp((u[:, 2] * 2 - 1) * 1.0)
    h = (area * aspect).sqrt().clamp(max=0.8)
    w = (area / aspect).sqrt().clamp(max=0.8)
    top, left = u[:, 3] * (1 - h), u[:, 4] * (1 - w)
    at = (torch.arange(size) + 0.5) / size
    rows = (at >= top[:, None]) & (at < (top + h)[:, None])
    columns = (at >= left[:, None]) & (at < (left + w)[:, None])
    mask = rows[:, None, :, None] & columns[:, None, None, :] & (u[:, 0] < share)[:, None, None, None]
    return torch.where(mask, u[:, 5, None, None, None], x)


def _three(x: Tensor, levels: Levels) -> Tensor:
    x = (x - torch.tensor(levels.mean)[:, None, None]) / torch.tensor(levels.std)[:, None, None]
    return x.contiguous(memory_format=torch.channels_last)
