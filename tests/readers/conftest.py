from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

FILES = Path(__file__).parent / "files"
"""Small files of every format, written by us from the tools' headers; the name begins with the format's name."""


@pytest.fixture(scope="session")
def files() -> Path:
    return FILES


@pytest.fixture(scope="session")
def real() -> Path:
    """Real detector outputs."""
    folder = os.environ.get("FERVLM_DATA")
    if not folder:
        pytest.skip("FERVLM_DATA is not set: no real detector outputs here")
    return Path(folder) / "au"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file into the test's own folder."""

    def make(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make
