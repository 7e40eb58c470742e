"""Training from top to bottom: data, model, steps, measurements, checkpoint. Resumes at the step where it was cut."""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from fervlm.contrastive.augment import Strength, augment
from fervlm.contrastive.build import build_model, training_texts
from fervlm.contrastive.faces import Faces, load_faces
from fervlm.contrastive.measure import scores_by_source
from fervlm.contrastive.model import GlobalLocal
from fervlm.contrastive.objective import Batch, label_loss, mixed, unit_loss
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.contrastive.state import load_state, save_state
from fervlm.contrastive.vocabulary import build_tokenizer
from fervlm.errors import FervlmError
from fervlm.facs.labels import BASIC8
from fervlm.facs.units import movement_units

Say = Callable[[str], None]


def train(config: ContrastiveConfig, out: Path, say: Say = print) -> GlobalLocal:
    """Run or go on with a run in `out`; returns the averaged model.

    Raises:
        FervlmError: the data cannot be read, the folder holds another run, or the loss is no number.
    """
    torch.set_num_threads(config.threads)
    out.mkdir(parents=True, exist_ok=True)
    faces = load_faces(config.data, "train")
    held_out = load_faces(config.data, "val")
    say(f"{len(faces):,} faces to train on, {len(held_out):,} to measure on")
    tokenizer = build_tokenizer(training_texts(faces))
    tokenizer.save(str(out / "tokenizer.json"))
    torch.manual_seed(config.seed)
    model = build_model(config, faces, tokenizer).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    run = _Run(config, out, model, faces, tokenizer, say)
    run.resume()
    run.go(held_out)
    run.use_average()
    return model


class _Run:
    """One run: the model, its running average, and where it stands."""

    def __init__(
        self, config: ContrastiveConfig, out: Path, model: GlobalLocal, faces: Faces, tokenizer: Tokenizer, say: Say
    ) -> None:
        self.config, self.out, self.model, self.faces = config, out, model, faces
        self.tokenizer, self.say = tokenizer, say
        self.steps_per_epoch = len(faces) // config.batch
        if self.steps_per_epoch == 0:
            raise FervlmError(f"{len(faces)} faces do not fill one batch of {config.batch}", hint="Lower batch.")
        self.steps = round(config.epochs * self.steps_per_epoch)
        self.optimizer = _optimizer(model, config)
        self.average = {n: t.detach().clone() for n, t in model.state_dict().items() if t.is_floating_point()}
        self.step = 0
        self.stopped = False
        self.targets = _Targets(faces, model, config)

    # ---- state

    def resume(self) -> None:
        """Go on where a run with the same settings was cut."""
        note = load_state(self.out, self.model, self.average, self.optimizer)
        if note is None:
            return
        if note["fingerprint"] != self.config.fingerprint():
            raise FervlmError("the folder holds a run with other settings", file=self.out, hint="Give another --out.")
        self.step = note["step"]
        self.say(f"going on at step {self.step:,} of {self.steps:,}")

    def save(self) -> None:
        note = {"step": self.step, "fingerprint": self.config.fingerprint(), "config": self.config.model_dump_json()}
        save_state(self.out, self.model, self.average, self.optimizer, note)

    def use_average(self) -> None:
        """Put the running average into the model."""
        self.model.load_state_dict({**self.model.state_dict(), **self.average})

    # ---- steps

    def go(self, held_out: Faces) -> None:
        """Steps until the end or until the process is asked to stop (the state is saved then)."""
        previous = signal.signal(signal.SIGTERM, self._stop)
        measure_every = max(1, round(self.config.measure_every * self.steps_per_epoch))
        began, first, kept = time.monotonic(), self.step, []
        try:
            while self.step < self.steps and not self.stopped:
                values = self.one_step()
                kept.append(values)
                self.step += 1
                if self.step % 50 == 0 or self.step == self.steps:
                    self._log(kept, (self.step - first) * self.config.batch / (time.monotonic() - began))
                    kept = []
                if self.step % self.config.save_every == 0:
                    self.save()
                if self.step % measure_every == 0 or self.step == self.steps:
                    self._measure(held_out)
        finally:
            signal.signal(signal.SIGTERM, previous)
        self.save()

    def one_step(self) -> dict[str, float]:
        """One update; everything random comes from the seed and the step's number."""
        config, step = self.config, self.step
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        torch.manual_seed(config.seed * 1_000_003 + step)
        batch = self._batch(step, generator)
        for group in self.optimizer.param_groups:
            group["lr"] = config.lr * _schedule(step / self.steps, config.warmup)
        self.model.train()
        out = self.model.pictures(batch.x)
        losses: dict[str, Tensor] = {}
        if config.weights.label:
            losses["label"] = label_loss(self.model, out, batch, self.tokenizer, generator)
        if config.weights.units:
            losses["units"] = unit_loss(out, batch)
        total = torch.stack([getattr(config.weights, name) * value for name, value in losses.items()]).sum()
        if not torch.isfinite(total):
            raise FervlmError(
                f"the loss is no number at step {step} ({', '.join(f'{n} {v.item():g}' for n, v in losses.items())})",
                file=self.out,
                hint="The last good state is kept; lower lr and start the command again.",
            )
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip_norm)
        self.optimizer.step()
        self._after(step)
        return {name: value.item() for name, value in losses.items()} | {"total": total.item()}

    def _after(self, step: int) -> None:
        scale: Any = self.model.clip.logit_scale
        with torch.no_grad():
            scale.clamp_(max=math.log(100))
            decay = min(self.config.ema, (1 + step) / (10 + step))
            for name, value in self.model.state_dict().items():
                if name in self.average:
                    self.average[name].lerp_(value, 1 - decay)

    def _batch(self, step: int, generator: torch.Generator) -> Batch:
        config = self.config
        epoch, place = divmod(step, self.steps_per_epoch)
        order = torch.randperm(len(self.faces), generator=torch.Generator().manual_seed(config.seed * 7919 + epoch))
        chosen = order[place * config.batch : (place + 1) * config.batch]
        done = step / self.steps
        size = next((side for until, side in config.sizes if done < until), config.sizes[-1][1])
        pictures = torch.from_numpy(self.faces.pictures[chosen.numpy()])
        batch = self.targets.batch(augment(pictures, size, Strength(), generator, flip=config.flip), chosen)
        if config.mixup and torch.rand(1, generator=generator) < 0.5:
            draw = np.random.default_rng(config.seed * 1_000_003 + step).beta(config.mixup, config.mixup)
            batch = mixed(batch, max(draw, 1 - draw), torch.randperm(len(chosen), generator=generator))
        return batch

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopped = True

    # ---- what is told

    def _log(self, kept: list[dict[str, float]], rate: float) -> None:
        means = {name: float(np.mean([k[name] for k in kept])) for name in kept[0]}
        row = {"step": self.step, "epoch": round(self.step / self.steps_per_epoch, 3), **means, "pictures_per_s": rate}
        with (self.out / "steps.jsonl").open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(row) + "\n")
        told = ", ".join(f"{name} {value:.3f}" for name, value in means.items())
        self.say(f"epoch {row['epoch']:.2f} of {self.config.epochs:g}: {told}; {rate:.0f} pictures/s")

    def _measure(self, held_out: Faces) -> None:
        own = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.use_average()
        scores = scores_by_source(self.model, self.tokenizer, held_out, self.config.sizes[-1][1])
        self.model.load_state_dict(own)
        with (self.out / "scores.jsonl").open("a", encoding="utf-8") as handle:
            handle.write(json.dumps({"step": self.step, "epoch": self.step / self.steps_per_epoch, **scores}) + "\n")
        self.say("validation: " + ", ".join(f"{name} {value:.4g}" for name, value in scores.items()))


