"""Reading a finished set back: its tables, samples and rejects; streamed, never a whole file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from data_engine.items import Reject
from data_engine.shards import read_rows
from data_engine.table import arrow
from fervlm.errors import FervlmError
from fervlm.records import Sample

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 2048


class Part(NamedTuple):
    """One Parquet file of a set."""

    split: str
    path: Path


def parts(folder: Path, config: str) -> list[Part]:
    """The Parquet files of `data` or `chat` in order, train first.

    Raises:
        FervlmError: the folder is no finished set.
    """
    found = [
        Part(path.name.rpartition("-of-")[0].rpartition("-")[0], path)
        for path in sorted((folder / config).glob("*-of-*.parquet"))
    ]
    if not found:
        raise FervlmError(
            "the folder holds no finished set", file=folder, hint="Run `fervlm annotate` to its end first."
        )
    return sorted(found, key=lambda part: (part.split != "train", part.split, part.path.name))


def batches(part: Part, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Some columns of a file, a few thousand rows at a time."""
    pa = arrow()
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        yield from pq.ParquetFile(part.path).iter_batches(_BATCH, columns=columns)
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise FervlmError(f"the table cannot be read: {error}", file=part.path, hint="Is the set complete?") from error


def samples(folder: Path) -> Iterator[Sample]:
    """Every sample in the order of the files, without its conversations."""
    for part in parts(folder, "data"):
        row = 0
        for batch in batches(part, ["sample"]):
            for text in batch.column(0).to_pylist():
                row += 1
                try:
                    yield Sample.model_validate_json(text)
                except (ValidationError, TypeError) as error:
                    raise FervlmError("the row holds no sample", file=part.path, row=row) from error


def rows_at(part: Part, places: list[int], columns: list[str]) -> list[dict[str, Any]]:
    """The rows of a file at 0-based `places` (ascending); only the row groups that hold one are read."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = pq.ParquetFile(part.path)
    found: list[dict[str, Any]] = []
    start = 0
    for group in range(table.num_row_groups):
        end = start + table.metadata.row_group(group).num_rows
        here = [place - start for place in places if start <= place < end]
        if here:
            found.extend(table.read_row_group(group, columns=columns).take(here).to_pylist())
        start = end
    return found


def rejects(folder: Path) -> Iterator[Reject]:
    """What left the set, in order; nothing where the file is missing."""
    path = folder / "rejects.jsonl"
    if path.exists():
        yield from read_rows(path, Reject)


def is_finished_set(folder: Path) -> bool:
    """Whether a folder looks like a set that `fervlm annotate` made."""
    return folder.is_dir() and any((folder / "data").glob("*-of-*.parquet"))


def stored(folder: Path, name: str) -> dict[str, Any] | None:
    """A JSON file of the card, or None where it is missing."""
    path = folder / "card" / name
    if not path.exists():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FervlmError("the card's numbers cannot be read", file=path) from error
    return found
