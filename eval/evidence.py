"""Detector files as evidence for a benchmark's items, joined by picture name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from eval.item import Item
from fervlm.errors import FervlmError
from fervlm.readers import read
from fervlm.records import AURecord


def records_by_picture(path: str | Path, wanted: Iterable[str], input_format: str | None = None) -> dict[str, AURecord]:
    """Picture name -> record, for the names asked for (whole name, else its last part, with or without suffix).

    Args:
        path: a detector's file, or a folder of such files.
        wanted: names of pictures.
        input_format: overrules the detection of the format.

    Raises:
        FervlmError: the file cannot be read.
    """
    keys: dict[str, str] = {}
    for name in wanted:
        for key in _keys(name):
            keys.setdefault(key, name)
    found: dict[str, AURecord] = {}
    files = sorted(p for p in Path(path).iterdir() if p.is_file()) if Path(path).is_dir() else [path]
    for record in (record for file in files for record in read(file, input_format)):
        for key in _keys(record.picture or record.id):
            if key in keys:
                found.setdefault(keys[key], record)
                break
    return found


def _keys(name: str) -> tuple[str, ...]:
    plain = PurePath(name.replace("\\", "/"))
    return tuple(dict.fromkeys((name, str(plain.with_suffix("")), plain.name, plain.stem)))


def with_evidence(items: Sequence[Item], path: str | Path, input_format: str | None = None) -> list[Item]:
    """The items, each with its record where the file holds one; clips each with the file of a folder named like them.

    Raises:
        FervlmError: there is nothing for any of them.
    """
    if any(item.is_clip for item in items):
        return _with_recordings(items, Path(path), input_format)
    names = {item.id: item.picture.name if item.picture is not None else item.id for item in items}
    found = records_by_picture(path, [*names, *names.values()], input_format)
    made = []
    for item in items:
        record = found.get(item.id) or found.get(names[item.id])
        made.append(item if record is None else replace(item, record=record))
    if not found:
        example = next(iter(names))
        raise FervlmError(
            f"it holds none of the {len(items)} items, for example '{example}'",
            file=path,
            hint="Records are joined by picture name.",
        )
    return made


def _with_recordings(items: Sequence[Item], folder: Path, input_format: str | None) -> list[Item]:
    if not folder.is_dir():
        raise FervlmError(
            "is no folder", file=folder, hint="Evidence of clips is a folder with one detector file for each of them."
        )
    files = {file.stem: file for file in sorted(folder.iterdir()) if file.is_file()}
    made = []
    for item in items:
        names = [item.video.stem] if item.video is not None else [item.frames[0].parent.name] if item.frames else []
        file = next((files[name] for name in (PurePath(item.id).stem, *names) if name in files), None)
        made.append(item if file is None else replace(item, recording=file, recording_format=input_format))
    if all(item.recording is None for item in made):
        name = PurePath(items[0].id).stem
        raise FervlmError(
            f"it holds a file for none of the {len(items)} clips, for example '{name}.csv'",
            file=folder,
            hint="Files are joined by the clip's name.",
        )
    return made
