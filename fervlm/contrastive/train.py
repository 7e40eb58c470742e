"""Training from top to bottom: data, model, steps, measurements. See `run`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed as dist

from fervlm.contrastive.build import Built, build, picture_side
from fervlm.contrastive.faces import Faces, load_faces
from fervlm.contrastive.place import device_of, ranks_of
from fervlm.contrastive.run import Run, Say, Tick
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.contrastive.validation import tuning_part
from fervlm.errors import FervlmError
from fervlm.facs.labels import BASIC8


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished (or stopped) run."""

    built: Built
    """With the running average of the weights."""
    held_out: Faces
    """All validation faces; see `validation.tuning_part`."""
    fingerprint: str
    """Of the training faces."""
    step: int
    finished: bool
    leads: bool = True
    """Whether this process is the first of its run."""


def train(config: ContrastiveConfig, out: Path, say: Say = print, tick: Tick | None = None) -> Trained:
    """Run, or go on with, a run in `out`.

    Args:
        config: its settings.
        out: its folder.
        say: is told what is worth a line.
        tick: is told of every step.

    Raises:
        FervlmError: the data cannot be read, the folder holds another run, or the loss is no number.
    """
    torch.set_num_threads(config.threads)
    joined = dist.is_available() and dist.is_initialized()
    rank, world = ranks_of(config)
    if rank:
        say, tick = _silent, None
    out.mkdir(parents=True, exist_ok=True)
    side, colour = picture_side(config)
    faces = load_faces(config.data, "train", side, colour=colour)
    faces = faces.take(shown(faces, config))
    held_out = load_faces(config.data, "val", side, colour=colour)
    tuning = held_out.take(tuning_part(held_out) & shown(held_out, config))
    if not len(tuning):
        raise FervlmError(
            "of the validation faces none falls into the quarter for tuning", hint="Give a set with more of them."
        )
    say(f"{len(faces):,} faces to train on, {len(held_out):,} to measure on")
    torch.manual_seed(config.seed)
    built = build(config, faces)
    built.model.to(device_of(config, rank), memory_format=torch.channels_last)  # type: ignore[call-overload]
    if built.tokenizer is not None and rank == 0:
        built.tokenizer.save(str(out / "tokenizer.json"))
    run = Run(config, out, built, faces, say, rank, world)
    run.tick = tick
    run.resume()
    finished = run.go(tuning)
    run.use_average()
    if world > 1 and not joined:
        dist.destroy_process_group()  # what follows is the first rank's alone
    return Trained(run.built, held_out, run.fingerprint, run.step, finished, leads=rank == 0)


def shown(faces: Faces, config: ContrastiveConfig) -> NDArray[np.bool_]:
    """bool [N]: faces whose label is not left out.

    Raises:
        FervlmError: a label to leave out is none of the eight.
    """
    odd = next((label for label in config.leave_out if label not in BASIC8), None)
    if odd is not None:
        raise FervlmError(f"'{odd}' cannot be left out: it is no label", hint=f"Labels: {', '.join(BASIC8)}.")
    return ~np.isin(faces.labels, [BASIC8.index(label) for label in config.leave_out])


def _silent(_text: str) -> None:
    """Ranks beside the first say nothing."""
