"""Supervised training from top to bottom: base, data, adapter, steps, measurements, a self-describing checkpoint."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from fervlm.errors import FervlmError
from fervlm.mllm.adapt import TOWERS, add_lora, keep_statistics, trainable
from fervlm.mllm.calibrate import LEAST, fit
from fervlm.mllm.collate import Collator
from fervlm.mllm.decide import Way, scores_of
from fervlm.mllm.guards import check_gradients, overfit
from fervlm.mllm.manifest import ScoreCalibration
from fervlm.mllm.measure import BATCH, measure, picture_of, spread
from fervlm.mllm.named import named_labels
from fervlm.mllm.nano import build_nano
from fervlm.mllm.opening import open_base, pixels_of, set_pixels
from fervlm.mllm.order import LikeLengths, Passes
from fervlm.mllm.publish import Notes, base_fingerprint, publish
from fervlm.mllm.run import first_process, run_training
from fervlm.mllm.settings import TalkConfig
from fervlm.mllm.talks import Talks, load_talks
from fervlm.mllm.tower import take_tower

Say = Callable[[str], None]
NANO = "nano"
CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a run needs, before its first step."""

    model: Any
    processor: Any
    talks: Talks
    held_out: Talks
    collator: Collator
    order: LikeLengths
    base: str
    base_digest: str


def train_talk(config: TalkConfig, out: Path, say: Say) -> Path:
    """Train, or go on with, a model; returns the folder of its checkpoint.

    Raises:
        FervlmError: the base or the data cannot be opened, or the folder holds another run.
    """
    torch.set_num_threads(config.threads)
    made = prepare(config, out, say)

    def look() -> dict[str, float]:
        return measure(
            made.model,
            made.processor,
            made.held_out,
            labels=config.label_set,
            faces=config.measured,
            captions=config.captioned,
            say=say,
        )

    check_gradients(made.model, made.collator([made.order.passes[0]]))
    done = run_training(
        made.model,
        made.order,
        made.collator,
        config,
        out,
        say,
        None if config.distributed else look,
        by_token=True,
        slower=(tower_parameters(made.model), config.tower_lr),
        gradient_checkpointing=config.gradient_checkpointing,
        **config.distributed,
    )
    if not done:
        raise FervlmError("the run was stopped before its end", file=out, hint="The same command goes on from there.")
    # Cut weights (FSDP) are put together by all processes; whole ones are written by the first alone.
    if not first_process() and not config.distributed:
        return out / CHECKPOINT
    return _published(made, config, out, look)


def check_overfit(config: TalkConfig, out: Path, say: Say) -> None:
    """Learn 32 samples by heart, without augmentation, and keep nothing.

    Raises:
        FervlmError: they cannot be learned; or as `train_talk`.
    """
    torch.set_num_threads(config.threads)
    still = config.model_copy(update={"talk": config.talk.model_copy(update={"augment": 0.0})})
    overfit(still, prepare(still, out, say), say)


def prepare(config: TalkConfig, out: Path, say: Say) -> Prepared:
    """Base, adapter, data and order of a run; nothing is trained yet."""
    talks, held_out = (load_talks(config.data, split) for split in ("train", "val"))
    say(f"{len(talks):,} faces to train on, {len(held_out):,} to measure on")
    base = config.base if config.base != NANO else str(_nano(config, talks, out, say))
    torch.manual_seed(config.seed)
    model, processor = open_base(base, config.revision, precision="fp32", four_bit=config.four_bit)
    set_pixels(processor, config.pixels)
    digest = base_fingerprint(model)
    if config.lora is not None:
        model = add_lora(model, config.lora, four_bit=config.four_bit)
    keep_statistics(model)
    model.set_attn_implementation(config.attention)
    _freeze_tower(model, config)
    say(f"{len(trainable(model)):,} of {sum(1 for _ in model.parameters()):,} tensors are trained")
    passes = Passes(len(talks), config.epochs, config.seed)
    collator = Collator(processor, talks, config.talk, len(passes), config.seed)
    order = LikeLengths(passes, lambda position, face: _length(collator, position, face), config.batch)
    return Prepared(model, processor, talks, held_out, collator, order, base, digest)


