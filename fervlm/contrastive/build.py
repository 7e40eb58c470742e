"""The model a run begins with: nano from scratch, an open_clip name with its weights, or a checkpoint folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

import fervlm.torchvision_fix  # noqa: F401 - before open_clip
from fervlm.checkpoint import PICKLES, TOKENIZER
from fervlm.contrastive.augment import Levels
from fervlm.contrastive.begin import take_weights
from fervlm.contrastive.class_prompts import class_texts, words_of
from fervlm.contrastive.faces import Faces
from fervlm.contrastive.identity import IdentityHead
from fervlm.contrastive.lora import add_lora
from fervlm.contrastive.model import GlobalLocal, HeadConfig
from fervlm.contrastive.nano import CONTEXT_LENGTH, IMAGE_SIZE, nano_config
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.contrastive.vocabulary import END, build_tokenizer
from fervlm.contrastive.vocabulary import PAD as PAD_TOKEN
from fervlm.contrastive.words import PAD, OpenClipWords, OwnWords, Words
from fervlm.errors import FervlmError
from fervlm.facs.labels import BASIC8
from fervlm.facs.units import action_unit, movement_units


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
        take_weights(built.model, config.init, config.init_parts)
    if config.weights.identity:
        persons = len({name for name in faces.subjects if name is not None})
        if persons < 2:
            raise FervlmError("the faces' subjects are not known", hint="Set weights.identity=0.")
        built.model.training_only["identity"] = IdentityHead(built.model.heads["patches"].out_features, persons)  # type: ignore[arg-type]
    if config.lora is not None:
        add_lora(built.model.clip, config.lora)
    return built


def _nano(config: ContrastiveConfig, faces: Faces) -> Built:
    import open_clip

    tokenizer = _begun_with(config) or build_tokenizer(training_texts(faces))
    size = config.sizes[-1][1] if config.sizes else IMAGE_SIZE
    cfg = nano_config(tokenizer.get_vocab_size(), size)
    clip = open_clip.model.CLIP(**cfg)
    model = GlobalLocal(clip, _heads(config, faces))
    return Built(model, OwnWords(tokenizer, CONTEXT_LENGTH), tokenizer, cfg, Levels(), size, colour=False)


def _begun_with(config: ContrastiveConfig) -> Tokenizer | None:
    """The tokenizer of the weights to begin with: a set made later may hold a word more, and shift every entry."""
    if config.init is None or not "clip.token_embedding".startswith(config.init_parts):
        return None
    file = config.init / TOKENIZER
    return Tokenizer.from_file(str(file)) if file.is_file() else None


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
    _refuse_pickles(folder, config.pretrained)
    try:
        clip = open_clip.create_model(name, pretrained=config.pretrained, **options)
        tokenizer = _own_tokenizer(folder, cfg)
        words = _words(tokenizer or open_clip.get_tokenizer(name), cfg["text_cfg"])
    except Exception as error:  # whatever open_clip, timm and the hub's client raise
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise FervlmError(f"the model '{config.model}' cannot be loaded ({reason})") from error
    side = clip.visual.image_size
    levels = Levels(tuple(clip.visual.image_mean), tuple(clip.visual.image_std))
    model = GlobalLocal(clip, _heads(config, faces))
    side = int(side[0] if isinstance(side, list | tuple) else side)
    return Built(model, words, tokenizer, cfg, levels, side, colour=True)


def _words(tokenizer: Any, text: dict[str, Any]) -> Words:  # noqa: ANN401 - open_clip's have no common type
    if isinstance(tokenizer, Tokenizer):
        return OwnWords(tokenizer, text.get("context_length", 77))
    causal = not text.get("no_causal_mask") and text.get("pool_type", "argmax") == "argmax"
    return OpenClipWords(tokenizer, cut=causal and not text.get("hf_model_name"))


def _own_tokenizer(folder: Path, cfg: dict[str, Any]) -> Tokenizer | None:
    """The tokenizer of a folder that this package published; others are open_clip's to load."""
    file = folder / TOKENIZER
    if not folder.is_dir() or "hf_tokenizer_name" not in cfg["text_cfg"] or not file.is_file():
        return None
    found = Tokenizer.from_file(str(file))
    return found if found.token_to_id(PAD_TOKEN) == PAD and found.token_to_id(END) else None


def _refuse_pickles(folder: Path, pretrained: str | None) -> None:
    """Only safetensors are read: loading a pickle can run any code.

    Raises:
        FervlmError: the weights are a pickle.
    """
    file = Path(pretrained or "")
    if folder.is_dir() and not list(folder.glob("*.safetensors")):
        file = next((f for f in sorted(folder.iterdir()) if f.suffix.lower() in PICKLES), file)
    if file.suffix.lower() in PICKLES:
        raise FervlmError(
            "weights in a pickle are refused, since loading one can run any code",
            file=file,
            hint="Convert a file you trust, where torch is installed: safetensors.torch.save_file("
            "torch.load(FILE, weights_only=True), 'weights.safetensors'); a table inside it ('state_dict') first.",
        )


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
