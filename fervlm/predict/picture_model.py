"""A checkpoint folder on onnxruntime: faces and texts in, features and action unit logits out. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from fervlm.checkpoint import PICTURE_GRAPH, TEXT_GRAPH, TOKENIZER, Checkpoint, Manifest, open_checkpoint
from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]
    Pixels = NDArray[np.uint8]

BATCH = 32
"""Faces at once; more gains nothing on one core."""
UNKNOWN = "<unk>"


@dataclass(frozen=True, slots=True)
class Encoded:
    """What N faces give.

    Attributes:
        embedding: [N, D], unit length.
        patches: [N, P, D], not normalised, row by row from the top left; P = 0 where the model has none.
        units: [N, A] logits of action units, in the order of the manifest.
        looked: [N, A, P] where each was sought; rows sum to 1.
    """

    embedding: Array
    patches: Array
    units: Array
    looked: Array

    def __getitem__(self, index: Any) -> Encoded:  # noqa: ANN401 - whatever numpy takes
        return Encoded(self.embedding[index], self.patches[index], self.units[index], self.looked[index])


class FaceModel(Protocol):
    """What every backend offers."""

    backend: str
    manifest: Manifest

    def pictures(self, crops: Pixels) -> Encoded:
        """uint8 faces [N, S, S] grey or [N, S, S, 3] RGB, of any side."""
        ...

    def texts(self, texts: Sequence[str]) -> Array:
        """[T, D], unit length."""
        ...

    def unknown_words(self, text: str) -> tuple[str, ...]:
        """Words of `text` that the text tower never saw, in order."""
        ...


class PictureModel:
    """A published folder, opened.

    Args:
        folder: as `fervlm.contrastive.publish` writes it.
        threads: that onnxruntime may use.

    Raises:
        FervlmError: no checkpoint, a damaged one, or one without graphs.
    """

    backend = "onnx"

    def __init__(self, folder: str | Path, *, threads: int = 1) -> None:
        checkpoint = open_checkpoint(folder)
        self.manifest = checkpoint.manifest
        missing = {PICTURE_GRAPH, TEXT_GRAPH, TOKENIZER} - checkpoint.manifest.files.keys()
        if missing:
            raise FervlmError(f"the checkpoint has no {min(missing)}", file=folder, hint="Use it with torch.")
        self._checkpoint, self._threads = checkpoint, threads
        self._picture: Any = None
        self._text: Any = None
        self._tokens: Any = None

    def pictures(self, crops: Pixels) -> Encoded:
        """uint8 faces [N, S, S] grey or [N, S, S, 3] RGB; resampled where S is not the model's."""
        if self._picture is None:
            self._picture = _session(self._checkpoint, PICTURE_GRAPH, self._threads)
        if not len(crops):
            return self.pictures(np.zeros((1, *crops.shape[1:]), np.uint8))[:0]
        pixels = prepared(crops, self.manifest)
        names = ["embedding", "patches", "units", "looked"]
        parts = [
            self._picture.run(names, {"pixels": pixels[start : start + BATCH]})
            for start in range(0, len(pixels), BATCH)
        ]
        return Encoded(*(np.concatenate(found) for found in zip(*parts, strict=True)))

    def texts(self, texts: Sequence[str]) -> Array:
        """[T, D], unit length; a text beyond the context length is cut."""
        if self._text is None:
            self._text = _session(self._checkpoint, TEXT_GRAPH, self._threads)
        rows = [encoding.ids for encoding in self._tokenizer().encode_batch(list(texts))]
        tokens = np.zeros((len(rows), max(map(len, rows), default=1)), np.int64)
        for place, row in enumerate(rows):
            tokens[place, : len(row)] = row
        found: Array = self._text.run(["embedding"], {"tokens": tokens})[0]
        return found

    def unknown_words(self, text: str) -> tuple[str, ...]:
        """Words of `text` outside the vocabulary, each once."""
        return unknown_to(self._tokenizer(), text)

    def _tokenizer(self) -> Any:  # noqa: ANN401
        if self._tokens is None:
            from tokenizers import Tokenizer  # noqa: PLC0415

            self._tokens = Tokenizer.from_file(str(self._checkpoint.path(TOKENIZER)))
            self._tokens.enable_truncation(self.manifest.context_length)
        return self._tokens


def unknown_to(tokenizer: Any, text: str) -> tuple[str, ...]:  # noqa: ANN401
    """Words that a word-level tokenizer does not know, each once; letters of another script that touch are one word."""
    encoding = tokenizer.encode(text)
    known = [False] * len(text)
    for token, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True):
        if token != UNKNOWN:
            known[start:end] = [True] * (end - start)
    pairs = zip(text, known, strict=True)
    odd = "".join(letter if not seen and letter.isalnum() else " " for letter, seen in pairs)
    return tuple(dict.fromkeys(odd.split()))


def prepared(crops: Pixels, manifest: Manifest) -> Array:
    """Float [N, 1 or 3, S, S] in 0..255 with the model's channels and side.

    Args:
        crops: uint8 [N, s, s] grey or [N, s, s, 3] RGB.
        manifest: of the model.
    """
    import cv2  # noqa: PLC0415

    if manifest.colour and crops.ndim == 3:
        crops = np.repeat(crops[..., None], 3, axis=-1)
    elif not manifest.colour and crops.ndim == 4:
        crops = np.stack([cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) for crop in crops]).astype(np.uint8)
    side, given = manifest.image_size, crops.shape[1]
    pixels = crops.astype(np.float32)
    if given != side and len(crops):
        # Bilinear up and area-averaged down, as the training pictures were.
        way = cv2.INTER_LINEAR if given < side else cv2.INTER_AREA
        pixels = np.stack([cv2.resize(crop, (side, side), interpolation=way) for crop in pixels]).astype(np.float32)
    shaped = pixels.transpose(0, 3, 1, 2) if pixels.ndim == 4 else pixels[:, None]
    return np.ascontiguousarray(shaped)


def mirrored(model: FaceModel, crops: Pixels) -> Encoded:
    """The faces seen in a mirror, with what is told by place turned back."""
    found = model.pictures(np.ascontiguousarray(crops[:, :, ::-1]))
    grid = model.manifest.grid

    def back(maps: Array, axis: int) -> Array:
        """The columns of a [..., grid * grid, ...] axis in reverse."""
        if maps.shape[axis] != grid * grid:
            return maps
        places = np.arange(grid * grid).reshape(grid, grid)[:, ::-1].ravel()
        return np.take(maps, places, axis=axis)

    return Encoded(found.embedding, back(found.patches, 1), found.units, back(found.looked, 2))


def averaged(one: Encoded, other: Encoded) -> Encoded:
    """The mean of two looks at the same faces; embeddings of unit length again."""
    total = one.embedding + other.embedding
    length = np.linalg.norm(total, axis=1, keepdims=True).astype(np.float32)
    half = np.float32(0.5)
    return Encoded(
        total / np.maximum(length, np.float32(1e-12)),
        (one.patches + other.patches) * half,
        (one.units + other.units) * half,
        (one.looked + other.looked) * half,
    )


def _session(checkpoint: Checkpoint, name: str, threads: int) -> Any:  # noqa: ANN401
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(checkpoint.path(name)), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no family of errors of its own
        reason = str(error).splitlines()[0][:160]
        raise FervlmError(f"onnxruntime cannot load it ({reason})", file=checkpoint.path(name)) from None
