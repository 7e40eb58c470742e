"""Faces to train on: pictures as one grey array, labels, action units and texts, from Parquet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fervlm.contrastive.pictures import Pictures
from fervlm.errors import FervlmError
from fervlm.facs.labels import BASIC8
from fervlm.facs.units import movement_units

_COLUMNS = (
    "id",
    "image",
    "label",
    "split",
    "source",
    "subject",
    "overview",
    "regions",
    "summary",
    "anchored_overview",
    "anchored_summary",
    "au_vector",
    "negatives",
)


@dataclass(frozen=True, slots=True)
class RegionSentence:
    """A sentence about a part of the face and the AUs it rests on."""

    text: str
    aus: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """The contrastive view of one caption (`data_engine`)."""

    overview: str
    summary: str
    anchored_overview: str | None
    anchored_summary: str | None
    regions: tuple[RegionSentence, ...]
    negatives: tuple[tuple[str, str], ...]
    """(text made false by a minimal edit, what it was: `overview`, `region:2`, `summary`)."""


@dataclass(frozen=True, slots=True)
class Faces:
    """N faces.

    Attributes:
        ids: N picture names.
        pictures: N squares.
        labels: int64 [N], index into `BASIC8`, -1 where there is no human label.
        units: int8 [N, A] in the order of `movement_units()`: 1 present, 0 absent, -1 not measured.
        sources: N names of the source set.
        texts: N captions, None where no detector found the face.
        subjects: N names of persons, None where not known; empty where nobody's is.
    """

    ids: list[str]
    pictures: Pictures
    labels: NDArray[np.int64]
    units: NDArray[np.int8]
    sources: list[str]
    texts: list[Texts | None]
    subjects: list[str | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, chosen: NDArray[np.bool_]) -> Faces:
        """The faces where `chosen` (bool [N]) holds."""
        kept = np.flatnonzero(chosen).tolist()
        return Faces(
            ids=[self.ids[i] for i in kept],
            pictures=self.pictures.take(kept),
            labels=self.labels[chosen],
            units=self.units[chosen],
            sources=[self.sources[i] for i in kept],
            texts=[self.texts[i] for i in kept],
            subjects=[self.subjects[i] for i in kept] if self.subjects else [],
        )

    def fingerprint(self) -> str:
        """16 hex digits over names, pictures, labels and units."""
        digest = hashlib.sha256("\n".join(self.ids).encode())
        for data in self.pictures.encoded():
            digest.update(hashlib.blake2b(data, digest_size=8).digest())
        for array in (self.labels, self.units):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()[:16]


def load_faces(paths: tuple[Path, ...], split: str, size: int = 64, *, colour: bool = False) -> Faces:
    """Faces of one split, from data engine sets (folders) and Parquet files with `image`, `label`, `split`.

    A picture that stands in several places is taken once, from the first that has it: name captioned sets first.

    Args:
        paths: folders written by `fervlm annotate --embed`, or Parquet files.
        split: `train` or `val`.
        size: side of the stored square, in pixels.
        colour: keep colours; grey otherwise.

    Raises:
        FervlmError: a file is missing or holds no pictures, or the split is empty.
    """
    seen: dict[str, dict[str, Any]] = {}
    for path in paths:
        for file in _files(path, split):
            for row in _rows(file):
                if row.get("split") not in (None, split):
                    continue
                name = row.get("id") or row["image"]["path"]
                seen.setdefault(name, row)
    if not seen:
        raise FervlmError(f"no faces of the split '{split}'", file=paths[0] if paths else None)
    rows = list(seen.values())
    width = len(movement_units())
    unmeasured = [-1] * width
    return Faces(
        ids=list(seen),
        pictures=Pictures([r["image"]["bytes"] for r in rows], size, colour=colour),
        labels=np.array([BASIC8.index(r["label"]) if r.get("label") in BASIC8 else -1 for r in rows], np.int64),
        units=np.array([r.get("au_vector") or unmeasured for r in rows], np.int8),
        sources=[r.get("source") or "" for r in rows],
        texts=[_texts(r) for r in rows],
        subjects=[r.get("subject") for r in rows],
    )


def _files(path: Path, split: str) -> list[Path]:
    if path.is_dir():
        name = "validation" if split == "val" else split
        files = sorted((path / "data").glob(f"{name}-*.parquet"))
        if not files:
            raise FervlmError(f"no {name} files in the set", file=path, hint="Make it with: fervlm annotate --embed.")
        return files
    if not path.is_file():
        raise FervlmError("there is no such set of faces", file=path)
    return [path]


def _rows(file: Path) -> list[dict[str, Any]]:
    try:
        parquet = pq.ParquetFile(file)
        names = [name for name in _COLUMNS if name in parquet.schema_arrow.names]
        if "image" not in names:
            raise FervlmError("the file holds no pictures (column 'image')", file=file)
        rows: list[dict[str, Any]] = parquet.read(columns=names).to_pylist()
    except (OSError, ValueError) as error:
        raise FervlmError(f"the file cannot be read as Parquet ({error})", file=file) from error
    return rows


def _texts(row: dict[str, Any]) -> Texts | None:
    if not row.get("overview"):
        return None
    return Texts(
        overview=row["overview"],
        summary=row["summary"],
        anchored_overview=row.get("anchored_overview"),
        anchored_summary=row.get("anchored_summary"),
        regions=tuple(RegionSentence(r["text"], tuple(r["aus"])) for r in row["regions"]),
        negatives=tuple((n["text"], n["of"]) for n in row["negatives"]),
    )
