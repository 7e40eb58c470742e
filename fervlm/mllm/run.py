"""A page of wiring over transformers' Trainer: order, logs, resuming after any kill."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name

import fervlm.torchvision_fix  # noqa: F401 - before transformers

# isort: split
from torch import Tensor, nn
from torch.utils.data import Dataset, Sampler, SequentialSampler
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from fervlm.errors import FervlmError
from fervlm.mllm.logs import CsvLog
from fervlm.mllm.settings import RunSettings
from fervlm.mllm.state import SafeState

Say = Callable[[str], None]
Row = tuple[int, int]
Collate = Callable[[list[Row]], dict[str, Tensor]]
Measure = Callable[[], dict[str, float]]
RUN = "run.json"
IGNORED = -100
"""Tokens that no loss is taken on, as transformers has it."""
_STATE = "trainer_state.json"
_TOLD = 100
"""Steps between two lines on the screen."""


class InOrder(SafeState, Trainer):
    """Takes the data in the order given: it is shuffled already, so that a position tells all.

    Args:
        slower: parameters whose learning rate is `share` of the others'.
        share: see there.
        by_token: the loss is `token_loss`: many models take the mean of each part, which weighs parts and processes
            with few tokens too much.
    """

    def __init__(
        self,
        *,
        slower: Sequence[nn.Parameter] = (),
        share: float = 1.0,
        by_token: bool = False,
        **of_the_trainer: Any,
    ) -> None:
        # The library counts the tokens of a step where it is given a function for the loss.
        super().__init__(compute_loss_func=_never if by_token else None, **of_the_trainer)
        self._slower, self._share = {id(parameter) for parameter in slower}, share
        self._by_token = by_token

    def _get_train_sampler(self, train_dataset: Dataset[Row] | None = None) -> Sampler[int] | None:
        order: Any = train_dataset or self.train_dataset
        return SequentialSampler(order)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """The library's, with the slower parameters in groups of their own."""
        fresh = self.optimizer is None
        optimizer = super().create_optimizer(model)
        if fresh and self._slower and self._share != 1.0:
            for group in list(optimizer.param_groups):
                slow = [p for p in group["params"] if id(p) in self._slower]
                if slow:
                    group["params"] = [p for p in group["params"] if id(p) not in self._slower]
                    optimizer.add_param_group({**group, "params": slow, "lr": group["lr"] * self._share})
        return optimizer

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The library's loss, or `token_loss` over all parts and processes of the step."""
        if not self._by_token:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        plain = {name: value for name, value in inputs.items() if name not in {"weights", "labels"}}
        outputs = model(**plain)
        loss = token_loss(outputs.logits, inputs["labels"], inputs.get("weights"), num_items_in_batch)
        if num_items_in_batch is not None:
            loss = loss * self.accelerator.num_processes  # gradients are averaged over processes, the count is of all
        return (loss, outputs) if return_outputs else loss


def token_loss(
    logits: Tensor, labels: Tensor, weights: Tensor | None = None, count: Tensor | int | None = None
) -> Tensor:
    """Sum of the weighted cross entropies of the spoken tokens over their number.

    Args:
        logits: float [B, T, V].
        labels: int64 [B, T]; -100 where nobody speaks.
        weights: float [B, T], 1 everywhere by default.
        count: spoken tokens of the whole step, over all its parts and processes; by default those of this batch.
    """
    labels = labels[:, 1:]
    spoken = labels != IGNORED
    each = F.cross_entropy(logits[:, :-1][spoken].float(), labels[spoken], reduction="none")
    if weights is not None:
        each = each * weights[:, 1:][spoken]
    return each.sum() / (spoken.sum() if count is None else count)


def _never(*_: Any, **__: Any) -> Tensor:
    raise AssertionError("InOrder computes the loss")


class Watch(TrainerCallback):
    """Numbers to CSV, now and then a line to the user, a measurement where one is due, an orderly stop."""

    def __init__(self, log: CsvLog, say: Say, measure: Measure | None = None, every: int = 0) -> None:
        self.log, self.say, self.measure, self.every = log, say, measure, every
        self.asked_to_stop = False

    def on_log(
        self,
        args: Any,
        state: TrainerState,
        control: TrainerControl,
        logs: Any = None,
        **_: Any,
    ) -> None:
        """Keep the numbers; now and then tell them."""
        numbers = {k: float(v) for k, v in (logs or {}).items() if isinstance(v, int | float)}
        if state.is_world_process_zero and "loss" in numbers:
            self.log.add("steps", {"step": state.global_step, **numbers})
            if state.global_step % _TOLD < args.logging_steps:
                self.say(f"step {state.global_step:,} of {state.max_steps:,}: loss {numbers['loss']:.3f}")

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> TrainerControl:
        """Measure where it is due; stop where that was asked for."""
        due = (self.every and state.global_step % self.every == 0) or state.global_step >= state.max_steps
        if self.measure is not None and due and state.is_world_process_zero:
            found = self.measure()
            self.log.add("scores", {"step": state.global_step, **found})
            self.say(", ".join(f"{name} {value:.3f}" for name, value in found.items()))
        if self.asked_to_stop:
            control.should_save = control.should_training_stop = True
        return control


