"""The steps of a run, its running average, what it tells of itself; resumes at the step where it was cut."""

from __future__ import annotations

import copy
import math
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import numpy as np
import torch
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from fervlm.contrastive.backward import backward
from fervlm.contrastive.build import Built
from fervlm.contrastive.distributed import average_gradients
from fervlm.contrastive.faces import Faces
from fervlm.contrastive.feed import Feed
from fervlm.contrastive.logs import RunLogs
from fervlm.contrastive.measure import scores_by_source
from fervlm.contrastive.model import GlobalLocal
from fervlm.contrastive.objective import Objective
from fervlm.contrastive.optimizer import optimizer_of, schedule
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.contrastive.sharded import clip_gradients, gathered, shard
from fervlm.contrastive.state import BEST, STATE, load_best, load_state, read_state, save_best, save_state
from fervlm.errors import FervlmError

Say = Callable[[str], None]


Tick = Callable[[int, int, str], None]
"""Called after each step with (steps done, steps in all, what is told of them)."""


class Run:
    """One run: the model, its running average, and where it stands."""

    def __init__(
        self, config: ContrastiveConfig, out: Path, built: Built, faces: Faces, say: Say, rank: int = 0, world: int = 1
    ) -> None:
        self.config, self.out, self.built, self.faces, self.say = config, out, built, faces, say
        self.rank, self.world = rank, world
        self.model = built.model
        self.device = next(self.model.parameters()).device
        self.whole = Objective(self.model, config)
        self.feed = Feed(config, built, faces, rank, world)
        self.objective: torch.nn.Module = self.whole
        self.tick: Tick | None = None
        self.spare: GlobalLocal | None = None
        """Where the model is cut over ranks: a whole one, on the first rank, to measure and to publish."""
        self.uncut: list[torch.nn.Parameter] = []
        if config.shard:
            self._shard()
        elif world > 1 and config.parts == 1:
            # Heads of a part that is left out get no gradient.
            self.objective = DistributedDataParallel(self.objective, find_unused_parameters=True)
        self.steps = self.feed.steps
        self.optimizer = optimizer_of(self.model, config)
        self.average = {n: t.detach().clone() for n, t in self.model.state_dict().items() if t.is_floating_point()}
        self.step, self.best, self.worse, self.stopped = 0, 0.0, 0, False
        self.kept: list[dict[str, float]] = []
        """Losses of the steps since the last row of the log."""
        self.fingerprint = faces.fingerprint()

    def _shard(self) -> None:
        if self.world == 1 or self.config.parts > 1:
            raise FervlmError(
                "shard cuts the model over several processes, each with its batch in one part",
                hint="Start it with torchrun and parts=1, or leave shard out.",
            )
        self.spare = copy.deepcopy(self.model) if self.rank == 0 else None
        self.uncut = shard(self.whole)

    # ---- state

    def resume(self) -> None:
        """Go on where a run with the same settings was cut."""
        path = self.out / STATE
        if not path.exists():
            return
        note, own = read_state(path)[1], self._note()
        for key, what in (("fingerprint", "settings"), ("data", "training faces"), ("ranks", "numbers of processes")):
            if note.get(key, own[key]) != own[key]:
                raise FervlmError(
                    f"the folder holds a run with other {what}", file=self.out, hint="Give another --out, or --restart."
                )
        load_state(self.out, self.model, self.average, self.optimizer)
        self.step, self.best, self.worse = note["step"], note["best"], note["worse"]
        self.kept = note.get("kept", [])
        self.say(f"going on at step {self.step:,} of {self.steps:,}")

    def save(self) -> None:
        """Everything the next step needs; the first rank writes it."""
        if self.rank and not self.uncut:
            return
        save_state(self.out, self.model, self.average, self.optimizer, self._note(), writes=self.rank == 0)

    def _note(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "fingerprint": self.config.fingerprint(),
            "data": self.fingerprint,
            "ranks": self.world,
            "best": self.best,
            "worse": self.worse,
            "kept": self.kept,
            "config": self.config.model_dump(mode="json"),
        }

    def use_average(self) -> None:
        """Put the running average into the model that is measured and published; with `patience`, the best one."""
        average = gathered(self.average)
        if self.config.patience and self.worse and (self.out / BEST).exists():
            average = load_best(self.out)
        if self.spare is not None:
            self.built = replace(self.built, model=self.spare)
        if not self.rank or not self.uncut:
            self._put(average)

    def _put(self, average: dict[str, torch.Tensor]) -> None:
        self.built.model.load_state_dict({**self.built.model.state_dict(), **average})

    # ---- steps

    def go(self, tuning: Faces) -> bool:
        """Steps until the end, until nothing gets better, or until the process is asked to stop; always saved."""
        previous = signal.signal(signal.SIGTERM, self._stop)
        measure_every = max(1, round(self.config.measure_every * self.feed.steps_per_epoch))
        logs = RunLogs(self.out, self.step) if self.rank == 0 else None
        began, at = time.monotonic(), self.step
        try:
            while self.step < self.steps and not self._enough():
                self.kept.append(self.one_step())
                self.step += 1
                if self.tick is not None:
                    self.tick(self.step, self.steps, f"loss {self.kept[-1]['total']:.3f}")
                if self.step % self.config.log_every == 0 or self.step == self.steps:
                    if logs is not None:
                        pictures = (self.step - at) * self.config.batch * self.world
                        self._log(logs, self.kept, pictures / (time.monotonic() - began))
                    self.kept, began, at = [], time.monotonic(), self.step
                if self.step % measure_every == 0 or self.step == self.steps:
                    self._measure(logs, tuning)
                    began, at = time.monotonic(), self.step
                if self.step % self.config.save_every == 0:
                    self.save()
        finally:
            signal.signal(signal.SIGTERM, previous)
            if logs is not None:
                logs.close()
        self.save()
        return self.step == self.steps or not self.stopped

    def one_step(self) -> dict[str, float]:
        """One update; everything random comes from the seed and the step's number. Returns the losses by name."""
        config, step = self.config, self.step
        drawn = (config.seed * 1_000_003 + step) * self.world + self.rank
        generator = torch.Generator().manual_seed(drawn)
        torch.manual_seed(drawn)
        batch = self.feed.batch(step, generator).to(self.device)
        for group in self.optimizer.param_groups:
            group["lr"] = config.lr * schedule(step / self.steps, config.warmup)
        self.objective.train()
        self.optimizer.zero_grad(set_to_none=True)
        losses = backward(self.whole, self.objective, batch, config)
        if not math.isfinite(losses["total"] + self._clip()):
            # A gradient that is no number would spoil the weights, and with them the next saved state.
            self._refuse(losses)
        self.optimizer.step()
        self._after(step)
        return losses

    def _clip(self) -> float:
        """Norm of the whole gradient, which is then at most `clip_norm`."""
        if not self.uncut:
            return float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm))
        average_gradients(self.uncut)
        return clip_gradients(self.model.parameters(), self.config.clip_norm)

    def _refuse(self, losses: dict[str, float]) -> NoReturn:
        told = ", ".join(f"{name} {value:g}" for name, value in losses.items())
        first = self.faces.ids[int(self.feed.chosen(self.step)[0])]
        saved = (self.out / STATE).exists()
        raise FervlmError(
            f"the loss or its gradient is no number in the batch of step {self.step}, which begins with {first} "
            f"({told})",
            file=self.out,
            hint=f"{'The last saved state is good' if saved else 'Nothing was saved yet'}; lower lr in a new folder.",
        )

    @torch.no_grad()
    def _after(self, step: int) -> None:
        scale: Any = self.model.clip.logit_scale
        scale.clamp_(max=math.log(100))
        decay = min(self.config.ema, (1 + step) / (10 + step))
        for name, value in self.model.state_dict().items():
            if name in self.average:
                self.average[name].lerp_(value, 1 - decay)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopped = True

    def _enough(self) -> bool:
        """Whether to stop before the end; all ranks decide alike."""
        if self.world > 1:
            told = torch.tensor([int(self.stopped), 0 if self.rank else self.worse], device=self.device)
            dist.all_reduce(told, dist.ReduceOp.MAX)  # only the first rank measures; a signal may reach any
            self.stopped, self.worse = bool(told[0]), int(told[1])
        return self.stopped or 0 < self.config.patience <= self.worse

    # ---- what is told

    def _log(self, logs: RunLogs, kept: list[dict[str, float]], rate: float) -> None:
        epoch = self.step / self.feed.steps_per_epoch
        names = list(dict.fromkeys(name for losses in kept for name in losses))
        means = {name: float(np.mean([losses[name] for losses in kept if name in losses])) for name in names}
        logs.add("steps", {"step": self.step, "epoch": epoch, **means, "pictures_per_s": rate})
        told = ", ".join(f"{name} {value:.3f}" for name, value in means.items())
        self.say(f"epoch {epoch:.2f} of {self.config.epochs:g}: {told}; {rate:.0f} pictures/s")

    def _measure(self, logs: RunLogs | None, tuning: Faces) -> None:
        average = gathered(self.average)
        if logs is None:
            return
        measured = self.model if self.spare is None else self.spare
        own = {name: value.clone() for name, value in measured.state_dict().items()}
        measured.load_state_dict({**own, **average})
        # A net sees faces in the size it is being trained at; the last size counts once it is reached.
        scores = scores_by_source(
            measured, self.built.words, tuning, self.feed.size_at(self.step - 1), self.built.levels
        )
        measured.load_state_dict(own)
        judged = [value for name, value in scores.items() if name.endswith("/UAR")]
        if judged and (mean := float(np.mean(judged))) > self.best:
            self.best, self.worse = mean, 0
            if self.config.patience:
                save_best(self.out, average)
        else:
            self.worse += 1
        logs.add("scores", {"step": self.step, "epoch": self.step / self.feed.steps_per_epoch, **scores})
        self.say("validation: " + ", ".join(f"{name} {value:.4g}" for name, value in scores.items()))
