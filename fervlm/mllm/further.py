"""Beyond supervised training, by TRL: GRPO with the verifier as reward, DPO with true and falsified captions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

import fervlm.torchvision_fix  # noqa: F401 - before transformers
from fervlm.errors import FervlmError
from fervlm.mllm.adapt import add_lora, trainable
from fervlm.mllm.ask import caption_question
from fervlm.mllm.compare import change, rewards_of, tell
from fervlm.mllm.loaded import Loaded, load_checkpoint
from fervlm.mllm.logs import CsvLog
from fervlm.mllm.named import named_labels
from fervlm.mllm.order import Passes
from fervlm.mllm.pairs import Pair, caption_pairs
from fervlm.mllm.publish import Notes, base_fingerprint, publish
from fervlm.mllm.reward import parts_of, total
from fervlm.mllm.run import Watch, arguments, claim, last_whole_checkpoint, step_of
from fervlm.mllm.settings import DpoConfig, GrpoConfig
from fervlm.mllm.state import SafeState
from fervlm.mllm.talks import Talks, load_talks
from fervlm.reasoning.verify import Judge

Say = Callable[[str], None]


def train_further(config: GrpoConfig | DpoConfig, out: Path, say: Say) -> Path:
    """Go on training a checkpoint; returns the folder of the new one.

    Its manifest holds the rewards on validation faces before and after, with intervals; no effect is told as none.

    Raises:
        FervlmError: the checkpoint or the data cannot be opened, or the folder holds another run.
    """
    torch.set_num_threads(config.threads)
    out.mkdir(parents=True, exist_ok=True)
    claim(out, config)
    talks, held_out = (load_talks(config.data, split) for split in ("train", "val"))
    loaded = load_checkpoint(config.start, base=config.base)
    model = _trainable(loaded, config)
    say(f"{len(trainable(model)):,} tensors are trained, {len(talks):,} faces")

    def look() -> list[dict[str, float]]:
        return rewards_of(
            model,
            loaded.processor,
            held_out,
            labels=config.label_set,
            weights=config.rewards,
            faces=config.compared,
            most=config.most,
        )

    from transformers import PrinterCallback

    before = look()
    trainer = (
        _grpo(config, loaded, model, talks, out)
        if isinstance(config, GrpoConfig)
        else _dpo(config, loaded, model, talks, out)
    )
    last = last_whole_checkpoint(out)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Watch(CsvLog(out, 0 if last is None else step_of(last)), say))
    trainer.train(resume_from_checkpoint=None if last is None else str(last))
    found = change(before, look(), config.seed)
    tell(found, say)
    return _published(config, loaded, model, talks, found, out)


def _trainable(loaded: Loaded, config: GrpoConfig | DpoConfig) -> Any:
    """An adapter goes on, whole weights get a new one where `lora` asks for it, else everything is trained."""
    model = loaded.model
    if loaded.manifest.adapter:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_("lora_" in name)
    elif config.lora is not None:
        model = add_lora(model, config.lora)
    return model.train()


def _grpo(config: GrpoConfig, loaded: Loaded, model: Any, talks: Talks, out: Path) -> Any:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer  # type: ignore[attr-defined]

    passes = Passes(len(talks), config.epochs, config.seed)
    labels, judge = named_labels(config.label_set), Judge(4096)

    def rows() -> Iterator[dict[str, Any]]:
        for place in range(len(passes)):
            _, face = passes[place]
            prompt = [{"role": "user", "content": caption_question()}]
            yield {"prompt": prompt, "image": {"bytes": talks.picture(face), "path": None}, "face": face}

    def verified(completions: list[Any], face: list[int], **_: Any) -> list[float | None]:
        texts = [told[0]["content"] for told in completions]
        return [
            total(parts_of(text, talks.evidence(k), talks.labels[k], labels, judge), config.rewards)
            for text, k in zip(texts, face, strict=True)
        ]

    if config.batch % config.samples:
        raise FervlmError("a batch must hold all samples of a face", hint="Choose batch as a multiple of samples.")
    given = _arguments(config, out)
    args = GRPOConfig(
        **given,
        num_generations=config.samples,
        max_completion_length=config.most,
        temperature=config.temperature,
        beta=config.beta,
        shuffle_dataset=False,
    )
    return _kept_safe(GRPOTrainer)(
        model,
        verified,
        args,
        train_dataset=_pictured(Dataset.from_list(list(rows()))),
        processing_class=loaded.processor,
    )


def _dpo(config: DpoConfig, loaded: Loaded, model: Any, talks: Talks, out: Path) -> Any:
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer  # type: ignore[attr-defined]

    pairs = caption_pairs(talks, config.seed, details=loaded.manifest.answer_form == "full")
    passes = Passes(len(pairs), config.epochs, config.seed)
    rows = [_pair_row(pairs[passes[place][1]], talks) for place in range(len(passes))]
    args = DPOConfig(**_arguments(config, out), beta=config.beta or 0.05, max_length=None)
    return _kept_safe(DPOTrainer)(
        model, None, args, train_dataset=_pictured(Dataset.from_list(rows)), processing_class=loaded.processor
    )


def _kept_safe(trainer: type[Any]) -> type[Any]:
    """The library's trainer, with checkpoints that hold no pickles."""
    return type(trainer.__name__, (SafeState, trainer), {})


