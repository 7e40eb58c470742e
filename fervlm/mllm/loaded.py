"""A checkpoint folder opened for use: its manifest held against its base, its processor and its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open

from fervlm.errors import FervlmError
from fervlm.mllm.manifest import MllmManifest, read_manifest
from fervlm.mllm.opening import open_base, open_processor, pixels_of
from fervlm.mllm.publish import base_fingerprint

ADAPTER = "adapter_model.safetensors"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to answer.

    Attributes:
        model: in evaluation, on its device.
        processor: with the pixel budget of training.
        manifest: of the folder.
        folder: where it was read from.
    """

    model: Any
    processor: Any
    manifest: MllmManifest
    folder: Path


def load_checkpoint(
    folder: str | Path, *, base: str | None = None, precision: str = "fp32", device: str = "cpu"
) -> Loaded:
    """A folder of `fervlm train mllm`, whole weights or an adapter on its base.

    Args:
        folder: the checkpoint.
        base: where an adapter's base lies now; by default where its manifest says.
        precision: `fp32` or `bf16`, in memory.
        device: of torch.

    Raises:
        FervlmError: the folder is damaged; its base is missing or another one; weights are missing; the processor has
            another pixel budget than the training had; or the prompts changed.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    processor = open_processor(str(folder))
    if pixels_of(processor) != manifest.pixels:
        raise FervlmError(
            f"the processor gives pictures of {pixels_of(processor)}, the model was trained on {manifest.pixels}",
            file=folder,
            hint="Get the folder's processor files anew.",
        )
    if manifest.adapter:
        model = _with_adapter(folder, manifest, base, precision)
    else:
        model, _ = open_base(str(folder), precision=precision)
    return Loaded(model.to(device).eval(), processor, manifest, folder)


def _with_adapter(folder: Path, manifest: MllmManifest, base: str | None, precision: str) -> Any:
    from peft import PeftModel

    where = base or _found(folder, manifest.base)
    model, _ = open_base(where, None if base else manifest.base_revision, precision=precision)
    if base_fingerprint(model) != manifest.base_digest:
        raise FervlmError(
            f"the adapter was trained on other weights than those of '{where}'",
            file=folder,
            hint=f"It needs {manifest.base}" + (f" at {manifest.base_revision}." if manifest.base_revision else "."),
        )
    adapted = PeftModel.from_pretrained(model, str(folder))
    adapted.peft_config["default"].base_model_name_or_path = where  # told from the folder, which peft does not know
    _check_keys(adapted, folder)
    return adapted


def _found(folder: Path, base: str) -> str:
    """A base that is a folder may also lie beside the adapter, or ship with the package."""
    shipped = Path(__file__).parent.parent / "weights"
    for path in (
        folder / base,
        Path(base),
        folder.parent / base,
        folder.parent / Path(base).name,
        shipped / Path(base).name,
    ):
        if (path / "config.json").is_file():
            return str(path)
    return base


def _check_keys(model: Any, folder: Path) -> None:
    from peft import get_peft_model_state_dict

    with safe_open(folder / ADAPTER, framework="pt") as handle:
        stored = set(handle.keys())
    wanted = set(get_peft_model_state_dict(model))
    odd = sorted(wanted ^ stored)
    if odd:
        raise FervlmError(
            f"the adapter's weights and its settings disagree ({odd[0]})", file=folder / ADAPTER, hint="Get it anew."
        )
