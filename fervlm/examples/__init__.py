"""Example evidence that ships with the package; made by the project, see `make.py`."""

from __future__ import annotations

from pathlib import Path

RECORDING = "synthetic_smile.csv"


def recording() -> Path:
    """The packaged recording: three seconds in OpenFace 2's format. Synthetic: no person and no detector behind it."""
    return Path(__file__).with_name(RECORDING)
