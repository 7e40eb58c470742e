"""An adapter folded into its base: one model that needs no peft, for servers and for adapters on the picture tower."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from fervlm.errors import FervlmError
from fervlm.mllm.loaded import load_checkpoint
from fervlm.mllm.publish import Notes, base_fingerprint, publish


def merge(folder: Path, out: Path, *, base: str | None = None, store: Literal["fp32", "bf16"] = "bf16") -> Path:
    """Write the whole model to `out`; returns it.

    Args:
        folder: an adapter of `fervlm train mllm`.
        out: a new folder.
        base: where the base lies now; by default where the manifest says.
        store: of the weights in the file.

    Raises:
        FervlmError: the folder holds no adapter, `out` is there already, or as `load_checkpoint`.
    """
    if out.exists():
        raise FervlmError("is there already", file=out, hint="Give --out a new folder.")
    loaded = load_checkpoint(folder, base=base)
    manifest = loaded.manifest
    if not manifest.adapter:
        raise FervlmError("holds whole weights already, so there is nothing to merge", file=folder)
    model = loaded.model.merge_and_unload()
    notes = Notes(
        name=manifest.name,
        base=manifest.base,
        base_revision=manifest.base_revision,
        base_digest=base_fingerprint(model),
        label_set=manifest.label_set,
        details=manifest.answer_form == "full",
        pixels=manifest.pixels,
        data_fingerprint=manifest.data_fingerprint,
        training={**manifest.training, "merged": True},
        metrics=dict(manifest.metrics),
        calibration=manifest.calibration,
    )
    return publish(model, loaded.processor, out, notes, store=store)
