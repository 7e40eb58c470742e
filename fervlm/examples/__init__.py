"""Examples that ship with the package; `SOURCES.md` says where they come from."""

from __future__ import annotations

from pathlib import Path

RECORDING = "synthetic_smile.csv"
PHOTOGRAPH = "astronaut.jpg"


def recording() -> Path:
    """The packaged recording: three seconds in OpenFace 2's format. Synthetic: no person and no detector behind it."""
    return Path(__file__).with_name(RECORDING)


def photograph() -> Path:
    """The packaged photograph, 640 x 480: NASA's portrait of an astronaut, in the public domain."""
    return Path(__file__).with_name(PHOTOGRAPH)
