"""Opening a referenced picture, and the facts a gate needs of it."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from data_engine.items import Picture, PictureFacts
from data_engine.sources import open_table
from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from PIL import Image

_CACHED_GROUPS = 4


class PictureStore:
    """Encoded bytes by reference. Rows of a Parquet table are read a row group at a time, the last few kept."""

    def __init__(self) -> None:
        self._groups: OrderedDict[tuple[str, int], tuple[int, list[bytes]]] = OrderedDict()

    def read(self, picture: Picture) -> bytes:
        """The encoded picture; `FervlmError` where it is gone or empty."""
        if picture.row is not None:
            data = self._row(picture.file, picture.row)
        else:
            try:
                data = Path(picture.file).read_bytes()
            except OSError as error:
                raise FervlmError(f"the picture cannot be read: {error.strerror}", file=picture.file) from error
        if not data:
            raise FervlmError("the picture is empty", file=picture.file, row=picture.row)
        return data

    def _row(self, file: str, row: int) -> bytes:
        for (name, start), (end, found) in self._groups.items():
            if name == file and start <= row < end:
                return found[row - start]
        start, found = _row_group(file, row)
        self._groups[file, start] = (start + len(found), found)
        while len(self._groups) > _CACHED_GROUPS:
            self._groups.popitem(last=False)
        return found[row - start]


def _row_group(file: str, row: int) -> tuple[int, list[bytes]]:
    path = Path(file)
    if path.suffix.lower() == ".arrow":
        start = 0
        for batch in open_table(path)[1]:
            if row < start + batch.num_rows:
                return start, batch.column("image").field("bytes").to_pylist()
            start += batch.num_rows
        raise FervlmError("the table has no such row", file=file, row=row)
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = pq.ParquetFile(path)
    start = 0
    for group in range(table.num_row_groups):
        rows = table.metadata.row_group(group).num_rows
        if row < start + rows:
            column = table.read_row_group(group, columns=["image"]).column("image").combine_chunks()
            return start, column.field("bytes").to_pylist()
        start += rows
    raise FervlmError("the table has no such row", file=file, row=row, hint="Was it rewritten since the run began?")


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
        dhash=_hash(wide, [9 * y + x for y in range(8) for x in range(8)], 1),
        vhash=_hash(tall, range(64), 8),
    )


def _hash(pixels: bytes, places: Iterable[int], step: int) -> str:
    """A bit for each place: whether the pixel `step` further on is brighter."""
    bits = 0
    for place in places:
        bits = bits << 1 | (pixels[place] < pixels[place + step])
    return f"{bits:016x}"


def _box() -> Image.Resampling:
    from PIL import Image  # noqa: PLC0415

    return Image.Resampling.BOX


def png_bytes(picture: Image.Image) -> bytes:
    """A picture as PNG."""
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
