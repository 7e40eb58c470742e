"""The model a run begins with: nano from scratch, an open_clip name, or a checkpoint's weights."""

from __future__ import annotations

import numpy as np
from safetensors.torch import load_file
from tokenizers import Tokenizer

import fervlm.torchvision_fix  # noqa: F401 - before open_clip
from fervlm.contrastive.class_prompts import class_texts, words_of
from fervlm.contrastive.faces import Faces
from fervlm.contrastive.model import GlobalLocal, HeadConfig
from fervlm.contrastive.nano import nano_config
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.errors import FervlmError
from fervlm.facs.labels import BASIC8
from fervlm.facs.units import action_unit, movement_units


def build_model(config: ContrastiveConfig, faces: Faces, tokenizer: Tokenizer) -> GlobalLocal:
    """The model with heads for the AUs that the faces' detector measures often enough to be learned.

    Raises:
        FervlmError: the initial checkpoint is missing or of another shape.
    """
    import open_clip  # noqa: PLC0415

    if config.model == "nano":
        clip = open_clip.model.CLIP(**nano_config(tokenizer.get_vocab_size()))
    else:
        raise FervlmError(f"no model '{config.model}' can be built yet")
    heads = HeadConfig(learnable_units(faces), edge=config.edge, affect=config.weights.affect > 0)
    model = GlobalLocal(clip, heads)
    if config.init is not None:
        tensors = load_file(config.init / "state.safetensors")
        wanted = {n.removeprefix("average."): t for n, t in tensors.items() if n.startswith("average.")}
        taken = {n: t for n, t in wanted.items() if n.startswith(config.init_parts)}
        model.load_state_dict({**model.state_dict(), **taken})
    return model


def learnable_units(faces: Faces, least: int = 50) -> tuple[int, ...]:
    """AUs present and absent on at least `least` faces each."""
    present, absent = (faces.units == 1).sum(0), (faces.units == 0).sum(0)
    chosen = np.flatnonzero((present >= least) & (absent >= least))
    return tuple(movement_units()[i] for i in chosen)


def training_texts(faces: Faces) -> list[str]:
    """Every text that a run may show the text tower: captions, class prompts, AU names."""
    texts = [text for label in BASIC8 for word in words_of(label) for text in class_texts(word)]
    texts += [action_unit(au).name for au in movement_units()]
    for caption in faces.texts:
        if caption is not None:
            texts += [caption.overview, caption.summary, *(r.text for r in caption.regions)]
            texts += [t for t in (caption.anchored_overview, caption.anchored_summary) if t]
            texts += [text for text, _ in caption.negatives]
    return texts
