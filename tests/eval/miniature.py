"""Tiny files for miniatures of official layouts."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import cv2
import numpy as np
from PIL import Image

from eval.catalogue import benchmark
from eval.item import Choice, Item


def png(path: Path, shade: int = 128, side: int = 8) -> Path:
    """A flat grey picture; the suffix decides the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (side, side), shade).save(path)
    return path


def png_bytes(shade: int = 128, side: int = 8) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (side, side), shade).save(buffer, "PNG")
    return buffer.getvalue()


def text(path: Path, lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lines, encoding="utf-8")
    return path


def frames(folder: Path, count: int = 3, form: str = "{:d}.jpg") -> Path:
    for k in range(1, count + 1):
        png(folder / form.format(k), 40 * k)
    return folder


def video(path: Path, shades: Sequence[int] = (40, 80, 120, 160), side: int = 16) -> Path:
    """An AVI of flat pictures (MJPG), 10 a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    code = cv2.VideoWriter.fourcc(*"MJPG")
    out = cv2.VideoWriter(str(path), code, 10.0, (side, side))
    for shade in shades:
        out.write(np.full((side, side, 3), shade, np.uint8))
    out.release()
    return path


def xlsx(path: Path, rows: Sequence[Sequence[str | float]]) -> Path:
    """A minimal workbook: texts shared, numbers as they are, empty cells left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    shared: list[str] = []
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = []
        for k, value in enumerate(row):
            place = f'r="{chr(ord("A") + k)}{number}"'
            if isinstance(value, str) and value:
                shared.append(value)
                cells.append(f'<c {place} t="s"><v>{len(shared) - 1}</v></c>')
            elif not isinstance(value, str):
                cells.append(f"<c {place}><v>{value}</v></c>")
        lines.append(f"<row>{''.join(cells)}</row>")
    with zipfile.ZipFile(path, "w") as held:
        texts = "".join(f"<si><t>{escape(word)}</t></si>" for word in shared)
        held.writestr("xl/sharedStrings.xml", f"<sst {space}>{texts}</sst>")
        sheet = f"<worksheet {space}><sheetData>{''.join(lines)}</sheetData></worksheet>"
        held.writestr("xl/worksheets/sheet1.xml", sheet)
    return path


def items_of(name: str, root: Path, split: str | None = None, fold: int | None = None) -> dict[str, Item]:
    """A benchmark's items by id."""
    one = benchmark(name)
    return {item.id: item for item in one.items(root, Choice(split or one.splits[0], fold))}


def labels_of(name: str, root: Path, split: str | None = None, fold: int | None = None) -> dict[str, str | None]:
    """Id -> label."""
    return {key: item.label for key, item in items_of(name, root, split, fold).items()}
