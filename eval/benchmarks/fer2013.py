"""FER2013 and FERPlus: the challenge's CSV of pixels, and the ten votes a picture that FERPlus adds."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from eval.item import Benchmark, Choice, Item
from eval.layout import by_id, cells_in, first_there, labels_of, need
from fervlm.errors import FervlmError

USAGE = {"test": "PrivateTest", "val": "PublicTest", "train": "Training"}
FOLDERS = {"test": "FER2013Test", "val": "FER2013Valid", "train": "FER2013Train"}
VOTED = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
EIGHT = labels_of("ferplus")


def fer2013(root: Path, choice: Choice) -> list[Item]:
    """`fer2013.csv`: emotion, pixels (48 x 48 numbers), Usage."""
    path = root if root.is_file() else need(root / "fer2013.csv", "challenge's CSV")
    items = []
    for row, cells in cells_in(path, "challenge's CSV", ("emotion", "pixels", "Usage")):
        if cells["Usage"] == USAGE[choice.split]:
            label = by_id("fer2013", cells["emotion"], path, row)
            items.append(Item(id=f"row{row}", data=_png(cells["pixels"], path, row), label=label, crop=True))
    return items


def _png(pixels: str, path: Path, row: int) -> bytes:
    values = np.array(pixels.split(), np.uint8)
    if values.size != 48 * 48:
        raise FervlmError(f"{values.size} pixels, 48 x 48 are needed", file=path, row=row, column="pixels")
    buffer = io.BytesIO()
    Image.fromarray(values.reshape(48, 48)).save(buffer, "PNG")
    return buffer.getvalue()


def ferplus(root: Path, choice: Choice) -> list[Item]:
    """`fer2013new.csv` beside `fer2013.csv` (same rows in the same order) or the folders of pictures made from it."""
    path = first_there("FERPlus votes", root / "fer2013new.csv", root / "FERPlus" / "fer2013new.csv")
    folder = root / "data" / FOLDERS[choice.split]
    folder = folder if folder.is_dir() else root / FOLDERS[choice.split]
    pixels = None if folder.is_dir() else _pixels(root)
    items = []
    for row, cells in cells_in(path, "FERPlus votes", ("Usage", "Image name", *VOTED)):
        label = majority(cells, path, row)
        if cells["Usage"] != USAGE[choice.split] or label is None or not cells["Image name"]:
            continue
        name = cells["Image name"]
        if pixels is None:
            items.append(Item(id=name, picture=folder / name, label=label, crop=True))
        else:
            items.append(Item(id=name, data=_png(pixels[row], path, row), label=label, crop=True))
    return items


def _pixels(root: Path) -> dict[int, str]:
    path = need(root / "fer2013.csv", "challenge's CSV with the pixels")
    return {row: cells["pixels"] for row, cells in cells_in(path, "challenge's CSV", ("pixels",))}


def majority(cells: dict[str, str], path: Path, row: int) -> str | None:
    """The label with most votes; None where 'unknown' or 'no face' has most, or where labels tie for the lead."""
    try:
        votes = {name: int(cells[name]) for name in VOTED}
    except ValueError:
        raise FervlmError("a count of votes is no number", file=path, row=row) from None
    most = max(votes.values())
    leading = [name for name, count in votes.items() if count == most]
    return leading[0] if len(leading) == 1 and leading[0] in EIGHT else None


TERMS = "challenge data gathered by web search; research use; copies on data hubs say 'public domain' or DbCL"
BENCHMARKS = (
    Benchmark(
        name="fer2013",
        title="FER2013",
        task="expression",
        labels=labels_of("fer2013"),
        load=fer2013,
        layout="DIR/fer2013.csv with emotion, pixels, Usage",
        seen="seen in published code: many loaders of the challenge's CSV",
        terms=TERMS,
        access="the ICML 2013 challenge's page on Kaggle",
        counts={"test": 3589, "val": 3589, "train": 28709},
        splits=("test", "val", "train"),
        anchor="FER2013",
        probe="fer2013.csv",
        note="test is PrivateTest; human agreement is about 65 %",
    ),
    Benchmark(
        name="ferplus",
        title="FERPlus",
        task="expression",
        labels=EIGHT,
        load=partial(ferplus),
        layout="DIR/fer2013new.csv beside DIR/fer2013.csv, or beside FER2013Test/*.png as its script makes them",
        seen="seen in published code: microsoft/FERPlus README and generator script (columns, folders)",
        terms="votes MIT; pictures as FER2013",
        access="github.com/microsoft/FERPlus",
        counts={"test": 3589, "val": 3589, "train": 28709},
        splits=("test", "val", "train"),
        anchor="FERPlus",
        probe="**/fer2013new.csv",
        note="majority of ten votes; rows whose lead is unknown, no face or a tie are left out, so fewer items than "
        "rows remain; papers differ in this",
    ),
)
