"""Where pictures come from: a folder, a manifest CSV, Parquet files or a Hugging Face data set on disk."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from itertools import accumulate, chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from data_engine.items import Picture
from data_engine.names import picture_name
from fervlm.errors import FervlmError, MissingExtraError
from fervlm.readers import detect_format

if TYPE_CHECKING:
    import pyarrow as pa

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif"})
_FILE_COLUMNS = ("file", "path", "picture", "image", "filename", "file_name")
_MAX_NAME_BYTES = 4096


class Listed(NamedTuple):
    """A picture and what the source itself says of it."""

    picture: Picture
    label: str | None
    split: str | None
    subject: str | None
    source: str | None


def list_pictures(source: str) -> Iterator[Listed]:
    """Every picture of `source` in a fixed order.

    Raises:
        FervlmError: nothing there, not a kind of source, or a manifest without a file column.
    """
    path = Path(source)
    if not path.exists():
        raise FervlmError("there is no such file or folder", file=source, hint="Check the path.")
    if path.is_dir():
        tables = sorted(path.rglob("*.parquet")) or sorted(path.rglob("*.arrow"))
        yield from _tables(tables) if tables else _folder(path)
    elif path.suffix.lower() in {".parquet", ".arrow"}:
        yield from _table(path)
    elif path.suffix.lower() in PICTURE_SUFFIXES:
        yield Listed(Picture(file=str(path), name=path.name), None, None, None, None)
    else:
        yield from _manifest(path)


def holds_pictures(source: str) -> bool:
    """Whether a source is one of pictures; otherwise it is a detector's table itself.

    Raises:
        FervlmError: there is no such file, or it cannot be read as a table.
    """
    path = Path(source)
    if not path.exists():
        raise FervlmError("there is no such file or folder", file=source, hint="Check the path.")
    if path.is_dir() or path.suffix.lower() in PICTURE_SUFFIXES:
        return True
    if path.suffix.lower() in {".parquet", ".arrow"}:
        return "image" in open_table(path)[0].names
    return path.suffix.lower() == ".csv" and _is_manifest(path)


def _is_manifest(path: Path) -> bool:
    """Whether a CSV names pictures and no reader knows it as measurements of them."""
    if not any(name in _FILE_COLUMNS for name in _header(path)):
        return False
    try:
        detect_format(path)
    except FervlmError:
        return True
    return False


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            return [name.strip().lower() for name in next(csv.reader(handle), [])]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FervlmError("the manifest cannot be read as CSV text", file=path, hint="Save it as UTF-8.") from error


def _folder(folder: Path) -> Iterator[Listed]:
    found = False
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file():
            found = True
            name = _text_of(path.relative_to(folder).as_posix())
            yield Listed(Picture(file=_text_of(str(path)), name=name), None, None, None, None)
    if not found:
        raise FervlmError("the folder holds no picture", file=folder, hint="Give a folder with .jpg or .png files.")


def _text_of(name: str) -> str:
    """A file name as text; bytes that are no UTF-8 become a mark, and what bears such a name joins nothing."""
    return os.fsencode(name).decode("utf-8", "replace")


def _manifest(path: Path) -> Iterator[Listed]:
    header = _header(path)
    column = next((name for name in _FILE_COLUMNS if name in header), None)
    if column is None:
        raise FervlmError("the manifest has no column that names the picture", file=path, row=1, hint="Call it `file`.")
    with path.open(encoding="utf-8-sig", newline="") as handle:
        for number, row in enumerate(csv.DictReader(handle, fieldnames=header), 1):
            if number == 1:
                continue
            name = (row[column] or "").strip()
            if not name or len(name.encode()) > _MAX_NAME_BYTES:
                raise FervlmError("the picture's name is empty or too long", file=path, row=number, column=column)
            picture = Picture(file=str(path.parent / name), name=picture_name(name))
            yield Listed(picture, *(_text(row.get(key)) for key in ("label", "split", "subject", "source")))


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _tables(paths: list[Path]) -> Iterator[Listed]:
    for path in paths:
        yield from _table(path)


def open_table(
    path: Path, columns: list[str] | None = None, first_group: int = 0
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Schema and batches of a Parquet or Arrow file, streamed.

    Args:
        path: the file.
        columns: leave out all others where the format allows it (Parquet); `image.path` is a part of `image`.
        first_group: where to start, as an index into `group_starts`.
    """
    pa, pq = _arrow()
    try:
        if path.suffix.lower() == ".parquet":
            table = pq.ParquetFile(path)
            # Group by group: a damaged one takes no row of its neighbours with it.
            groups = (
                table.iter_batches(batch_size=256, row_groups=[group], columns=columns)
                for group in range(first_group, table.num_row_groups)
            )
            return table.schema_arrow, _read(path, chain.from_iterable(groups))
        reader = pa.ipc.open_stream(pa.memory_map(str(path)))
        return reader.schema, _read(path, iter(reader))
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(path, error) from error


def group_starts(path: Path) -> list[int]:
    """First rows of the parts of a table at which reading may start."""
    if path.suffix.lower() != ".parquet":
        return [0]
    pa, pq = _arrow()
    try:
        metadata = pq.ParquetFile(path).metadata
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(path, error) from error
    sizes = [metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)]
    return [0, *accumulate(sizes[:-1])]


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("reading Parquet and Arrow files", "data") from error
    return pa, pq


def _read(path: Path, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa  # noqa: PLC0415

    damaged = (OSError, pa.ArrowInvalid)  # named now: a reader left open is closed when modules are already gone
    try:
        yield from batches
    except damaged as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> FervlmError:
    reason = " ".join(str(error).split())[:200].rstrip(".")
    return FervlmError(f"the table cannot be read ({reason})", file=path, hint="Is it complete?")


def class_names(schema: pa.Schema) -> list[str] | None:
    """Names behind integer labels, from the metadata that Hugging Face `datasets` writes."""
    try:
        features: dict[str, Any] = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
        names: list[str] = features["label"]["names"]
    except (KeyError, TypeError, ValueError):
        return None
    return names


def _table(path: Path) -> Iterator[Listed]:
    schema, _ = open_table(path)
    fields = {field.name for field in schema.field("image").type} if _has_struct(schema, "image") else set()
    if not {"bytes", "path"} <= fields:
        raise FervlmError("the table has no `image` column", file=path, hint="Give {bytes, path} pictures as `image`.")
    names = class_names(schema)
    given = [key for key in ("label", "split", "subject", "source") if key in schema.names]
    row = 0
    for batch in open_table(path, columns=["image.path", *given])[1]:
        paths = batch.column("image").field("path").to_pylist()
        sides = [
            batch.column(key).to_pylist() if key in given else [None] * batch.num_rows
            for key in ("label", "split", "subject", "source")
        ]
        for inside, label, split, subject, source in zip(paths, *sides, strict=True):
            name = picture_name(inside or f"{path.stem}_{row:06d}")
            written = names[label] if names is not None and isinstance(label, int) else _text(label)
            yield Listed(
                Picture(file=str(path), row=row, name=name), written, _text(split), _text(subject), _text(source)
            )
            row += 1


def _has_struct(schema: pa.Schema, name: str) -> bool:
    pa, _ = _arrow()
    return name in schema.names and bool(pa.types.is_struct(schema.field(name).type))
