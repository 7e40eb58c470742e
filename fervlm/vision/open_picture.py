"""A photograph for analysis: its pixels as an array, at no more than a working size, with remarks on what was done."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fervlm.records import Box
from fervlm.vision.picture import bytes_of, decoded, opened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

WORKING_SIDE = 2048
"""Pixels. The smallest face that is found (9 % of the longest side) still has 180 of them: more than a model takes."""
_MANY = 10_000
"""Pictures in one file that are counted; counting walks through the file."""


@dataclass(frozen=True, slots=True)
class OpenPicture:
    """An upright picture.

    Attributes:
        pixels: uint8 [h, w, 3], RGB.
        name: what to call it in a message.
        scale: pixels of the upright file per pixel of `pixels`, 1 or more.
        notes: what a user should know: that the file holds further pictures, that it was read at a smaller size.
    """

    pixels: NDArray[np.uint8]
    name: str
    scale: float = 1.0
    notes: tuple[str, ...] = ()

    def in_file(self, box: Box) -> Box:
        """A box in `pixels` as one in the upright file's own pixels."""
        by = self.scale
        return Box(x=box.x * by, y=box.y * by, width=box.width * by, height=box.height * by)


def open_picture(
    source: bytes | str | Path, *, name: str | None = None, most_side: int | None = WORKING_SIDE
) -> OpenPicture:
    """One picture, upright, as RGB.

    What `load_picture` says of colour spaces, depths, transparency and turning holds here too. A JPEG file that is
    larger than `most_side` is unpacked at a half, a quarter or an eighth of its size right away, which is quicker by
    that much; others are shrunk after unpacking.

    Args:
        source: the encoded picture, or its path.
        name: what to call it; the path by default.
        most_side: longest side of `pixels`; None for all pixels of the file.

    Raises:
        FervlmError: no picture, damaged, cut off, too large (over `picture.MOST_PIXELS`, before it is unpacked) or too
            small (under `picture.LEAST_SIDE`).
        MissingExtraError: HEIC without the extra `image`.
    """
    import numpy as np

    called = name or (str(source) if not isinstance(source, bytes) else "picture")
    header = opened(source if isinstance(source, bytes) else bytes_of(Path(source), called), called)
    full, frames = header.size, _frames(header)
    if most_side is not None:
        _draft(header, most_side)
    picture = decoded(header, called)
    if most_side is not None and max(picture.size) > most_side:
        picture = _shrunk(picture, most_side)
    scale = max(full) / max(picture.size)
    pixels = np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"), dtype=np.uint8)
    return OpenPicture(np.ascontiguousarray(pixels), called, scale, _notes(frames, full, picture.size))


def _frames(header: Image.Image) -> int:
    """How many pictures the file holds; 1 where that cannot be told."""
    count = 1
    with suppress(Exception):  # damage behind the first picture is no concern: the first one is taken
        if getattr(header, "is_animated", False):
            count = min(int(getattr(header, "n_frames", 1)), _MANY)
    with suppress(Exception):
        header.seek(0)
    return count


def _draft(header: Image.Image, most_side: int) -> None:
    """Asks the decoder for a smaller picture, where it can give one that is still `most_side` long."""
    step = max(header.size) // most_side
    if step >= 2:
        header.draft(None, (math.ceil(header.width / step), math.ceil(header.height / step)))


def _shrunk(picture: Image.Image, most_side: int) -> Image.Image:
    from PIL import Image

    by = most_side / max(picture.size)
    size = (max(1, round(picture.width * by)), max(1, round(picture.height * by)))
    return picture.resize(size, Image.Resampling.BOX if by < 0.5 else Image.Resampling.LANCZOS, reducing_gap=2.0)


def _notes(frames: int, full: tuple[int, int], size: tuple[int, int]) -> tuple[str, ...]:
    notes = []
    if frames > 1:
        many = f"{_MANY} or more" if frames == _MANY else str(frames)
        notes.append(f"The file holds {many} pictures; the first one was taken.")
    if max(size) < max(full):
        notes.append(f"Its {full[0]}\u00d7{full[1]} pixels were read at {max(size) / max(full):.0%} of that size.")
    return tuple(notes)
