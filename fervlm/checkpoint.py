"""A checkpoint folder that describes itself: what each file holds, and that it still holds it. No torch.

open_clip_config.json, open_clip_model.safetensors   what plain open_clip loads (`local-dir:FOLDER`)
heads.safetensors                                    action units, patch projection
tokenizer.json, tokenizer_config.json                what plain transformers loads
picture.onnx, text.onnx                              graphs without weights of their own: they point into the above
fervlm.json                                          the manifest of this module
README.md, LICENSE                                   model card and terms
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from fervlm.errors import FervlmError

MANIFEST = "fervlm.json"
OPEN_CLIP_CONFIG = "open_clip_config.json"
TOWERS = "open_clip_model.safetensors"
HEADS = "heads.safetensors"
TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
PICTURE_GRAPH, TEXT_GRAPH = "picture.onnx", "text.onnx"
CARD, LICENCE = "README.md", "LICENSE"
PICKLES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"})
_BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_LONGEST_HEADER = 100 * 2**20


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UnitOutput(_Frozen):
    """How the logit of one action unit is to be read: probability = sigmoid(slope * logit + offset)."""

    au: int = Field(ge=1, le=99)
    slope: float = Field(1.0, gt=0)
    offset: float = 0.0
    threshold: float = Field(0.5, ge=0, le=1, description="Present from this probability on.")
    auc: float | None = Field(None, ge=0, le=1, description="On the part of val that the calibration never saw.")


class LabelCalibration(_Frozen):
    """Probabilities of labels = softmax(similarity / temperature); measured on labels the training knew."""

    temperature: float = Field(gt=0)
    fitted_on: str | None = Field(None, description="Which faces; null: the temperature of training, not fitted.")
    ece: float | None = Field(None, ge=0, le=1, description="Expected calibration error on faces not fitted on.")


class UnknownRule(_Frozen):
    """Which scores together say that a face fits no label, and from where on; see `fervlm.contrastive.unknown`."""

    parts: dict[str, tuple[float, float]] = Field(description="Score -> its mean and deviation on faces with a label.")
    threshold: float = Field(description="Fits no label from here on; the score is the mean of the parts, each scaled.")
    auroc: float | None = Field(None, ge=0, le=1, description="Known against held-out classes.")
    fpr95: float | None = Field(None, ge=0, le=1, description="Held-out faces passed when 95 % of known ones are.")
    note: str | None = None


class FileNote(_Frozen):
    """What a file was when it was published."""

    bytes: int = Field(ge=0)
    sha256: str
    tensors: dict[str, tuple[int, ...]] = Field({}, description="Name and shape of each tensor of a weights file.")


class Manifest(_Frozen):
    """`fervlm.json`."""

    schema_version: Literal["1"] = "1"
    kind: Literal["contrastive"] = "contrastive"
    name: str = Field(description="Also the detector's name in records made from its action units.")
    version: str
    image_size: int = Field(ge=8, description="Side in pixels of a face as the model takes it.")
    crop_side: int | None = Field(
        None, ge=8, description="Side at which faces are cut, where training saw no more detail; null: image_size."
    )
    colour: bool = Field(False, description="RGB instead of grey faces.")
    mean: tuple[float, float, float] = Field(description="Of levels in [0, 1]; the ONNX graph normalises by itself.")
    std: tuple[float, float, float]
    grid: int = Field(ge=1, description="Patches are grid * grid, row by row.")
    embed_dim: int = Field(ge=1)
    context_length: int = Field(ge=2)
    units: tuple[UnitOutput, ...]
    edge: int = Field(8, ge=0, description="Dimensions of an edge in the AU graph; 0: none.")
    width: int = Field(64, ge=1, description="Of a node in the AU graph.")
    affect: bool = Field(False, description="Whether valence and arousal are told.")
    labels: LabelCalibration
    unknown: UnknownRule | None = None
    prompts: dict[str, str] = Field(description="Prompt set -> digest of its file.")
    data_fingerprint: str | None = None
    training: dict[str, JsonValue] = Field({}, description="Settings of the run.")
    metrics: dict[str, JsonValue] = Field({}, description="What was measured, by name.")
    files: dict[str, FileNote]


@dataclass(frozen=True, slots=True)
class TensorPlace:
    """A tensor inside a safetensors file: type as written there, shape, first byte and number of bytes in the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder whose files are what its manifest says."""

    folder: Path
    manifest: Manifest

    def path(self, name: str) -> Path:
        """Of one of its files."""
        return self.folder / name


def open_checkpoint(folder: str | Path) -> Checkpoint:
    """The checkpoint in `folder`, every file of it compared with the manifest.

    Raises:
        FervlmError: it is no such folder, a file is missing, damaged or changed, or it is a pickle.
    """
    folder = Path(folder)
    refuse_pickle(folder)
    if not folder.is_dir():
        raise FervlmError("there is no such checkpoint folder", file=folder, hint="Give a folder with fervlm.json.")
    path = folder / MANIFEST
    if not path.is_file():
        raise _no_manifest(folder)
    manifest = _read_manifest(path)
    for name, note in manifest.files.items():
        check_file(folder, name, note)
    return Checkpoint(folder, manifest)


def refuse_pickle(path: Path) -> None:
    """Stops at a file whose loading could run code.

    Raises:
        FervlmError: the file's ending is that of a pickle.
    """
    if path.suffix.lower() in PICKLES and not path.is_dir():
        raise FervlmError(
            "weights in a pickle are refused, since loading one can run any code",
            file=path,
            hint="Convert them to safetensors first.",
        )


def tensor_places(path: Path) -> dict[str, TensorPlace]:
    """Where each tensor of a safetensors file lies.

    Layout of the format: 8 bytes length of the header (little endian), header as JSON, then the tensors; offsets in the
    header count from its end.

    Raises:
        FervlmError: the file is no safetensors file or is cut short.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            length = int.from_bytes(handle.read(8), "little")
            if size < 8 or length > min(size - 8, _LONGEST_HEADER):
                raise _damaged(path)
            header = json.loads(handle.read(length))
        places = {
            name: TensorPlace(
                entry["dtype"], tuple(entry["shape"]), 8 + length + entry["data_offsets"][0], _length(entry)
            )
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except OSError as error:
        raise FervlmError(f"cannot be read ({error.strerror or error})", file=path) from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise _damaged(path) from None
    if any(place.start + place.length > size or place.length < 0 for place in places.values()):
        raise _damaged(path)
    return places


def file_note(path: Path) -> FileNote:
    """What the manifest says of a file as it is now."""
    places = tensor_places(path) if path.suffix == ".safetensors" else {}
    shapes = {name: place.shape for name, place in places.items()}
    return FileNote(bytes=path.stat().st_size, sha256=_digest(path), tensors=shapes)


def _length(entry: dict[str, list[int]]) -> int:
    start, end = entry["data_offsets"]
    expected = _BYTES[str(entry["dtype"])]
    for extent in entry["shape"]:
        expected *= extent
    return end - start if end - start == expected else -1


def _damaged(path: Path) -> FervlmError:
    return FervlmError("is no whole safetensors file", file=path, hint="Get it anew.")


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _no_manifest(folder: Path) -> FervlmError:
    if any(entry.suffix.lower() in PICKLES for entry in folder.iterdir()):
        return FervlmError(
            "holds weights as a pickle only, which is refused", file=folder, hint="Convert them to safetensors."
        )
    return FervlmError(f"holds no {MANIFEST}, so it is no checkpoint of fervlm", file=folder)


def _read_manifest(path: Path) -> Manifest:
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise FervlmError(f"cannot be read ({error.strerror or error})", file=path) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise FervlmError(
            f"is no manifest that can be read ({where + ': ' if where else ''}{first['msg']})", file=path
        ) from None


def check_file(folder: Path, name: str, note: FileNote) -> None:
    """Hold a file of a checkpoint against its note.

    Raises:
        FervlmError: it lies elsewhere, is missing, lacks weights or holds foreign ones, or is not what was published.
    """
    path = folder / name
    if Path(name).name != name:
        raise FervlmError(f"the manifest names a file outside its folder ({name})", file=folder / MANIFEST)
    if not path.is_file():
        raise FervlmError("is missing from the checkpoint", file=path, hint="Get the whole folder anew.")
    if note.tensors:
        _check_tensors(path, note.tensors)
    if path.stat().st_size != note.bytes or _digest(path) != note.sha256:
        raise FervlmError("is not the file that was published", file=path, hint="Get the whole folder anew.")


def _check_tensors(path: Path, wanted: dict[str, tuple[int, ...]]) -> None:
    found = tensor_places(path)
    for name, shape in wanted.items():
        if name not in found:
            raise FervlmError(f"the weights lack '{name}'", file=path, hint="Get the whole folder anew.")
        if found[name].shape != shape:
            raise FervlmError(f"the weights '{name}' are {found[name].shape}, not {shape}", file=path)
    odd = sorted(found.keys() - wanted.keys())
    if odd:
        raise FervlmError(f"holds weights that no part of the model takes ('{odd[0]}')", file=path)
