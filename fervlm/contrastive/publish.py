"""From a trained model to a checkpoint folder that plain open_clip, plain onnxruntime and this package load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor

import fervlm
import fervlm.torchvision_fix  # before open_clip
from fervlm import checkpoint as folders
from fervlm.checkpoint import (
    Checkpoint,
    LabelCalibration,
    Manifest,
    UnitOutput,
    UnknownRule,
    file_note,
    open_checkpoint,
)
from fervlm.contrastive.augment import Levels
from fervlm.contrastive.class_prompts import PROMPT_SETS
from fervlm.contrastive.model import GlobalLocal, HeadConfig
from fervlm.contrastive.onnx_export import export_graphs
from fervlm.contrastive.vocabulary import save_tokenizer
from fervlm.errors import FervlmError
from fervlm.prompts import prompt

_CHECKED = (
    folders.OPEN_CLIP_CONFIG,
    folders.TOWERS,
    folders.HEADS,
    folders.TOKENIZER,
    folders.TOKENIZER_CONFIG,
    folders.PICTURE_GRAPH,
    folders.TEXT_GRAPH,
)


class ModelNotes(BaseModel):
    """What is known of a model beside its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "fervlm-nano"
    version: str = "0"
    units: tuple[UnitOutput, ...] | None = Field(None, description="Null: thresholds of 0.5, nothing calibrated.")
    labels: LabelCalibration | None = Field(None, description="Null: the temperature of training.")
    unknown: UnknownRule | None = None
    data_fingerprint: str | None = None
    training: dict[str, JsonValue] = {}
    metrics: dict[str, JsonValue] = {}


def publish(
    model: GlobalLocal,
    tokenizer: Tokenizer | None,
    folder: Path,
    notes: ModelNotes | None = None,
    *,
    config: dict[str, Any],
    card: str,
    licence: str,
    levels: Levels | None = None,
    colour: bool = False,
    crop_side: int | None = None,
    graphs: bool = True,
) -> Checkpoint:
    """Write the whole folder and open it again.

    Args:
        model: its matrices are stored as fp16, vectors (norms and their statistics) as fp32.
        tokenizer: as trained with; None where open_clip brings the tokenizer of the model's build.
        folder: made where there is none; files of a former checkpoint are replaced.
        notes: calibration, settings and metrics.
        config: open_clip's `model_cfg` the towers were built from.
        card: the model card (README.md).
        licence: text of the weights' licence.
        levels: what picture levels are normalised by.
        colour: whether the model was trained on RGB instead of grey pictures.
        crop_side: side in pixels of the pictures as training stored them, before it made them as large as the model's.
        graphs: whether ONNX graphs are written; without them (and without a tokenizer) the folder needs torch.

    Raises:
        FervlmError: the notes do not fit the model, the folder cannot be written, or the model has no graphs.
    """
    notes = notes or ModelNotes()
    units = notes.units or tuple(UnitOutput(au=au) for au in model.config.units)
    if tuple(unit.au for unit in units) != model.config.units:
        raise FervlmError("the notes calibrate other action units than the model tells")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_weights(model, folder)
        shown = _write_open_clip_config(config, levels or Levels(), folder)
        if tokenizer is not None:
            save_tokenizer(tokenizer, folder, _context_length(config))
        (folder / folders.CARD).write_text(card, encoding="utf-8")
        (folder / folders.LICENCE).write_text(licence, encoding="utf-8")
        if graphs:
            export_graphs(model, folder, levels or Levels(), colour=colour)
        manifest = _manifest(model, notes, units, shown, folder, _context_length(config), colour, crop_side)
        text = manifest.model_dump_json(indent=1) + "\n"
        (folder / folders.MANIFEST).write_text(text, encoding="utf-8")
    except OSError as error:
        raise FervlmError(f"cannot be written ({error.strerror or error})", file=folder) from None
    return open_checkpoint(folder)


