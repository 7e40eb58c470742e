"""What a step is shown: which faces, at what size, with which captions; all from the seed and the step's number."""

from __future__ import annotations

import numpy as np
import torch

from fervlm.contrastive.augment import Strength, augment
from fervlm.contrastive.build import Built
from fervlm.contrastive.captions import CaptionBank
from fervlm.contrastive.faces import Faces
from fervlm.contrastive.objective import Batch, draw_class_tokens
from fervlm.contrastive.optimizer import mixed
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.contrastive.targets import Targets
from fervlm.errors import FervlmError


class Feed:
    """The batches of one rank of a run.

    Args:
        config: the run's settings.
        built: its model.
        faces: what it learns from.
        rank: of this process.
        world: number of processes.

    Raises:
        FervlmError: the faces do not fill a batch, or the model cannot look at pictures of a size asked for.
    """

    def __init__(self, config: ContrastiveConfig, built: Built, faces: Faces, rank: int = 0, world: int = 1) -> None:
        self.config, self.built, self.faces, self.rank, self.world = config, built, faces, rank, world
        self._check_sizes()
        self.steps_per_epoch = len(faces) // (config.batch * world)
        if self.steps_per_epoch == 0:
            raise FervlmError(
                f"{len(faces)} faces do not fill one batch of {config.batch * world}", hint="Lower batch."
            )
        self.steps = max(1, round(config.epochs * self.steps_per_epoch))
        self.strength = Strength().times(config.augment)
        self.targets = Targets(faces, built.model.config.units, config)
        c = config.captions
        self.bank = None
        if config.weights.captions():
            self.bank = CaptionBank(faces, built.words, anchored=c.anchored, hard=c.hard, regions=c.regions)

    def batch(self, step: int, generator: torch.Generator) -> Batch:
        """A step's batch, on the CPU."""
        config = self.config
        chosen = self.chosen(step)
        size = self.size_at(step)
        bank = self.bank if step % config.captions.every == 0 else None
        flip = torch.full((len(chosen),), config.flip)
        if bank is not None:
            flip &= ~torch.from_numpy(bank.sided[chosen.numpy()])
        pictures = self.faces.pictures.batch(chosen.numpy())
        x = augment(pictures, size, self.strength, self.built.levels, generator, flip)
        batch = Batch(
            x=x,
            **self.targets.rows(chosen),
            class_tokens=draw_class_tokens(self.built.words, generator),
            captions=None if bank is None else bank.batch(chosen.tolist(), generator),
            step=step,
        )
        if config.mixup and batch.captions is None and torch.rand(1, generator=generator) < 0.5:
            draw = np.random.default_rng(config.seed * 1_000_003 + step).beta(config.mixup, config.mixup)
            batch = mixed(batch, max(draw, 1 - draw), torch.randperm(len(chosen), generator=generator))
        return batch

    def chosen(self, step: int) -> torch.Tensor:
        """This rank's faces of a step, int64 [batch]; each epoch has an order of its own, what fills no batch waits."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = torch.randperm(
            len(self.faces), generator=torch.Generator().manual_seed(self.config.seed * 7919 + epoch)
        )
        first = (place * self.world + self.rank) * self.config.batch
        return order[first : first + self.config.batch]

    def size_at(self, step: int) -> int:
        """Side of the pictures at a step."""
        done = step / self.steps
        return next((side for until, side in self.config.sizes if done < until), self.built.size)

    @torch.no_grad()
    def _check_sizes(self) -> None:
        model = self.built.model.eval()
        device = next(model.parameters()).device
        for _, side in self.config.sizes:
            if side == self.built.size:
                continue
            try:
                model.pictures(torch.zeros(1, 3, side, side, device=device))
            except (AssertionError, RuntimeError, ValueError):
                raise FervlmError(
                    f"the model cannot look at pictures of {side} pixels",
                    hint=f"Its own size is {self.built.size}: leave sizes out.",
                ) from None
