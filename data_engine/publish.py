"""From finished shards to the data set: Parquet by split in Hugging Face layout, chat files, the list of rejects."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from data_engine import formats
from data_engine.config import AnnotateConfig
from data_engine.garbage import uncollected
from data_engine.image_files import ImageFolder
from data_engine.items import Picture
from data_engine.pictures import PictureStore
from data_engine.scale import rejects_path
from data_engine.shards import DISK_HINT, disk_reason, shard_paths, write_bytes, write_stream
from data_engine.table import Exported, arrow, read_exported, schemas
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
    """Write `out/data`, `out/chat`, the chat formats and `out/rejects.jsonl` from the work folder, each file whole.

    Raises:
        FervlmError: nothing is left to publish, a picture is gone, the disk is full.
    """
    samples, chats = _Tables(out / "data", "samples"), _Tables(out / "chat", "chat")
    pictures, lines = PictureStore(), _Lines(config, out)
    for path in shard_paths(work / "exported"):
        with uncollected():
            found = list(read_exported(path))
            for one in found:
                _embed(config, one, pictures)
            for split in sorted({one["split"] for one in found}):
                here = [one for one in found if one["split"] == split]
                samples.add(split, [one["row"] for one in here])
                chats.add(split, [line for one in here for line in one["chats"]])
                lines.add(split, here)
    counts = samples.finish(), chats.finish()
    lines.finish()
    rejects: Counter[str] = Counter()
    write_stream(out / "rejects.jsonl", _rejects(work, rejects))
    if not counts[0]:
        reasons = ", ".join(f"{count} {code}" for code, count in rejects.most_common(4)) or "no input"
        raise FervlmError(f"nothing is left for the set ({reasons})", file=out, hint="rejects.jsonl says why for each.")
    return Published(samples=counts[0], conversations=counts[1], rejects=dict(sorted(rejects.items())))


def _embed(config: AnnotateConfig, one: Exported, pictures: PictureStore) -> None:
    """Put the encoded bytes into the row where the picture must or should travel inside the table."""
    if one["picture"] is None:
        return
    picture, flipped = Picture.model_validate(one["picture"]), one["row"]["flipped"]
    if not (config.embed or picture.row is not None or flipped):
        return
    data = pictures.read(picture)
    if flipped:
        from data_engine.flip import mirrored_picture  # noqa: PLC0415

        data = mirrored_picture(data, picture.name)
    one["row"]["image"] = {"bytes": data, "path": picture.name}


@contextmanager
def _disk(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FervlmError(f"cannot write ({disk_reason(error)})", file=place, hint=DISK_HINT) from error


class _Tables:
    """Parquet files of one configuration, a writer a split; named when their number is known."""

    def __init__(self, folder: Path, config: str) -> None:
        self._folder = folder
        self._schema = schemas()[config]
        self._open: dict[str, pq.ParquetWriter] = {}
        self._rows: Counter[str] = Counter()
        self._total: Counter[str] = Counter()
        self._files: Counter[str] = Counter()
        with _disk(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for stale in folder.glob("*.parquet*"):
                stale.unlink()

    def add(self, split: str, rows: list[dict[str, Any]]) -> None:
        """Append one row group to the split's open file."""
        import pyarrow.parquet as pq  # noqa: PLC0415

        if not rows:
            return
        with _disk(self._folder):
            if split not in self._open:
                path = self._folder / f".{split}-{self._files[split]:05d}.part"
                self._open[split] = pq.ParquetWriter(path, self._schema, compression="zstd")
                self._files[split] += 1
            self._open[split].write_table(arrow().Table.from_pylist(rows, schema=self._schema))
            self._rows[split] += len(rows)
            self._total[split] += len(rows)
            if self._rows[split] >= _FILE_ROWS:
                self._close(split)

    def finish(self) -> dict[str, int]:
        """Close and name every file; returns rows by split."""
        with _disk(self._folder):
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


class _Lines:
    """The chat formats, a file a format and split, and the pictures they refer to."""

    def __init__(self, config: AnnotateConfig, out: Path) -> None:
        self._out = out
        self._formats = config.formats
        self._images = ImageFolder(out)
        self._open: dict[Path, IO[bytes]] = {}

    def add(self, split: str, found: Iterable[Exported]) -> None:
        """Append the conversations of samples; a picture that has no file of its own is given one."""
        if not self._formats:
            return
        with _disk(self._out):
            for one in found:
                image = one["row"]["image"]
                picture = image and image["path"]
                if image and image["bytes"]:
                    picture = self._images.add(image["path"], image["bytes"])
                for name in self._formats:
                    handle = self._file(self._out / name / f"{split}.jsonl")
                    handle.writelines(formats.lines(name, one, picture))

    def finish(self) -> None:
        """Close and name every file."""
        with _disk(self._out):
            for path, handle in self._open.items():
                handle.close()
                _part(path).replace(path)
        if "sharegpt" in self._formats:
            splits = sorted(path.stem for path in self._open if path.parent.name == "sharegpt")
            write_bytes(self._out / "dataset_info.json", formats.dataset_info(splits))

    def _file(self, path: Path) -> IO[bytes]:
        if path not in self._open:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open[path] = _part(path).open("wb")
        return self._open[path]


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


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
