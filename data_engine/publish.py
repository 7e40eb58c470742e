"""From finished shards to the data set: Parquet by split in Hugging Face layout, chat files, the list of rejects."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_engine.config import AnnotateConfig
from data_engine.formats import chat_line
from data_engine.pictures import PictureStore
from data_engine.scale import rejects_path
from data_engine.shards import read_rows, shard_paths, write_stream
from data_engine.table import Exported, arrow, chat_rows, sample_row, schemas
from fervlm.errors import FervlmError
from fervlm.records import Record

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_FILE_ROWS = 16_384
"""A file is closed at the first shard border after so many rows."""


class Published(Record):
    """What lies in the finished set."""

    samples: dict[str, int]
    """Samples by split."""
    conversations: dict[str, int]
    rejects: dict[str, int]
    """Rejects by reason code."""


def publish(config: AnnotateConfig, work: Path, out: Path) -> Published:
    """Write `out/data`, `out/chat`, the chat formats and `out/rejects.jsonl` from the work folder, each file whole."""
    shards = shard_paths(work / "exported")
    samples = _Tables(out / "data", "samples")
    chats = _Tables(out / "chat", "chat")
    pictures = PictureStore()
    for path in shards:
        rows = list(read_rows(path, Exported))
        for split in sorted({row.sample.split for row in rows}):
            here = [row for row in rows if row.sample.split == split]
            samples.add(split, [sample_row(row, _embedded(config, row, pictures)) for row in here])
            chats.add(split, [line for row in here for line in chat_rows(row)])
    counts = samples.finish(), chats.finish()
    for name in config.formats:
        for split in counts[0]:
            write_stream(out / name / f"{split}.jsonl", _lines(name, split, shards))
    rejects: Counter[str] = Counter()
    write_stream(out / "rejects.jsonl", _rejects(work, rejects))
    return Published(samples=counts[0], conversations=counts[1], rejects=dict(sorted(rejects.items())))


def _embedded(config: AnnotateConfig, row: Exported, pictures: PictureStore) -> bytes | None:
    """Encoded bytes where the picture must or should travel inside the table."""
    if row.picture is None or not (config.embed or row.picture.row is not None or row.sample.flipped):
        return None
    data = pictures.read(row.picture)
    if not row.sample.flipped:
        return data
    from data_engine.flip import mirrored_picture  # noqa: PLC0415

    return mirrored_picture(data, row.picture.name)


class _Tables:
    """Parquet files of one configuration, a writer a split; named when their number is known."""

    def __init__(self, folder: Path, config: str) -> None:
        self._folder = folder
        self._schema = schemas()[config]
        self._open: dict[str, pq.ParquetWriter] = {}
        self._rows: Counter[str] = Counter()
        self._total: Counter[str] = Counter()
        self._files: Counter[str] = Counter()
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.glob("*.parquet*"):
            stale.unlink()

    def add(self, split: str, rows: list[dict[str, Any]]) -> None:
        """Append one row group to the split's open file."""
        import pyarrow.parquet as pq  # noqa: PLC0415

        if not rows:
            return
        try:
            if split not in self._open:
                path = self._folder / f".{split}-{self._files[split]:05d}.part"
                self._open[split] = pq.ParquetWriter(path, self._schema, compression="zstd")
                self._files[split] += 1
            self._open[split].write_table(arrow().Table.from_pylist(rows, schema=self._schema))
        except OSError as error:
            raise FervlmError(
                f"cannot write: {error.strerror or error}", file=self._folder, hint="Free space and run it again."
            ) from error
        self._rows[split] += len(rows)
        self._total[split] += len(rows)
        if self._rows[split] >= _FILE_ROWS:
            self._close(split)

    def finish(self) -> dict[str, int]:
        """Close and name every file; returns rows by split."""
        for split in list(self._open):
            self._close(split)
        for split, number in self._files.items():
            for k in range(number):
                part = self._folder / f".{split}-{k:05d}.part"
                part.replace(self._folder / f"{split}-{k:05d}-of-{number:05d}.parquet")
        return dict(sorted(self._total.items()))

    def _close(self, split: str) -> None:
        self._open.pop(split).close()
        self._rows[split] = 0


def _lines(name: str, split: str, shards: list[Path]) -> Iterator[bytes]:
    for path in shards:
        for row in read_rows(path, Exported):
            if row.sample.split == split:
                for chat in row.sample.chats:
                    yield json.dumps(chat_line(name, row, chat), ensure_ascii=False).encode() + b"\n"


def _rejects(work: Path, counts: Counter[str]) -> Iterator[bytes]:
    """Every reject of every stage, stage by stage in input order; counted on the way."""
    files = [work / "rejects.ingest.jsonl"]
    for stage in ("drafts", "taught", "exported"):
        files.extend(rejects_path(path) for path in shard_paths(work / stage))
    for path in files:
        with path.open("rb") as handle:
            for line in handle:
                counts[json.loads(line)["code"]] += 1
                yield line