def nano_texts(talks: Talks, config: TalkConfig) -> Iterator[str]:
    """Questions and answers to learn a vocabulary from, spread over the faces."""
    draw = random.Random(config.seed)
    faces = draw.sample(range(len(talks)), min(len(talks), config.nano.texts // 6))
    collator = Collator(None, talks, config.talk, 1, config.seed)
    for face in faces:
        for _, question, answer in collator.turns(face, face):
            yield question
            yield answer


def _nano(config: TalkConfig, talks: Talks, out: Path, say: Say) -> Path:
    """The new small model that the run begins with; made once a run."""
    folder = out / "base"
    if (folder / "processor_config.json").is_file():
        return folder
    say("making the nano's vocabulary and first weights")
    made = out / "base.part"
    build_nano(config.nano, nano_texts(talks, config), made, config.seed)
    if config.tower is not None:
        model, _ = open_base(str(made))
        take_tower(model.model.vision_tower, config.tower)
        model.save_pretrained(made)
    made.replace(folder)
    return folder


def tower_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Of the picture tower, with what joins it to the language model."""
    named = model.named_parameters()
    return [p for name, p in named if any(part in TOWERS for part in name.split("."))]


def _freeze_tower(model: nn.Module, config: TalkConfig) -> None:
    if config.lora is None and config.tower_lr == 0:
        for parameter in tower_parameters(model):
            parameter.requires_grad_(False)


def _length(collator: Collator, position: int, face: int) -> int:
    return sum(len(question) + len(answer) for _, question, answer in collator.turns(position, face))


def _calibration(made: Prepared, config: TalkConfig) -> dict[str, ScoreCalibration]:
    """Fitted on validation faces that the measurements left out."""
    names = named_labels(config.label_set).labels
    chosen = spread(made.held_out, config.measured + config.calibrated, names)[config.measured :]
    if len(chosen) < LEAST:
        return {}
    made.model.eval()
    pictures = [picture_of(made.held_out, face) for face in chosen]
    truth = [str(made.held_out.labels[face]) for face in chosen]
    found: dict[str, ScoreCalibration] = {}
    ways: tuple[Way, ...] = ("direct", "reason_first")
    for way in ways:
        rows = [
            scores_of(made.model, made.processor, pictures[k : k + BATCH], names, way)
            for k in range(0, len(pictures), BATCH)
        ]
        found[way] = fit(torch.cat(rows), truth, names, f"half of {len(chosen)} validation faces")
    return {**found, "label_first": found["direct"]}


def told_settings(config: TalkConfig) -> dict[str, Any]:
    """For cards: without what only this machine knows, such as the folders that hold the data."""
    told = config.model_dump(mode="json", exclude={"threads", "cpu", "log_every", "save_every", "measure_every"})
    told["data"] = [path.name for path in config.data]
    told["tower"] = None if config.tower is None else config.tower.name
    told["base"] = base_name(config.base)
    return told


def base_name(base: str) -> str:
    """A hub id as it is, a folder by its last part."""
    return Path(base).name if Path(base).exists() else base


def _published(made: Prepared, config: TalkConfig, out: Path, look: Callable[[], dict[str, float]]) -> Path:
    notes = Notes(
        name=config.name,
        base=config.base,
        base_revision=config.revision,
        base_digest=made.base_digest,
        label_set=config.label_set,
        details=config.talk.details,
        pixels=pixels_of(made.processor),
        data_fingerprint=made.talks.fingerprint(),
        training=told_settings(config),
        metrics={} if config.distributed else look(),
        calibration={} if config.distributed else _calibration(made, config),
        lora=config.lora is not None,
    )
    return publish(made.model, made.processor, out / CHECKPOINT, notes, store=config.store)
