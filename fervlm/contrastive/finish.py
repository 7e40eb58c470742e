"""From a finished run to a checkpoint folder with its calibration, numbers and card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fervlm.checkpoint import Checkpoint
from fervlm.contrastive.begin import history
from fervlm.contrastive.build import picture_side
from fervlm.contrastive.card import LICENCE, write_card
from fervlm.contrastive.faces import load_faces
from fervlm.contrastive.final_scores import final_scores
from fervlm.contrastive.lora import merge_lora, plain_towers
from fervlm.contrastive.publish import ModelNotes, publish
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.contrastive.train import Trained, shown

Say = Callable[[str], None]


def finish(trained: Trained, config: ContrastiveConfig, folder: Path, say: Say = print, *, name: str) -> Checkpoint:
    """Calibrate, measure, and write the checkpoint.

    Args:
        trained: what `train` gave.
        config: its settings.
        folder: where the checkpoint goes.
        say: is told what is going on.
        name: of the model.
    """
    built = trained.built
    if config.lora is not None:
        merge_lora(built.model.clip)
        device = next(built.model.parameters()).device
        built.model.clip = plain_towers(built.model.clip, built.model_cfg).to(device)
    side, colour = picture_side(config)
    faces = load_faces(config.data, "train", side, colour=colour)
    faces = faces.take(shown(faces, config))
    found = final_scores(built, config, faces, trained.held_out, say)
    settings: dict[str, Any] = config.model_dump(mode="json", exclude={"data", "init", "unknown_from"})
    settings["data"] = [path.name for path in config.data]
    training = {"steps": trained.step, "epochs": config.epochs, "settings": settings, "before": history(config.init)}
    notes = ModelNotes(
        name=name,
        version="1",
        units=found.units,
        labels=found.labels,
        unknown=found.unknown,
        data_fingerprint=trained.fingerprint,
        training=training,
        metrics=found.metrics,
    )
    return publish(
        built.model,
        built.tokenizer,
        folder,
        notes,
        config=built.model_cfg,
        card=write_card(name, found.metrics, found.units, training, found.labels.ece),
        licence=LICENCE,
        levels=built.levels,
        colour=built.colour,
        crop_side=side,
        graphs=built.tokenizer is not None,
    )