def load_published(folder: Path) -> tuple[GlobalLocal, Tokenizer | None, Manifest]:
    """The torch model of a checkpoint folder, computed in fp32 from the stored weights.

    Raises:
        FervlmError: as `open_checkpoint`; or the weights do not fit the configuration.
    """
    checkpoint = open_checkpoint(folder)
    manifest = checkpoint.manifest
    config = json.loads(checkpoint.path(folders.OPEN_CLIP_CONFIG).read_text(encoding="utf-8"))["model_cfg"]
    heads = HeadConfig(
        tuple(unit.au for unit in manifest.units), edge=manifest.edge, width=manifest.width, affect=manifest.affect
    )
    model = GlobalLocal(_towers(config), heads)
    tensors = {f"clip.{key}": value for key, value in load_file(checkpoint.path(folders.TOWERS)).items()}
    _fill(model, tensors | load_file(checkpoint.path(folders.HEADS)), folder)
    path = checkpoint.path(folders.TOKENIZER)
    tokenizer = Tokenizer.from_file(str(path)) if folders.TOKENIZER in manifest.files else None
    return model.eval(), tokenizer, manifest


def _towers(config: dict[str, Any]) -> torch.nn.Module:
    import open_clip

    settings = dict(config)
    custom = settings.pop("custom_text", False) or "hf_model_name" in settings["text_cfg"]
    towers: torch.nn.Module = (open_clip.model.CustomTextCLIP if custom else open_clip.model.CLIP)(**settings)
    return towers


def _fill(model: GlobalLocal, tensors: dict[str, Tensor], path: Path) -> None:
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip().rstrip(".")
        raise FervlmError(f"the weights do not fit the model ({reason})", file=path) from None


def _write_weights(model: GlobalLocal, folder: Path) -> None:
    """Towers under open_clip's own names, everything else under ours."""
    towers, heads = {}, {}
    for key, value in model.state_dict().items():
        if key.startswith("clip."):
            towers[key.removeprefix("clip.")] = _stored(value)
        elif not key.startswith("training_only."):
            heads[key] = _stored(value)
    for name, tensors in ((folders.TOWERS, towers), (folders.HEADS, heads)):
        save_file(tensors, folder / name, metadata={"format": "pt"})
        (folder / name).chmod(0o644)  # safetensors makes files that only their owner can read


def _stored(value: Tensor) -> Tensor:
    # Vectors are 1 % of the bytes, and a batch norm's variances may lie below what fp16 holds.
    half = value.is_floating_point() and value.dim() > 1
    return value.detach().cpu().to(torch.float16 if half else value.dtype).contiguous().clone()


def _context_length(config: dict[str, Any]) -> int:
    return int(config["text_cfg"].get("context_length", 77))  # open_clip's default


def _write_open_clip_config(config: dict[str, Any], levels: Levels, folder: Path) -> dict[str, Any]:
    """Returns the `preprocess_cfg`."""
    shown = {
        "size": config["vision_cfg"].get("image_size", 224),
        "mode": "RGB",
        "mean": list(levels.mean),
        "std": list(levels.std),
        "interpolation": "bilinear",
        "resize_mode": "squash",
    }
    text = json.dumps({"model_cfg": config, "preprocess_cfg": shown}, indent=2) + "\n"
    (folder / folders.OPEN_CLIP_CONFIG).write_text(text, encoding="utf-8")
    return shown


@torch.no_grad()
def _manifest(
    model: GlobalLocal,
    notes: ModelNotes,
    units: tuple[UnitOutput, ...],
    shown: dict[str, Any],
    folder: Path,
    context_length: int,
    colour: bool,
    crop_side: int | None,
) -> Manifest:
    out = model.eval().pictures(torch.zeros(1, 3, shown["size"], shown["size"]))
    scale = float(model.clip.logit_scale.exp())  # type: ignore[operator]
    present = [name for name in _CHECKED if (folder / name).is_file()]
    return Manifest(
        name=notes.name,
        version=notes.version,
        image_size=shown["size"],
        crop_side=crop_side,
        colour=colour,
        mean=tuple(shown["mean"]),
        std=tuple(shown["std"]),
        grid=round(out.patches.shape[1] ** 0.5),
        embed_dim=out.embedding.shape[1],
        context_length=context_length,
        units=units,
        edge=model.config.edge,
        width=model.config.width,
        affect=model.config.affect,
        labels=notes.labels or LabelCalibration(temperature=1 / scale),
        unknown=notes.unknown,
        prompts={name: prompt(f"zero_shot_{name}").digest for name in PROMPT_SETS},
        data_fingerprint=notes.data_fingerprint,
        training={"engine": f"fervlm {fervlm.__version__}", **notes.training},
        metrics=notes.metrics,
        files={name: file_note(folder / name) for name in present},
    )
