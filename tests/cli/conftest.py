"""Small evidence files for the command line, written as the tools write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fervlm.cli.main import main

HEADER = "frame, face_id, timestamp, confidence, success, AU01_r, AU02_r, AU04_r, AU12_r, AU25_r, AU12_c"
SMILE = "1, 0, 0.000, 0.98, 1, 0.00, 0.00, 0.00, 3.60, 2.60, 1"
FROWN = "2, 0, 0.033, 0.98, 1, 0.00, 0.00, 3.70, 0.00, 0.00, 0"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def fervlm(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process: (exit code, standard output, standard error)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        caught = capsys.readouterr()
        return code, caught.out, caught.err

    return run


@pytest.fixture
def openface(tmp_path: Path) -> Callable[..., Path]:
    """Write an OpenFace 2 file: `openface("name.csv", row, row)`; two frames by default."""

    def write(name: str = "clip.csv", *rows: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([HEADER, *(rows or (SMILE, FROWN))]) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def smile(openface: Callable[..., Path]) -> Path:
    """One frame with a smile."""
    return openface("smile.csv", SMILE)
