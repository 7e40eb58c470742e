"""Shared by the trainer's tests; nothing from outside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch.set_num_threads(1)  # a second thread on a busy machine waits far more than it computes

from tests.contrastive import tiny  # noqa: E402


@pytest.fixture(scope="session")
def face_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A captioned set of 240 drawn faces."""
    return tiny.make_set(tmp_path_factory.mktemp("faces"), 240)


@pytest.fixture(scope="session")
def tiny_vit(face_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small ViT whose vocabulary is that of `face_set`."""
    from fervlm.contrastive.build import training_texts
    from fervlm.contrastive.faces import load_faces

    return tiny.model_folder(
        tmp_path_factory.mktemp("models") / "vit", training_texts(load_faces((face_set,), "train"))
    )
