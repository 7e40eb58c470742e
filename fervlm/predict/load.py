"""`fervlm.load`: the shipped model, a published folder, or any open_clip model, behind the same calls."""

from __future__ import annotations

from pathlib import Path

from fervlm.checkpoint import MANIFEST, OPEN_CLIP_CONFIG, PICTURE_GRAPH, TEXT_GRAPH, open_checkpoint, refuse_pickle
from fervlm.errors import FervlmError
from fervlm.predict.picture_model import FaceModel, PictureModel
from fervlm.predict.pictures import PictureReader
from fervlm.vision.find_faces import finder_named

SHIPPED = Path(__file__).parent.parent / "weights" / "nano"


def load(
    path: str | Path | None = None, *, finder: str = "haar", finder_model: str | Path | None = None, threads: int = 1
) -> PictureReader:
    """A model that looks at pictures: `fervlm.load().explain("photo.jpg")`.

    Args:
        path: a folder written by `fervlm train contrastive`; a folder that open_clip loads; an open_clip model as
            `NAME:WEIGHTS` (`ViT-B-32-quickgelu:openai`, `ViT-B-16:/path/weights.safetensors`); None for the model that
            ships with fervlm.
        finder: `haar`, `mediapipe` or `none`; see `fervlm.vision.find_faces`.
        finder_model: the file that `mediapipe` needs.
        threads: for the model.

    Raises:
        FervlmError: there is no such model, it is damaged, or a pickle.
        MissingExtraError: it needs torch, and the extra `train` is not installed.
    """
    return PictureReader(face_model(path, threads=threads), finder_named(finder, model=finder_model))


def face_model(path: str | Path | None = None, *, threads: int = 1) -> FaceModel:
    """The model alone; arguments and errors as for `load`."""
    if path is None:
        if not (SHIPPED / MANIFEST).is_file():
            raise FervlmError(
                "no model came with this installation", hint="Give a checkpoint folder (--model), or install anew."
            )
        return PictureModel(SHIPPED, threads=threads)
    folder = Path(path)
    refuse_pickle(folder)
    if (folder / MANIFEST).is_file():
        if {PICTURE_GRAPH, TEXT_GRAPH} <= open_checkpoint(folder).manifest.files.keys():
            return PictureModel(folder, threads=threads)
        from fervlm.predict.torch_model import published  # noqa: PLC0415

        return published(folder)
    if (folder / OPEN_CLIP_CONFIG).is_file() or (not folder.exists() and ":" in str(path)):
        from fervlm.predict.torch_model import from_open_clip  # noqa: PLC0415

        return from_open_clip(str(path))
    open_checkpoint(folder)  # says what is missing
    raise FervlmError("is no model that can be loaded", file=folder)
