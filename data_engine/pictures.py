"""Opening a referenced picture, and the facts a gate needs of it."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from data_engine.items import Picture, PictureFacts
from data_engine.sources import group_starts, open_table
from fervlm.errors import FervlmError

if TYPE_CHECKING:
    import pyarrow as pa
    from PIL import Image


class PictureStore:
    """Encoded bytes by reference. Tables are read forward, some hundred rows at a time."""

    def __init__(self) -> None:
        self._tables: dict[str, _Rows] = {}

    def read(self, picture: Picture) -> bytes:
        """The encoded picture; `FervlmError` where it is gone or empty."""
        if picture.row is not None:
            data = self._row(picture.file, picture.row)
        else:
            try:
                data = Path(picture.file).read_bytes()
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                raise FervlmError(f"the picture cannot be read ({reason})", file=picture.file) from error
        if not data:
            raise FervlmError("the picture is empty", file=picture.file, row=picture.row)
        return data

    def _row(self, file: str, row: int) -> bytes | None:
        if file not in self._tables:
            self._tables.clear()  # shards go through one file after the other
            self._tables[file] = _Rows(Path(file))
        return self._tables[file].at(row)


class _Rows:
    """The pictures of one table; a row before the last one asked for, or far behind it, is looked for anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._groups = group_starts(path)
        self._batches: Iterator[pa.RecordBatch] | None = None
        self._start = self._end = 0
        self._bytes: list[bytes | None] = []

    def at(self, row: int) -> bytes | None:
        """The encoded picture in a 0-based row."""
        group = bisect_right(self._groups, row) - 1
        if self._batches is None or row < self._start or self._end < self._groups[group]:
            self._start = self._end = self._groups[group]
            self._batches = open_table(self._path, columns=["image.bytes"], first_group=group)[1]
        while row >= self._end:
            batch = next(self._batches, None)
            if batch is None:
                hint = "Was it rewritten since the run began?"
                raise FervlmError("the table has no such row", file=self._path, row=row, hint=hint)
            self._start, self._end = self._end, self._end + batch.num_rows
            self._bytes = batch.column("image").field("bytes").to_pylist()
        return self._bytes[row - self._start]


def decode(data: bytes, name: str) -> Image.Image:
    """The upright picture as grey or RGB; `FervlmError` for anything that is no sound picture."""
    from fervlm.vision.picture import load_picture  # noqa: PLC0415

    return load_picture(data, name=name)


def facts(data: bytes, name: str) -> PictureFacts:
    """Size, pixel digest and the two difference hashes (9x8 and 8x9 grey)."""
    picture = decode(data, name)
    grey = picture if picture.mode == "L" else picture.convert("L")
    wide, tall = (grey.resize(size, resample=_box()).tobytes() for size in ((9, 8), (8, 9)))
    digest = hashlib.sha256(picture.tobytes()).hexdigest()
    return PictureFacts(
        width=picture.width,
        height=picture.height,
        sha256=digest,
        dhash=_hash(wide, (8, 9), 1),
        vhash=_hash(tall, (9, 8), 0),
    )


def _hash(grey: bytes, shape: tuple[int, int], axis: int) -> str:
    """A bit for each pixel of rows and columns `shape` that has a next one along `axis`: whether that is brighter."""
    import numpy as np  # noqa: PLC0415

    pixels = np.frombuffer(grey, np.uint8).reshape(shape)
    ahead, here = (pixels[1:], pixels[:-1]) if axis == 0 else (pixels[:, 1:], pixels[:, :-1])
    return np.packbits(here < ahead).tobytes().hex()


def _box() -> Image.Resampling:
    from PIL import Image  # noqa: PLC0415

    return Image.Resampling.BOX


def png_bytes(picture: Image.Image) -> bytes:
    """A picture as PNG."""
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
