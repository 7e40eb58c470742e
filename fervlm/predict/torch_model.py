"""Models that need torch, behind the calls of `picture_model`: checkpoints without graphs, and any open_clip model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fervlm.checkpoint import PICKLES, LabelCalibration, Manifest, refuse_pickle
from fervlm.errors import FervlmError, MissingExtraError
from fervlm.predict.picture_model import BATCH, Encoded, prepared

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fervlm.contrastive.model import GlobalLocal
    from fervlm.contrastive.words import Words

try:
    import torch
except ImportError:
    raise MissingExtraError("This model", "train") from None

import fervlm.torchvision_fix  # noqa: F401 - before open_clip


class TorchModel:
    """A GlobalLocal, or an open_clip model alone, which tells no action units.

    Args:
        clip: an open_clip model, on its device.
        words: texts to token ids.
        manifest: what it takes and tells.
        whole: the GlobalLocal around `clip`, where there is one.
        unknown: words of a text that training never showed; None where any word can be told.
    """

    backend = "torch"

    def __init__(
        self,
        clip: torch.nn.Module,
        words: Words,
        manifest: Manifest,
        whole: GlobalLocal | None = None,
        unknown: Callable[[str], Sequence[str]] | None = None,
    ) -> None:
        self.manifest = manifest
        self._clip: Any = clip.eval()
        self._words, self._whole, self._unknown = words, whole, unknown
        self._device = next(clip.parameters()).device
        self._mean, self._std = (
            torch.tensor(values, device=self._device).view(1, 3, 1, 1) for values in (manifest.mean, manifest.std)
        )

    @torch.inference_mode()
    def pictures(self, crops: NDArray[np.uint8]) -> Encoded:
        """uint8 faces [N, S, S] grey or [N, S, S, 3] RGB; resampled where S is not the model's."""
        if not len(crops):
            return self.pictures(np.zeros((1, *crops.shape[1:]), np.uint8))[:0]
        pixels = prepared(crops, self.manifest)
        parts = [self._part(pixels[start : start + BATCH]) for start in range(0, len(pixels), BATCH)]
        return Encoded(*(np.concatenate(found) for found in zip(*parts, strict=True)))

    @torch.inference_mode()
    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[T, D], unit length."""
        from fervlm.contrastive.model import encode_texts  # noqa: PLC0415

        features = encode_texts(self._clip, self._words(list(texts)).to(self._device))
        return _numpy(features)

    def unknown_words(self, text: str) -> tuple[str, ...]:
        """Words of `text` that training never showed; always none where the vocabulary is made of parts of words."""
        return () if self._unknown is None else tuple(self._unknown(text))

    def _part(self, pixels: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        x = (torch.from_numpy(pixels).to(self._device) / 255 - self._mean) / self._std
        if self._whole is not None:
            out = self._whole.pictures(x)
            return tuple(_numpy(t) for t in (out.embedding, out.patches, out.units, out.looked))
        embedding = _numpy(self._clip.encode_image(x, normalize=True))
        count, width = embedding.shape
        none = np.zeros((count, 0), np.float32)
        return embedding, np.zeros((count, 0, width), np.float32), none, none[:, :, None]


def published(folder: Path) -> TorchModel:
    """A folder of `fervlm.contrastive.publish`, on torch.

    Raises:
        FervlmError: it is damaged.
    """
    from fervlm.checkpoint import TOKENIZER  # noqa: PLC0415
    from fervlm.contrastive.publish import load_published  # noqa: PLC0415
    from fervlm.contrastive.words import OpenClipWords, OwnWords  # noqa: PLC0415
    from fervlm.predict.picture_model import unknown_to  # noqa: PLC0415

    model, tokenizer, manifest = load_published(folder)
    if tokenizer is not None and TOKENIZER in manifest.files:
        words: Words = OwnWords(tokenizer, manifest.context_length)
        return TorchModel(model.clip, words, manifest, model, lambda text: unknown_to(tokenizer, text))
    import open_clip  # noqa: PLC0415

    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")
    return TorchModel(model.clip, OpenClipWords(tokens, cut=False), manifest, model)


def from_open_clip(name: str) -> TorchModel:
    """Any open_clip model: a folder that it loads, or `NAME:WEIGHTS` with a tag or a file of weights.

    Raises:
        FervlmError: open_clip cannot load it, or the weights are a pickle.
    """
    import open_clip  # noqa: PLC0415

    from fervlm.contrastive.words import OpenClipWords  # noqa: PLC0415

    folder = Path(name)
    if folder.is_dir():
        if not list(folder.glob("*.safetensors")) and any(f.suffix in PICKLES for f in folder.iterdir()):
            raise FervlmError("holds weights as a pickle only, which is refused", file=folder)
        architecture, weights = f"local-dir:{folder}", None
    else:
        architecture, _, weights = name.partition(":")
        refuse_pickle(Path(weights))
    try:
        clip, _, _ = open_clip.create_model_and_transforms(architecture, pretrained=weights)
        tokens = open_clip.get_tokenizer(architecture)
    except Exception as error:  # whatever open_clip, timm and the hub's client raise
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise FervlmError(f"open_clip cannot load '{name}' ({reason})") from None
    shown = open_clip.get_model_preprocess_cfg(clip)
    size = shown["size"]
    side = size[0] if isinstance(size, tuple | list) else size
    scale = clip.logit_scale.exp().item()
    with torch.no_grad():
        width = clip.encode_image(torch.zeros(1, 3, side, side)).shape[-1]
    manifest = Manifest(
        name=folder.name if folder.is_dir() else architecture,
        version=weights or "local",
        image_size=side,
        colour=True,
        mean=tuple(shown["mean"]),
        std=tuple(shown["std"]),
        grid=1,
        embed_dim=width,
        context_length=getattr(clip, "context_length", 77),
        units=(),
        labels=LabelCalibration(temperature=1 / scale),
        prompts={},
        files={},
    )
    return TorchModel(clip, OpenClipWords(tokens, cut=False), manifest)


def _numpy(tensor: Any) -> NDArray[np.float32]:  # noqa: ANN401
    found: NDArray[np.float32] = tensor.float().cpu().numpy()
    return found
