"""Writes a checkpoint that describes itself: weights or adapter, processor, manifest, card, terms."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

import fervlm
from fervlm.checkpoint import CARD, LICENCE, MANIFEST, PICKLES, file_note
from fervlm.mllm.ask import digests
from fervlm.mllm.card import terms, write_card
from fervlm.mllm.generate import context_of
from fervlm.mllm.manifest import MllmManifest, ScoreCalibration
from fervlm.mllm.named import named_labels

_SAMPLED = 16
_FREE = frozenset({MANIFEST, CARD, LICENCE})
"""Not checked: the manifest itself, and texts that a user may write anew."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What the manifest says that the model itself does not."""

    name: str
    base: str
    base_revision: str | None
    base_digest: str
    label_set: str
    details: bool
    pixels: dict[str, int]
    data_fingerprint: str | None = None
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    calibration: dict[str, ScoreCalibration] = field(default_factory=dict)
    lora: bool = False


def publish(
    model: Any,
    processor: Any,
    folder: Path,
    notes: Notes,
    *,
    store: Literal["fp32", "bf16"] = "bf16",
) -> Path:
    """Write the folder anew; returns it.

    Args:
        model: a transformers model, or a peft model where `notes.lora`.
        processor: saved beside it, with its pixel budget and chat template.
        folder: emptied first.
        notes: for the manifest.
        store: of the weights in the file.
    """
    notes = _told_from(folder, notes)
    made = folder.with_name(folder.name + ".part")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    dtype = torch.bfloat16 if store == "bf16" else torch.float32
    tensors = _stored(_state(model, notes.lora), dtype)
    if notes.lora:
        model.save_pretrained(made, state_dict=tensors)
        _name_base(made / "adapter_config.json", notes.base)
    else:
        before = model.config.dtype
        model.config.dtype = dtype
        model.save_pretrained(made, state_dict=tensors)
        model.config.dtype = before
    processor.save_pretrained(made)
    (made / CARD).write_text(write_card(notes), encoding="utf-8")
    (made / LICENCE).write_text(terms(notes), encoding="utf-8")
    manifest = _manifest(model, made, notes)
    (made / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    for path in made.iterdir():
        path.chmod(0o644)  # safetensors makes files that only their owner can read
    shutil.rmtree(folder, ignore_errors=True)
    made.replace(folder)
    return folder


def _told_from(folder: Path, notes: Notes) -> Notes:
    """An adapter's base that is a folder is named by the way to it: they can move together, and no machine is told."""
    if not notes.lora or not Path(notes.base).is_dir():
        return notes
    return replace(notes, base=os.path.relpath(Path(notes.base).resolve(), folder.resolve()))


def _name_base(config: Path, base: str) -> None:
    told = json.loads(config.read_text(encoding="utf-8")) | {"base_model_name_or_path": base}
    config.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def base_fingerprint(model: nn.Module) -> str:
    """16 hex digits over names, shapes and a few values of every weight, as bf16: equal however they are stored.

    Adapters are left out, so that a model tells the same with and without one.
    """
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        if "lora_" in name or not value.is_floating_point():
            continue
        plain = name.removeprefix("base_model.model.").replace(".base_layer", "")
        flat = value.detach().reshape(-1)
        step = max(1, len(flat) // _SAMPLED)
        few = flat[::step][:_SAMPLED].to("cpu", torch.bfloat16).view(torch.int16)
        digest.update(f"{plain} {tuple(value.shape)}".encode())
        digest.update(few.numpy().tobytes())
    return digest.hexdigest()[:16]


def _state(model: Any, lora: bool) -> dict[str, torch.Tensor]:
    if not lora:
        found: dict[str, torch.Tensor] = model.state_dict()
        return found
    return {name: value for name, value in model.state_dict().items() if "lora_" in name}


def _stored(state: dict[str, torch.Tensor], dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """In another precision; weights that two layers share stay one, so that they are written once."""
    made: dict[tuple[int, torch.Size], torch.Tensor] = {}
    found = {}
    for name, value in state.items():
        key = (value.data_ptr(), value.shape)
        if key not in made:
            made[key] = value.detach().to(dtype) if value.is_floating_point() else value
        found[name] = made[key]
    return found


def _manifest(model: Any, folder: Path, notes: Notes) -> MllmManifest:
    checked = [p for p in sorted(folder.iterdir()) if p.name not in _FREE and p.is_file() and p.suffix not in PICKLES]
    return MllmManifest(
        name=notes.name,
        adapter=notes.lora,
        base=notes.base,
        base_revision=notes.base_revision,
        base_digest=notes.base_digest,
        label_set=notes.label_set,
        labels=named_labels(notes.label_set).labels,
        answer_form="full" if notes.details else "short",
        prompts=digests(),
        pixels=notes.pixels,
        crop_side=_side(notes.pixels),
        context=context_of(model),
        calibration=notes.calibration,
        data_fingerprint=notes.data_fingerprint,
        training={"engine": f"fervlm {fervlm.__version__}", **notes.training},
        metrics=notes.metrics,
        files={p.name: file_note(p) for p in checked},
    )


def _side(pixels: dict[str, int]) -> int:
    """Side of a face that fills the budget."""
    if "height" in pixels:
        return pixels["height"]
    most = pixels.get("longest_edge", 448 * 448)
    return round(most**0.5) if most > 4096 else most
