"""`fervlm.json` of a multimodal checkpoint: what it is, what it stands on, and that its files are whole. No torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from fervlm.checkpoint import MANIFEST, FileNote, check_file, refuse_pickle
from fervlm.errors import FervlmError
from fervlm.mllm.ask import digests

SHIPPED = Path(__file__).parent.parent / "weights" / "vlm"
"""The nano-VLM that comes with fervlm, once one does."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ScoreCalibration(_Frozen):
    """Probabilities of labels = softmax((log-probability - bias) / temperature)."""

    temperature: float = Field(1.0, gt=0)
    bias: dict[str, float] = Field({}, description="Of a label; 0 where it is not named.")
    abstain_below: float = Field(0.0, ge=0, le=1, description="No label where the likeliest is less likely than this.")
    fitted_on: str | None = Field(None, description="Which faces; null: not fitted.")
    ece: float | None = Field(None, ge=0, le=1, description="Expected calibration error on faces not fitted on.")


class MllmManifest(_Frozen):
    """What `fervlm train mllm` writes beside the weights."""

    schema_version: Literal["1"] = "1"
    kind: Literal["mllm"] = "mllm"
    name: str
    version: str = "1"
    adapter: bool = Field(description="A LoRA adapter on `base`; false: whole weights.")
    base: str = Field(description="Hub id or folder that the adapter was trained on, or what whole weights began with.")
    base_revision: str | None = None
    base_digest: str = Field(description="Of the base's weights; see `publish.base_fingerprint`.")
    label_set: str
    labels: tuple[str, ...]
    answer_form: Literal["full", "short"] = Field(description="`full`: with the line of ranked candidates.")
    prompts: dict[str, str] = Field(description="Prompt -> digest of its file.")
    pixels: dict[str, int] = Field({}, description="Size of pictures, as the processor was told in training.")
    crop_side: int = Field(ge=8, description="Side in pixels of a face that is handed over.")
    context: int = Field(ge=32, description="Tokens.")
    calibration: dict[str, ScoreCalibration] = Field({}, description="By way of deciding: direct, reason_first, ...")
    data_fingerprint: str | None = None
    training: dict[str, JsonValue] = {}
    metrics: dict[str, JsonValue] = {}
    files: dict[str, FileNote]


def is_mllm(folder: str | Path) -> bool:
    """Whether a folder holds a manifest of this kind; False for anything else, also for what cannot be read."""
    import json

    try:
        found = json.loads((Path(folder) / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("kind") == "mllm"


def read_manifest(folder: str | Path) -> MllmManifest:
    """The manifest of a folder, each of its files compared with it.

    Raises:
        FervlmError: no such folder or manifest, a file is missing, lacks weights, or is not what was published; or the
            prompts of this installation are not those it was trained with.
    """
    folder = Path(folder)
    refuse_pickle(folder)
    path = folder / MANIFEST
    if not path.is_file():
        raise FervlmError(f"holds no {MANIFEST}, so it is no checkpoint of fervlm", file=folder)
    try:
        manifest = MllmManifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise FervlmError(f"is no manifest that can be read ({where}: {first['msg']})", file=path) from None
    for name, note in manifest.files.items():
        check_file(folder, name, note)
    odd = sorted(name for name, digest in digests().items() if manifest.prompts.get(name, digest) != digest)
    if odd:
        raise FervlmError(
            f"was trained with another wording of the prompt '{odd[0]}' than this installation has",
            file=folder,
            hint="Use the fervlm version that its card names, or train it again.",
        )
    return manifest
