"""The first sheet of an .xlsx file as rows of texts: the micro-expression sets keep their labels in such files.

Standard library only: an .xlsx file is a ZIP of XML. Numbers come back as written; formulas as the value last computed.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from fervlm.errors import FervlmError

_SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_PLACE = re.compile(r"([A-Z]+)\d+")


def rows_of(path: Path) -> Iterator[list[str]]:
    """Every row, from column A on; empty cells are empty texts.

    Raises:
        FervlmError: no such file, or no .xlsx.
    """
    if not path.is_file():
        raise FervlmError("the label table is missing", file=path)
    try:
        with zipfile.ZipFile(path) as held:
            names = held.namelist()
            shared = _shared(held.read("xl/sharedStrings.xml")) if "xl/sharedStrings.xml" in names else []
            sheet = min(name for name in names if name.startswith("xl/worksheets/sheet"))
            root = ElementTree.fromstring(held.read(sheet))
    except (zipfile.BadZipFile, ElementTree.ParseError, ValueError, KeyError):
        raise FervlmError("is no .xlsx file that can be read", file=path) from None
    for row in root.iter(f"{_SPACE}row"):
        cells: dict[int, str] = {}
        for place, cell in enumerate(row.iter(f"{_SPACE}c")):
            found = _PLACE.fullmatch(cell.get("r", ""))
            cells[_column(found[1]) if found else place] = _text(cell, shared)
        yield [cells.get(k, "") for k in range(max(cells, default=-1) + 1)]


def table_of(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """(row, cells) below the first row that names all `columns`; notes above it are passed over.

    Raises:
        FervlmError: no row names them.
    """
    head: list[str] | None = None
    for number, row in enumerate(rows_of(path), start=1):
        if head is None:
            named = [cell.strip() for cell in row]
            head = named if set(columns) <= set(named) else None
            continue
        cells = {name: row[k].strip() if k < len(row) else "" for k, name in enumerate(head) if name}
        if any(cells.values()):
            yield number, cells
    if head is None:
        raise FervlmError(f"no row names the columns {', '.join(columns)}", file=path)


def _shared(data: bytes) -> list[str]:
    root = ElementTree.fromstring(data)
    return ["".join(part.text or "" for part in one.iter(f"{_SPACE}t")) for one in root.iter(f"{_SPACE}si")]


def _text(cell: ElementTree.Element, shared: list[str]) -> str:
    if cell.get("t") == "inlineStr":
        return "".join(part.text or "" for part in cell.iter(f"{_SPACE}t"))
    value = cell.find(f"{_SPACE}v")
    if value is None or value.text is None:
        return ""
    return shared[int(value.text)] if cell.get("t") == "s" else value.text


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
