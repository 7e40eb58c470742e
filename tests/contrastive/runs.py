"""Small runs, for the trainer's tests."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import torch

from fervlm.contrastive.build import build
from fervlm.contrastive.faces import Faces
from fervlm.contrastive.run import Run
from fervlm.contrastive.settings import ContrastiveConfig

Settings = Callable[..., ContrastiveConfig]


def silent(_text: str) -> None:
    pass


def make_run(config: ContrastiveConfig, faces: Faces, out: Path) -> Run:
    torch.set_num_threads(1)
    torch.manual_seed(config.seed)
    return Run(config, out, build(config, faces), faces, silent)


def logged(out: Path, name: str) -> list[dict[str, str]]:
    with (out / name).open(encoding="utf-8", newline="") as handle:
        return [{k: v for k, v in row.items() if k != "pictures_per_s"} for row in csv.DictReader(handle)]
