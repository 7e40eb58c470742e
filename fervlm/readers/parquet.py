"""Parquet as a stream of rows, read in batches; pyarrow is imported only here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fervlm.errors import MissingExtraError, ReadError
from fervlm.readers.source import Origin

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

BATCH = 1024
"""Rows held at once: a row group can be the whole file."""


@contextmanager
def opened(origin: Origin) -> Iterator[ParquetFile]:
    """The open file.

    Raises:
        MissingExtraError: pyarrow is not installed.
        ReadError: standard input, or a broken file.
    """
    try:
        import pyarrow.parquet as pq  # noqa: PLC0415
        from pyarrow.lib import ArrowException  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("reading Parquet", "data") from None
    if origin.path is None:
        raise ReadError(
            "Parquet cannot be read from standard input", file=origin.label, hint="Save it to a file first."
        )
    try:
        with pq.ParquetFile(origin.path, memory_map=False) as file:
            yield file
    except (ArrowException, OSError, ValueError, KeyError, EOFError) as error:
        reason = str(error).split("\n")[0].rstrip(". ")[:160]
        raise ReadError(f"the Parquet file is broken ({reason})", file=origin.label) from None


def rows(file: ParquetFile, columns: Sequence[str]) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """(row from 1, values of `columns`) of every row."""
    number = 0
    for batch in file.iter_batches(batch_size=BATCH, columns=list(columns)):
        lists = [batch.column(batch.schema.get_field_index(name)).to_pylist() for name in columns]
        for values in zip(*lists, strict=True):
            number += 1
            yield number, values
