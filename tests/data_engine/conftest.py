"""Shared by the tests of the factory: a small set, and one finished run on it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from data_engine.config import AnnotateConfig
from data_engine.pipeline import annotate
from tests.data_engine import small as made

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> made.Small:
    return made.make(tmp_path_factory.mktemp("small"))


def config_of(small: made.Small, **changes: object) -> AnnotateConfig:
    """Settings for the small set."""
    settings: dict[str, object] = {
        "sources": (str(small.pictures),),
        "au": (str(small.evidence),),
        "input_format": made.FORMAT,
        "labels": str(small.labels),
        "val_share": 0.3,
        "licence": "drawn for the tests",
    }
    return AnnotateConfig.model_validate({**settings, **changes})


@pytest.fixture(scope="session")
def finished(small: made.Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished set with everything on: flips, two drafts, all chat formats."""
    out = tmp_path_factory.mktemp("runs") / "set"
    wanted = {"flip": True, "drafts": 2, "formats": ("messages", "sharegpt", "facial-r1")}
    annotate(config_of(small, **wanted), out, quiet=True)
    return out


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real data, where this machine has it."""
    place = os.environ.get("FERVLM_DATA")
    if not place:
        pytest.skip("FERVLM_DATA is not set: the real pictures and detector files are not here")
    return Path(place)
