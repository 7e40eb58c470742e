"""Training from top to bottom: data, model, steps, measurements. Resumes at the step where it was cut."""

from __future__ import annotations

import copy
import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from fervlm.contrastive.augment import Strength, augment
from fervlm.contrastive.build import Built, build, picture_side
from fervlm.contrastive.captions import CaptionBank
from fervlm.contrastive.distributed import average_gradients
from fervlm.contrastive.faces import Faces, load_faces
from fervlm.contrastive.grad_cache import cached_backward
from fervlm.contrastive.logs import RunLogs
from fervlm.contrastive.measure import scores_by_source
from fervlm.contrastive.model import GlobalLocal
from fervlm.contrastive.objective import Batch, Features, Objective, draw_class_tokens
from fervlm.contrastive.optimizer import mixed, optimizer_of, schedule
from fervlm.contrastive.place import device_of, ranks_of
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.contrastive.sharded import clip_gradients, gathered, shard
from fervlm.contrastive.state import BEST, STATE, load_best, load_state, read_state, save_best, save_state
from fervlm.contrastive.targets import Targets
from fervlm.contrastive.validation import tuning_part
from fervlm.errors import FervlmError
from fervlm.facs.labels import BASIC8

Say = Callable[[str], None]


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


Tick = Callable[[int, int, str], None]
"""Called after each step with (steps done, steps in all, what is told of them)."""


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
        self._check_sizes()
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
        self.steps_per_epoch = len(faces) // (config.batch * world)
        if self.steps_per_epoch == 0:
            raise FervlmError(
                f"{len(faces)} faces do not fill one batch of {config.batch * world}", hint="Lower batch."
            )
        self.steps = max(1, round(config.epochs * self.steps_per_epoch))
        self.optimizer = optimizer_of(self.model, config)
        self.average = {n: t.detach().clone() for n, t in self.model.state_dict().items() if t.is_floating_point()}
        self.step, self.best, self.worse, self.stopped = 0, 0.0, 0, False
        self.kept: list[dict[str, float]] = []
        """Losses of the steps since the last row of the log."""
        self.strength = Strength().times(config.augment)
        self.fingerprint = faces.fingerprint()
        self.targets = Targets(faces, self.model.config.units, config)
        c = config.captions
        self.bank = None
        if config.weights.captions():
            self.bank = CaptionBank(faces, built.words, anchored=c.anchored, hard=c.hard, regions=c.regions)

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
        measure_every = max(1, round(self.config.measure_every * self.steps_per_epoch))
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
        batch = self._batch(step, generator).to(self.device)
        for group in self.optimizer.param_groups:
            group["lr"] = config.lr * schedule(step / self.steps, config.warmup)
        self.objective.train()
        self.optimizer.zero_grad(set_to_none=True)
        losses = self._backward(batch)
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

    def _backward(self, batch: Batch) -> dict[str, float]:
        """Gradients of one batch; the values of its losses and their weighted sum."""
        told: dict[str, float] = {}
        autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16")

        def total(losses: dict[str, torch.Tensor]) -> torch.Tensor:
            whole = torch.stack([getattr(self.config.weights, n) * value.float() for n, value in losses.items()]).sum()
            told.update({name: value.item() for name, value in losses.items()}, total=whole.item())
            return whole

        if self.config.parts == 1:
            with autocast:
                losses = self.objective(batch)
            total(losses).backward()  # type: ignore[no-untyped-call]
            return told

        def encode(part: tuple[torch.Tensor, torch.Tensor]) -> Features:
            with autocast:
                return self.whole.encode(*part)

        def loss(*features: torch.Tensor) -> torch.Tensor:
            with autocast:
                return total(self.whole.losses(Features(*features), batch))

        texts = self.whole.tokens(batch).tensor_split(self.config.parts)
        cached_backward(
            encode, list(zip(batch.x.tensor_split(self.config.parts), texts, strict=True)), loss, [self.model]
        )
        average_gradients(self.model.parameters())
        return told

    def _refuse(self, losses: dict[str, float]) -> NoReturn:
        told = ", ".join(f"{name} {value:g}" for name, value in losses.items())
        first = self.faces.ids[int(self._chosen(self.step)[0])]
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

    def _batch(self, step: int, generator: torch.Generator) -> Batch:
        config = self.config
        chosen = self._chosen(step)
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

    def _chosen(self, step: int) -> torch.Tensor:
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
        self.model.eval()
        for _, side in self.config.sizes:
            if side == self.built.size:
                continue
            try:
                self.model.pictures(torch.zeros(1, 3, side, side, device=self.device))
            except (AssertionError, RuntimeError, ValueError):
                raise FervlmError(
                    f"the model cannot look at pictures of {side} pixels",
                    hint=f"Its own size is {self.built.size}: leave sizes out.",
                ) from None

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
        epoch = self.step / self.steps_per_epoch
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
        scores = scores_by_source(measured, self.built.words, tuning, self.size_at(self.step - 1), self.built.levels)
        measured.load_state_dict(own)
        judged = [value for name, value in scores.items() if name.endswith("/UAR")]
        if judged and (mean := float(np.mean(judged))) > self.best:
            self.best, self.worse = mean, 0
            if self.config.patience:
                save_best(self.out, average)
        else:
            self.worse += 1
        logs.add("scores", {"step": self.step, "epoch": self.step / self.steps_per_epoch, **scores})
        self.say("validation: " + ", ".join(f"{name} {value:.4g}" for name, value in scores.items()))


def _silent(_text: str) -> None:
    """Ranks beside the first say nothing."""