def run_training(
    model: nn.Module,
    order: Dataset[Row],
    collate: Collate,
    config: RunSettings,
    out: Path,
    say: Say,
    measure: Measure | None = None,
    *,
    slower: tuple[Sequence[nn.Parameter], float] = ((), 1.0),
    by_token: bool = False,
    **more: Any,
) -> bool:
    """Run, or go on with, a training in `out`; returns whether it reached its end.

    Raises:
        FervlmError: the folder holds a run with other settings.
    """
    out.mkdir(parents=True, exist_ok=True)
    claim(out, config)
    last = last_whole_checkpoint(out)
    done = 0 if last is None else step_of(last)
    if done:
        say(f"going on from step {done:,}")
    watch = Watch(CsvLog(out, done), say, measure, config.measure_every)
    trainer = InOrder(
        model=model,
        args=arguments(config, out, **more),
        train_dataset=order,
        data_collator=collate,
        callbacks=[watch],
        slower=slower[0],
        share=slower[1],
        by_token=by_token,
    )
    trainer.remove_callback(PrinterCallback)
    before = signal.getsignal(signal.SIGTERM)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        watch.asked_to_stop = True

    signal.signal(signal.SIGTERM, stop)
    try:
        trainer.train(resume_from_checkpoint=None if last is None else str(last))
    finally:
        signal.signal(signal.SIGTERM, before)
    return trainer.state.global_step >= trainer.state.max_steps


def arguments(config: RunSettings, out: Path, **more: Any) -> TrainingArguments:
    """The library's settings for ours."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    each, rest = divmod(config.batch, world * config.parts)
    if rest or not each:
        raise FervlmError(
            f"a batch of {config.batch} cannot be shared by {world} processes and {config.parts} parts",
            hint="Choose a multiple of their product.",
        )
    return TrainingArguments(
        output_dir=str(out),
        num_train_epochs=1,  # the passes are in the order already
        per_device_train_batch_size=each,
        gradient_accumulation_steps=config.parts,
        learning_rate=config.lr,
        warmup_steps=config.warmup,
        lr_scheduler_type=config.schedule,
        weight_decay=config.weight_decay,
        max_grad_norm=config.clip_norm,
        bf16=config.precision == "bf16",
        use_cpu=config.cpu,
        seed=config.seed,
        logging_steps=config.log_every,
        save_steps=config.save_every,
        save_total_limit=2,
        save_strategy="steps",
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        log_level="error",
        **more,
    )


def first_process() -> bool:
    """Whether this is the process that measures and publishes; torchrun numbers them."""
    return os.environ.get("RANK", "0") == "0"


def last_whole_checkpoint(out: Path) -> Path | None:
    """The newest `checkpoint-N` that was written to its end; newer ones that a kill cut are removed.

    The Trainer writes its own state last, so a checkpoint with a readable one is whole.
    """
    while (found := get_last_checkpoint(str(out))) is not None:  # type: ignore[no-untyped-call]
        path = Path(found)
        if _whole(path):
            return path
        shutil.rmtree(path)
    return None


def _whole(path: Path) -> bool:
    try:
        json.loads((path / _STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def step_of(checkpoint: Path) -> int:
    """Of a checkpoint-N folder."""
    return int(checkpoint.name.rpartition("-")[2])


def claim(out: Path, config: RunSettings) -> None:
    """One folder, one run.

    Raises:
        FervlmError: the folder holds a run with other settings.
    """
    path = out / RUN
    note = {"fingerprint": config.fingerprint(), "settings": json.loads(config.model_dump_json())}
    if path.is_file():
        held = json.loads(path.read_text(encoding="utf-8"))
        if held.get("fingerprint") != note["fingerprint"]:
            raise FervlmError("the folder holds a run with other settings", file=out, hint="Start anew: --restart.")
    part = path.with_suffix(".part")
    part.write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
