"""The model a run begins with: nano from scratch, an open_clip name with its weights, or a checkpoint folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file
from tokenizers import Tokenizer

import fervlm.torchvision_fix  # noqa: F401 - before open_clip
from fervlm.contrastive.augment import Levels
from fervlm.contrastive.class_prompts import class_texts, words_of
from fervlm.contrastive.faces import Faces
from fervlm.contrastive.lora import add_lora
from fervlm.contrastive.model import GlobalLocal, HeadConfig
from fervlm.contrastive.nano import CONTEXT_LENGTH, IMAGE_SIZE, nano_config
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.contrastive.vocabulary import build_tokenizer
from fervlm.contrastive.words import OpenClipWords, OwnWords, Words
from fervlm.errors import FervlmError
from fervlm.facs.labels import BASIC8
from fervlm.facs.units import action_unit, movement_units

STATE = "state.safetensors"


@dataclass(frozen=True, slots=True)
class Built:
    """A model and what goes with it."""

    model: GlobalLocal
    words: Words
    tokenizer: Tokenizer | None
    """The model's own; None for open_clip's."""
    model_cfg: dict[str, Any]
    """open_clip's description of the towers."""
    levels: Levels
    size: int
    """Side of the pictures it is made for."""
    colour: bool


def picture_side(config: ContrastiveConfig) -> tuple[int, bool]:
    """(side at which pictures are kept, whether in colour): grey and 64 for nano, the tower's own otherwise."""
    if config.model == "nano":
        return 64, False
    cfg = _open_clip_cfg(config)
    side = cfg["vision_cfg"].get("image_size", 224)
    return int(side[0] if isinstance(side, list | tuple) else side), True


def build(config: ContrastiveConfig, faces: Faces) -> Built:
    """The model with heads for the AUs that the faces' detector measures often enough to be learned.

    Raises:
        FervlmError: there is no such model, or weights are missing or of another shape.
    """
    built = _nano(config, faces) if config.model == "nano" else _open_clip(config, faces)
    if config.init is not None:
        _take(built.model, config.init, config.init_parts)
    if config.lora is not None:
        add_lora(built.model.clip, config.lora)
    return built


def _nano(config: ContrastiveConfig, faces: Faces) -> Built:
    import open_clip

    tokenizer = build_tokenizer(training_texts(faces))
    size = config.sizes[-1][1] if config.sizes else IMAGE_SIZE
    cfg = nano_config(tokenizer.get_vocab_size(), size)
    clip = open_clip.model.CLIP(**cfg)
    model = GlobalLocal(clip, _heads(config, faces))
    return Built(model, OwnWords(tokenizer, CONTEXT_LENGTH), tokenizer, cfg, Levels(), size, colour=False)


def _open_clip(config: ContrastiveConfig, faces: Faces) -> Built:
    import open_clip

    folder = Path(config.model)
    name = f"local-dir:{folder}" if folder.is_dir() else config.model
    cfg = _open_clip_cfg(config)
    options: dict[str, Any] = {}
    if config.lora is not None and "timm_model_name" not in cfg["vision_cfg"]:
        # Plain attention blocks keep their projections where LoRA cannot reach them.
        options = {"vision_cfg": {**cfg["vision_cfg"], "block_type": "custom"}}
        options["text_cfg"] = {**cfg["text_cfg"], "block_type": "custom"}
    try:
        clip = open_clip.create_model(name, pretrained=config.pretrained, **options)
        tokenizer = open_clip.get_tokenizer(name)
    except (RuntimeError, OSError, ValueError, FileNotFoundError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise FervlmError(f"the model '{config.model}' cannot be loaded ({reason})") from error
    text = cfg["text_cfg"]
    causal = not text.get("no_causal_mask") and text.get("pool_type", "argmax") == "argmax"
    words = OpenClipWords(tokenizer, cut=causal and not text.get("hf_model_name"))
    side = clip.visual.image_size
    levels = Levels(tuple(clip.visual.image_mean), tuple(clip.visual.image_std))
    model = GlobalLocal(clip, _heads(config, faces))
    return Built(model, words, None, cfg, levels, int(side[0] if isinstance(side, list | tuple) else side), colour=True)


def _open_clip_cfg(config: ContrastiveConfig) -> dict[str, Any]:
    import open_clip

    folder = Path(config.model)
    if folder.is_dir():
        file = folder / "open_clip_config.json"
        try:
            found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["model_cfg"]
        except (OSError, ValueError, KeyError) as error:
            raise FervlmError("the folder holds no open_clip model", file=file) from error
        return found
    known: dict[str, Any] | None = open_clip.get_model_config(config.model)
    if known is None:
        raise FervlmError(
            f"there is no model '{config.model}'", hint="Give nano, a checkpoint folder or an open_clip name."
        )
    return known


def _heads(config: ContrastiveConfig, faces: Faces) -> HeadConfig:
    units = learnable_units(faces)
    if not units and config.weights.units:
        raise FervlmError("no action unit is measured often enough to be learned", hint="Set weights.units=0.")
    return HeadConfig(units or (12,), edge=config.edge, affect=config.weights.affect > 0)


def _take(model: GlobalLocal, folder: Path, parts: tuple[str, ...]) -> None:
    """Averaged weights of another run whose names begin with one of `parts`; shapes must fit."""
    file = folder / STATE
    if not file.is_file():
        raise FervlmError("there is no saved state to begin with", file=file)
    found = {n.removeprefix("average."): t for n, t in load_file(file).items() if n.startswith("average.")}
    own = model.state_dict()
    taken = {n: t for n, t in found.items() if n.startswith(parts) and n in own}
    odd = next((n for n, t in taken.items() if t.shape != own[n].shape), None)
    if odd is not None or not taken:
        raise FervlmError(f"the weights to begin with do not fit ({odd or 'no name in common'})", file=file)
    model.load_state_dict({**own, **taken})


def learnable_units(faces: Faces, least: int = 50) -> tuple[int, ...]:
    """AUs present and absent on at least `least` faces each."""
    present, absent = (faces.units == 1).sum(0), (faces.units == 0).sum(0)
    chosen = np.flatnonzero((present >= least) & (absent >= least))
    return tuple(movement_units()[i] for i in chosen)


def training_texts(faces: Faces) -> list[str]:
    """Every text that a run may show the text tower: captions, class prompts, AU names; sorted, each once."""
    texts = {text for label in BASIC8 for word in words_of(label) for text in class_texts(word)}
    texts |= {action_unit(au).name for au in movement_units()}
    for caption in faces.texts:
        if caption is not None:
            texts |= {caption.overview, caption.summary, *(r.text for r in caption.regions)}
            texts |= {t for t in (caption.anchored_overview, caption.anchored_summary) if t}
            texts |= {text for text, _ in caption.negatives}
    return sorted(texts)
