"""Other people's explained-expression sets: their texts, labels and AU values, one item after the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from data_engine.foreign_layouts import FOREIGN, Foreign, ForeignFormat, entries
from fervlm.errors import FervlmError, ReadError
from fervlm.readers.json_items import items
from fervlm.readers.source import Origin


def read_foreign(path: str | Path, name: str | None = None) -> tuple[ForeignFormat, Iterator[Foreign]]:
    """The format of a file (or a MER-Factory output folder) and its items, streamed.

    Raises:
        ReadError: not JSON, or of no known layout.
        FervlmError: there is no format of this name.
    """
    files = _files(Path(path))
    first = next(iter(items(Origin(files[0]))))[1]
    chosen = _chosen(first, name, files[0])
    return chosen, _items(files, chosen)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted([*path.rglob("*_merr_data.json"), *path.rglob("*_image_analysis.json")])
    if not found:
        raise ReadError(
            "the folder holds neither a finished set nor MER-Factory's output",
            file=path,
            hint="Give a set made by `fervlm annotate`, or a JSON file.",
        )
    return found


def _chosen(first: object, name: str | None, file: Path) -> ForeignFormat:
    if name is not None:
        if name not in FOREIGN:
            raise FervlmError(f"there is no such layout '{name}'", hint=f"Known: {', '.join(FOREIGN)}.")
        return FOREIGN[name]
    found = [known for known in FOREIGN.values() if isinstance(first, dict) and known.matches(first)]
    if not found:
        raise ReadError(
            "this is no layout that is known", file=file, hint=f"Say which with --input-format: {', '.join(FOREIGN)}."
        )
    return found[0]


def _items(files: list[Path], chosen: ForeignFormat) -> Iterator[Foreign]:
    for file in files:
        for row, item in items(Origin(file)):
            if not isinstance(item, dict):
                raise ReadError("the item is no object", file=file, row=row)
            for one in entries(item):
                yield chosen.read(one, row, file.name)