def _pair_row(pair: Pair, talks: Talks) -> dict[str, Any]:
    return {
        "images": [{"bytes": talks.picture(pair.face), "path": None}],
        "prompt": [{"role": "user", "content": caption_question()}],
        "chosen": [{"role": "assistant", "content": pair.chosen}],
        "rejected": [{"role": "assistant", "content": pair.rejected}],
    }


def _pictured(rows: Any) -> Any:
    """The data set with its pictures as pictures, decoded when they are used."""
    from datasets import Image, List

    if "image" in rows.column_names:
        return rows.cast_column("image", Image(mode="RGB"))
    return rows.cast_column("images", List(Image(mode="RGB")))


def _arguments(config: GrpoConfig | DpoConfig, out: Path) -> dict[str, Any]:
    """The library's settings shared by both, as ours are."""
    plain = arguments(config, out)
    names = (
        "output_dir",
        "num_train_epochs",
        "per_device_train_batch_size",
        "gradient_accumulation_steps",
        "learning_rate",
        "warmup_steps",
        "lr_scheduler_type",
        "weight_decay",
        "max_grad_norm",
        "bf16",
        "use_cpu",
        "seed",
        "logging_steps",
        "save_steps",
        "save_total_limit",
        "save_strategy",
        "report_to",
        "disable_tqdm",
        "remove_unused_columns",
        "dataloader_num_workers",
        "dataloader_pin_memory",
    )
    return {name: getattr(plain, name) for name in names} | {"gradient_checkpointing": False}


def _published(
    config: GrpoConfig | DpoConfig, loaded: Loaded, model: Any, talks: Talks, found: dict[str, list[float]], out: Path
) -> Path:
    manifest = loaded.manifest
    fresh = not manifest.adapter and config.lora is not None
    told = config.model_dump(mode="json", exclude={"threads", "cpu", "log_every", "save_every", "measure_every"})
    told |= {"data": [path.name for path in config.data], "start": config.start.name, "base": None}
    notes = Notes(
        name=config.name,
        base=manifest.name if fresh else manifest.base,
        base_revision=None if fresh else manifest.base_revision,
        base_digest=manifest.base_digest if manifest.adapter else base_fingerprint(loaded.model),
        label_set=manifest.label_set,
        details=manifest.answer_form == "full",
        pixels=manifest.pixels,
        data_fingerprint=talks.fingerprint(),
        training=told,
        metrics={"rewards [before, after, difference, lower, upper]": found},
        lora=manifest.adapter or fresh,
    )
    return publish(model, loaded.processor, out / "checkpoint", notes, store=config.store)
