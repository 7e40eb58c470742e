"""One's own data as a CSV: what is true of each picture or clip, and who it shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import PICTURES, cells_in, frames_of, need
from fervlm.errors import FervlmError

OWN = frozenset({"id", "file", "label", "split", "subject", "valence", "arousal", "text", "crop", "subset"})
"""Other columns: `AU12` is presence (0, 1 or empty), `AU12_level` a level 0 to 5, `group:NAME` a group to audit."""


def load(root: Path, choice: Choice) -> list[Item]:
    """The rows of a split (all rows where the column is missing or empty)."""
    path = manifest_of(root)
    items = []
    for row, cells in cells_in(path, "manifest", ("file",)):
        if not cells["file"]:
            raise FervlmError("the row names no file", file=path, row=row, column="file")
        if cells.get("split") in {"", None, choice.split}:
            items.append(_item(path, row, cells))
    return items


def manifest_of(root: Path) -> Path:
    """The CSV itself, or `manifest.csv` in a folder."""
    return root if root.is_file() else need(root / "manifest.csv", "manifest")


def _item(path: Path, row: int, cells: dict[str, str]) -> Item:
    place = path.parent / cells["file"]
    coded = {key: value for key, value in cells.items() if key.upper().startswith("AU") and value}
    clip = place.is_dir()
    return Item(
        id=cells.get("id") or cells["file"],
        picture=place if not clip and place.suffix.lower() in PICTURES else None,
        frames=frames_of(place) if clip else (),
        video=place if not clip and place.suffix.lower() not in PICTURES else None,
        label=cells.get("label") or None,
        units={_au(path, row, k): _number(path, row, k, v) != 0 for k, v in coded.items() if not _level(k)} or None,
        levels={_au(path, row, k): _number(path, row, k, v) for k, v in coded.items() if _level(k)} or None,
        valence=_number(path, row, "valence", cells["valence"]) if cells.get("valence") else None,
        arousal=_number(path, row, "arousal", cells["arousal"]) if cells.get("arousal") else None,
        text=cells.get("text") or None,
        subject=cells.get("subject") or None,
        groups={k.removeprefix("group:"): v for k, v in cells.items() if k.startswith("group:") and v},
        subsets=tuple(part for part in cells.get("subset", "").split(";") if part),
        crop=cells.get("crop") in {"1", "yes", "true"},
    )


def _level(column: str) -> bool:
    return column.lower().endswith("_level")


def _au(path: Path, row: int, column: str) -> int:
    digits = column[2:].lower().removesuffix("_level").lstrip("0")
    if not digits.isdigit():
        raise FervlmError(f"'{column}' names no action unit", file=path, row=row, hint="Write AU12 or AU12_level.")
    return int(digits)


def _number(path: Path, row: int, column: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise FervlmError(f"'{value}' is no number", file=path, row=row, column=column) from None


def fitted(one: Benchmark, root: Path) -> Benchmark:
    """The benchmark with the labels and AUs that the user's data have."""
    rows = [cells for _, cells in cells_in(manifest_of(root), "manifest", ("file",))]
    labels = tuple(sorted({cells["label"] for cells in rows if cells.get("label")}))
    units = {_au(root, 1, k) for k in rows[0] if k.upper().startswith("AU")} if rows else set()
    return replace(one, labels=labels, units=tuple(sorted(units)))


BENCHMARKS = (
    Benchmark(
        name="manifest",
        title="Your own data as a CSV",
        task="expression",
        load=load,
        layout="DIR/manifest.csv (or the CSV): file, and any of id, label, split, subject, valence, arousal, text, "
        "crop, subset (parts that are scored alone, between ;), group:NAME, AU12 (0 or 1), AU12_level (0 to 5)",
        seen="our own convention",
        terms="yours",
        access="yours",
        splits=("test", "val", "train"),
        fit=fitted,
        note="a file is a picture, a video, or a folder of frames; rows without a split belong to every split",
    ),
)