class _Targets:
    """What is to be learned of each face."""

    def __init__(self, faces: Faces, model: GlobalLocal, config: ContrastiveConfig) -> None:
        order = {au: i for i, au in enumerate(movement_units())}
        units = torch.from_numpy(faces.units[:, [order[au] for au in model.config.units]])
        self.units, self.measured = (units == 1).float(), (units >= 0).float()
        known = faces.labels >= 0
        counts = np.bincount(faces.labels[known], minlength=len(BASIC8)).clip(min=1)
        weights = np.where(known, (counts.sum() / counts[faces.labels]) ** config.balance, 0.0)
        self.weights = torch.from_numpy(weights / weights[known].mean()).float().clamp(max=5)
        hot = torch.zeros(len(faces), len(BASIC8))
        at = np.flatnonzero(known)
        hot[at, torch.from_numpy(faces.labels[at])] = 1.0
        seen = torch.from_numpy(counts > 50).float()
        self.labels = hot * (1 - config.smoothing) + hot.sum(1, keepdim=True) * config.smoothing * seen / seen.sum()

    def batch(self, x: Tensor, chosen: Tensor) -> Batch:
        return Batch(x, self.labels[chosen], self.weights[chosen], self.units[chosen], self.measured[chosen])


def _schedule(done: float, warmup: float) -> float:
    if done < warmup:
        return (done + 1e-6) / warmup
    return 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))


def _optimizer(model: GlobalLocal, config: ContrastiveConfig) -> torch.optim.Optimizer:
    """AdamW; what has one dimension or none (norms, biases, temperatures) does not decay."""
    groups: list[dict[str, Any]] = [
        {"params": [], "order": [], "weight_decay": config.weight_decay},
        {"params": [], "order": [], "weight_decay": 0.0},
    ]
    trained = [p for _, p in model.named_parameters() if p.requires_grad]
    for place, parameter in enumerate(trained):
        group = groups[0 if parameter.dim() > 1 else 1]
        group["params"].append(parameter)
        group["order"].append(place)
    return torch.optim.AdamW(groups, lr=config.lr, betas=(0.9, 0.99), fused=True)
