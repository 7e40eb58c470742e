"""Conversations to learn from: the data engine's chat view beside its pictures, face by face."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fervlm.errors import FervlmError
from fervlm.records import AURecord

Turns = list[dict[str, str]]
_SPLITS = {"val": "validation"}


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation: its kind (`label`, `caption`, `region`, ...), its view, its messages (role, content)."""

    kind: str
    view: str
    messages: Turns


class Talks:
    """The faces of one split with all that is said of them; rows stay in Arrow until they are asked for."""

    def __init__(self, faces: pa.Table, chats: pa.Table) -> None:
        self.ids: list[str] = faces["id"].to_pylist()
        self.labels: list[str | None] = faces["label"].to_pylist()
        self._images, self._samples, self._chats = faces["image"], faces["sample"], chats
        self._negatives = faces["negatives"] if "negatives" in faces.column_names else None
        self._first, self._count = _ranges(self.ids, chats["id"].to_numpy(zero_copy_only=False))

    def __len__(self) -> int:
        return len(self.ids)

    def picture(self, face: int) -> bytes:
        """The encoded picture."""
        data: bytes = self._images[face].as_py()["bytes"]
        return data

    def talks(self, face: int) -> list[Talk]:
        """All conversations about a face, in the order of the set."""
        rows = self._chats.slice(int(self._first[face]), int(self._count[face])).to_pylist()
        return [Talk(row["kind"], row["view"], row["messages"]) for row in rows]

    def evidence(self, face: int) -> AURecord:
        """What was measured on the face."""
        return AURecord.model_validate(json.loads(self._samples[face].as_py())["evidence"])

    def negatives(self, face: int) -> list[tuple[str, str]]:
        """(text made false by a minimal edit, what it was: `overview`, `region:2`, `summary`); empty in older sets."""
        rows = [] if self._negatives is None else self._negatives[face].as_py() or []
        return [(row["text"], row["of"]) for row in rows]

    def fingerprint(self) -> str:
        """16 hex digits over ids, labels and numbers of conversations."""
        digest = hashlib.sha256("\n".join(self.ids).encode())
        digest.update("\n".join(label or "" for label in self.labels).encode())
        digest.update(self._count.tobytes())
        return digest.hexdigest()[:16]


def load_talks(folders: tuple[Path, ...], split: str) -> Talks:
    """The faces of one split of sets that `fervlm annotate --embed` wrote.

    Args:
        folders: the sets; a face that stands in several is taken from the first.
        split: `train` or `val`.

    Raises:
        FervlmError: no such set, no chat view, no embedded pictures, or no face.
    """
    faces: list[pa.Table] = []
    chats: list[pa.Table] = []
    seen: set[str] = set()
    for folder in folders:
        table = _table(folder, "data", split, ["id", "image", "label", "sample", "negatives"])
        new = pa.array([name not in seen for name in table["id"].to_pylist()])
        table = table.filter(new)
        seen.update(table["id"].to_pylist())
        faces.append(table)
        chats.append(_table(folder, "chat", split, ["id", "kind", "view", "messages"]))
    joined = pa.concat_tables(faces)
    if not len(joined):
        raise FervlmError(f"no faces of the split '{split}'", file=folders[0])
    first = joined["image"][0].as_py()
    if not isinstance(first, dict) or first.get("bytes") is None:
        raise FervlmError(
            "the set holds no pictures, only their names",
            file=folders[0],
            hint="Make it with: fervlm annotate --embed.",
        )
    return Talks(joined.combine_chunks(), pa.concat_tables(chats).combine_chunks())


def _table(folder: Path, part: str, split: str, columns: list[str]) -> pa.Table:
    files = sorted((folder / part).glob(f"{_SPLITS.get(split, split)}-*.parquet"))
    if not files:
        raise FervlmError(
            f"the set has no {part}/{_SPLITS.get(split, split)}-*.parquet",
            file=folder,
            hint="Make it with: fervlm annotate --embed.",
        )
    try:
        kept = [name for name in columns if name in pq.read_schema(files[0]).names]
        return pa.concat_tables([pq.read_table(file, columns=kept) for file in files])
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0][:160]
        raise FervlmError(f"the set cannot be read ({reason})", file=folder) from None


def _ranges(ids: list[str], rows: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First row and number of rows of each face; the conversations of a face follow each other."""
    edges = np.flatnonzero(np.append(True, rows[1:] != rows[:-1])) if len(rows) else np.zeros(0, np.int64)
    counts = np.diff(np.append(edges, len(rows)))
    found: dict[str, tuple[int, int]] = {}
    for start, count in zip(edges.tolist(), counts.tolist(), strict=True):
        found.setdefault(rows[start], (start, count))
    places = [found.get(name, (0, 0)) for name in ids]
    return np.array([p[0] for p in places], np.int64), np.array([p[1] for p in places], np.int64)
