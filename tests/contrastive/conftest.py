"""Shared by the trainer's tests; nothing from outside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch.set_num_threads(1)  # a second thread on a busy machine waits far more than it computes

from fervlm.contrastive.faces import Faces, load_faces  # noqa: E402
from fervlm.contrastive.settings import ContrastiveConfig  # noqa: E402
from fervlm.contrastive.train import train  # noqa: E402
from tests.contrastive import tiny  # noqa: E402
from tests.contrastive.runs import Settings, silent  # noqa: E402


@pytest.fixture(scope="session")
def face_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A captioned set of 240 drawn faces."""
    return tiny.make_set(tmp_path_factory.mktemp("faces"), 240)


@pytest.fixture(scope="session")
def tiny_vit(face_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small ViT whose vocabulary is that of `face_set`."""
    from fervlm.contrastive.build import training_texts

    return tiny.model_folder(
        tmp_path_factory.mktemp("models") / "vit", training_texts(load_faces((face_set,), "train"))
    )


@pytest.fixture(scope="session")
def settings(face_set: Path, tiny_vit: Path) -> Settings:
    def make(**changes: object) -> ContrastiveConfig:
        return ContrastiveConfig.model_validate(tiny.settings(face_set, tiny_vit) | changes)

    return make


@pytest.fixture(scope="session")
def whole(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run from beginning to end."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    assert train(settings(), out, silent).finished
    return out


@pytest.fixture(scope="session")
def faces(face_set: Path) -> Faces:
    return load_faces((face_set,), "train", tiny.SIDE, colour=True)
