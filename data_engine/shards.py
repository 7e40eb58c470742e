"""Stage files: JSON lines in numbered shards, each written whole or not at all.

A shard is written to a temporary name, flushed to the disk, and renamed; so a file that exists is complete, and a run
that was killed anywhere continues with the first shard that is missing.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TypeVar

from pydantic import BaseModel, ValidationError

from fervlm.errors import FervlmError

R = TypeVar("R", bound=BaseModel)
SHARD_ROWS = 512
"""Faces in a shard: small enough to lose little when killed, large enough to make start-up cheap."""


DISK_HINT = "Free space or make the folder writable, then run the same command again; it resumes."


_OF_SQLITE = {sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_READONLY: errno.EROFS}


def disk_reason(error: Exception) -> str:
    """Why the system refused, in its own words; also from pyarrow and SQLite, which have sentences of their own."""
    number = getattr(error, "errno", None) or _OF_SQLITE.get(getattr(error, "sqlite_errorcode", 0))
    return os.strerror(number) if number else " ".join(str(error).split())


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` whole or not at all; a full or read-only disk is one clear error."""
    write_stream(path, (data,))


def write_stream(path: Path, chunks: Iterable[bytes]) -> None:
    """Write the chunks to `path` atomically, in constant memory."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as handle:
            for chunk in chunks:
                handle.write(chunk)
            _flush(handle)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise FervlmError(f"cannot write ({disk_reason(error)})", file=path, hint=DISK_HINT) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _flush(handle: IO[bytes]) -> None:
    handle.flush()
    os.fsync(handle.fileno())


def write_rows(path: Path, rows: Iterable[BaseModel]) -> None:
    """Write records as JSON lines, atomically."""
    write_stream(path, (row.model_dump_json(exclude_defaults=True).encode() + b"\n" for row in rows))


def read_rows(path: Path, kind: type[R]) -> Iterator[R]:
    """Records of a stage file in order; a damaged line is an error that names it."""
    with path.open("rb") as handle:
        for number, line in enumerate(handle, 1):
            try:
                yield kind.model_validate_json(line)
            except ValidationError as error:
                raise FervlmError(
                    f"the line is no {kind.__name__}: {error.errors()[0]['msg']}",
                    file=path,
                    row=number,
                    hint="Delete the file and run the same command again; the stage is made anew.",
                ) from error


def shard_path(folder: Path, number: int) -> Path:
    """Where shard `number` of a stage lies."""
    return folder / f"{number:06d}.jsonl"


def shard_paths(folder: Path) -> list[Path]:
    """The finished shards of a stage in order."""
    return sorted(folder.glob("[0-9]*.jsonl"))


def chunked(rows: Iterable[R], size: int) -> Iterator[list[R]]:
    """Rows in lists of `size`, the last one shorter."""
    chunk: list[R] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def sweep(folder: Path) -> None:
    """Remove temporary files that a killed run left behind."""
    for leftover in folder.rglob(".*.part*"):  # SQLite adds `-journal` to its own
        leftover.unlink(missing_ok=True)
