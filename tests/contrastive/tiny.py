"""What the trainer's tests train on and with: drawn faces whose label and AUs can be read off, captions for them by the
data engine, and a picture-text model of a few thousand weights without batch norm or dropout."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save_file

from data_engine.config import AnnotateConfig
from data_engine.pipeline import annotate
from tests.data_engine.small import FORMAT, PATTERNS, WHOLE, write_csv

SIDE = 32
LABELS = tuple(PATTERNS)
PLACES = {4: (8, 2), 1: (20, 2), 5: (8, 10), 12: (20, 24), 25: (8, 24), 15: (2, 17), 26: (26, 17)}
"""Where a white spot shows that an AU is present."""


def make_set(folder: Path, count: int) -> Path:
    """`count` faces as a set of `fervlm annotate --embed`, a third for validation; two sources, some sided captions."""
    draw = random.Random(11)
    evidence, marks = [], []
    for k in range(count):
        name, label = f"face_{k:04d}.png", LABELS[k % len(LABELS)]
        shown = set(PATTERNS[label]) | ({draw.choice(WHOLE)} if k % 3 == 0 else set())
        picture(folder / "pictures" / name, label, shown, draw)
        values = {f"AU{au:02d}": 1.2 + 3 * draw.random() if au in shown else 0.1 for au in WHOLE}
        smile = 3.2 if 12 in shown else 0.0
        sides = {"AU12_left": smile, "AU12_right": 0.0 if k % 10 == 0 else smile}
        evidence.append({"file": name, **values, **sides})
        marks.append({"file": name, "label": label, "subject": f"s{k % 30}", "source": ("one", "two")[k % 2]})
    write_csv(folder / "aus.csv", evidence)
    write_csv(folder / "labels.csv", marks)
    settings = AnnotateConfig(
        sources=(str(folder / "pictures"),),
        au=(str(folder / "aus.csv"),),
        input_format=FORMAT,
        labels=str(folder / "labels.csv"),
        val_share=0.34,
        embed=True,
        gate={"duplicate_bits": -1},
        licence="drawn for the tests",
    )
    annotate(settings, folder / "set", quiet=True)
    return folder / "set"


def picture(path: Path, label: str, shown: set[int], draw: random.Random) -> None:
    """Grey noise, a bar whose height tells the label, and a white spot for each AU shown."""
    grey = Image.frombytes("L", (8, 8), bytes(draw.randrange(60, 130) for _ in range(64))).resize((SIDE, SIDE))
    grey.paste(0, (13, 6 + 4 * LABELS.index(label), 19, 10 + 4 * LABELS.index(label)))
    for au in shown & PLACES.keys():
        x, y = PLACES[au]
        grey.paste(255, (x, y, x + 5, y + 5))
    path.parent.mkdir(parents=True, exist_ok=True)
    grey.save(path)


def tiny_config(vocabulary: int, **text: object) -> dict[str, Any]:
    """open_clip's `model_cfg` of a ViT for 32 pixels."""
    return {
        "embed_dim": 32,
        "vision_cfg": {"image_size": SIDE, "layers": 2, "width": 48, "patch_size": 8, "head_width": 16},
        "text_cfg": {"context_length": 64, "vocab_size": vocabulary, "width": 32, "heads": 2, "layers": 2, **text},
    }


def model_folder(folder: Path, texts: list[str]) -> Path:
    """A folder that open_clip loads: config, weights and a tokenizer of its own."""
    import fervlm.torchvision_fix  # noqa: F401
    from fervlm.contrastive.vocabulary import build_tokenizer, save_tokenizer

    # isort: split
    import open_clip

    tokenizer = build_tokenizer(texts)
    config = tiny_config(tokenizer.get_vocab_size(), hf_tokenizer_name="tokenizer")
    torch.manual_seed(1)
    clip = open_clip.model.CLIP(**config)
    folder.mkdir(parents=True)
    levels = {"size": SIDE, "mode": "RGB", "mean": [0.45, 0.46, 0.47], "std": [0.25, 0.26, 0.27]}
    text = json.dumps({"model_cfg": config, "preprocess_cfg": levels})
    (folder / "open_clip_config.json").write_text(text, encoding="utf-8")
    save_file({n: t.contiguous() for n, t in clip.state_dict().items()}, folder / "open_clip_model.safetensors")
    save_tokenizer(tokenizer, folder, 64)
    return folder


def settings(data: Path, model: Path | str, **changes: object) -> dict[str, Any]:
    """Settings of a run of a few steps with every part of the loss."""
    found: dict[str, Any] = {
        "data": [str(data)],
        "model": str(model),
        "epochs": 2,
        "batch": 16,
        "lr": 2e-3,
        "ema": 0.8,
        "save_every": 4,
        "log_every": 3,
        "weights": {"label": 1, "units": 1, "affect": 0.5, "overview": 1, "summary": 0.5, "local": 1, "align": 0.2},
        "captions": {"every": 2, "regions": 2, "mine_after": 3, "mine_threshold": 0.3},
    }
    return found | changes
