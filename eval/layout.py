"""Parts of official layouts: files that must be there, tables, class folders, frames, labels by id or by name."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from eval.item import Item
from fervlm.errors import FervlmError
from fervlm.facs import label_set
from fervlm.facs.labels import canonical_label

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"})
VIDEOS = frozenset({".mp4", ".avi", ".mov", ".mkv", ".flv", ".webm"})


def need(path: Path, what: str) -> Path:
    """`path`, which must be there; `FervlmError` says what it is."""
    if not path.exists():
        raise FervlmError(f"the {what} is missing", file=path)
    return path


def first_there(what: str, *paths: Path) -> Path:
    """The first of several places that is there; `FervlmError` names them all."""
    for path in paths:
        if path.exists():
            return path
    raise FervlmError(f"the {what} is missing", file=paths[0], hint=f"Looked at: {', '.join(map(str, paths))}.")


def words_in(path: Path, what: str, least: int = 1) -> Iterator[tuple[int, list[str]]]:
    """(row, words) of each line that is not blank; a line with too few words is a `FervlmError`."""
    with need(path, what).open(encoding="utf-8-sig") as handle:
        for row, line in enumerate(handle, start=1):
            words = line.split()
            if not words:
                continue
            if len(words) < least:
                raise FervlmError(f"the line has {len(words)} words, {least} are needed", file=path, row=row)
            yield row, words


def cells_in(path: Path, what: str, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(row, cells) of a CSV with a head that must name `columns`."""
    with need(path, what).open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        head = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = head
        missing = [name for name in columns if name not in head]
        if missing:
            raise FervlmError(f"the column '{missing[0]}' is missing", file=path, row=1)
        for row, cells in enumerate(reader, start=2):
            yield row, {name: (value or "").strip() for name, value in cells.items() if isinstance(name, str)}


def pictures_in(folder: Path) -> list[Path]:
    """Picture files of a folder by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES) if folder.is_dir() else []


def frames_of(folder: Path, what: str = "clip's folder of frames") -> tuple[Path, ...]:
    """Frames in the order of the numbers in their names."""
    found = pictures_in(need(folder, what))
    if not found:
        raise FervlmError("there is no frame here", file=folder)
    return tuple(sorted(found, key=lambda path: (_number(path.stem), path.name)))


def _number(stem: str) -> int:
    digits = "".join(c if c.isdigit() else " " for c in stem).split()
    return int(digits[-1]) if digits else 0


@cache
def labels_by_id(name: str) -> dict[int, str]:
    """Id -> label of a set of `label_sets.yaml`, in plain words ("happily surprised", "happiness")."""
    chosen = label_set(name)
    return {number: plain(label) for label, number in chosen.ids.items()}


def plain(label: str) -> str:
    """A label as the FACS tables spell it where they know it ("Happy" is happiness), else in lower case."""
    known = canonical_label(label)
    return (known or label).replace("_", " ").lower()


def labels_of(name: str) -> tuple[str, ...]:
    """All labels of a set in plain words, in its order."""
    return tuple(plain(label) for label in label_set(name).labels)


def by_id(name: str, number: str | int, path: Path, row: int | None = None) -> str:
    """The label with an id; `FervlmError` where the set has no such id, which a wrong base or another order betrays."""
    known = labels_by_id(name)
    try:
        return known[int(float(number))]
    except (KeyError, ValueError):
        told = f"{min(known)} to {max(known)}"
        raise FervlmError(f"'{number}' is no class id of {name}, which has {told}", file=path, row=row) from None


def class_folders(root: Path, labels: Sequence[str], *, video: bool = False) -> list[Item]:
    """One item per file (a picture, or a video or a folder of frames) below folders named for classes.

    Folder names are matched by what they mean, so Angry, Anger and anger are one. A folder that means none of the
    labels is a `FervlmError`, and so is a label without a folder.
    """
    wanted = {plain(label): label for label in labels}
    found: list[Item] = []
    seen: set[str] = set()
    for folder in sorted(path for path in need(root, "folder of classes").iterdir() if path.is_dir()):
        label = wanted.get(plain(folder.name.strip()))
        if label is None:
            raise FervlmError(f"the folder '{folder.name}' is no class of this set", file=root, hint=_known(labels))
        seen.add(label)
        for path in sorted(folder.iterdir()):
            item = _clip(path, root, label) if video else _picture(path, root, label)
            if item is not None:
                found.append(item)
    missing = [label for label in labels if label not in seen]
    if missing:
        raise FervlmError(f"there is no folder for '{missing[0]}'", file=root, hint=_known(labels))
    return found


def _known(labels: Sequence[str]) -> str:
    return f"Its classes: {', '.join(labels)}."


def _picture(path: Path, root: Path, label: str) -> Item | None:
    if path.suffix.lower() not in PICTURES:
        return None
    return Item(id=path.relative_to(root).as_posix(), picture=path, label=label)


def _clip(path: Path, root: Path, label: str) -> Item | None:
    name = path.relative_to(root).as_posix()
    if path.is_dir():
        return Item(id=name, frames=frames_of(path), label=label)
    return Item(id=name, video=path, label=label) if path.suffix.lower() in VIDEOS else None
