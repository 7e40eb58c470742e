"""AffectNet validation faces with valence and arousal: the original CSV release, or the later one of .npy files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from eval.item import Benchmark, Choice, Item
from eval.layout import by_id, cells_in, labels_by_id, labels_of, need, pictures_in
from fervlm.errors import FervlmError

SPLITS = {"val": ("val_set", "validation.csv"), "train": ("train_set", "training.csv")}
COLUMNS = ("subDirectory_filePath", "expression", "valence", "arousal")
FORM = (
    "DIR/val_set/images/N.jpg and annotations/N_exp.npy, N_val.npy, N_aro.npy; or "
    "DIR/Manually_Annotated_file_lists/validation.csv and Manually_Annotated_Images/"
)
SEEN = (
    "seen in published code: several loaders of `annotations/N_exp.npy` and of "
    "`Manually_Annotated_file_lists/validation.csv` (columns subDirectory_filePath, expression, valence, arousal)"
)
TERMS = "research of the signing group only; no redistribution"
ACCESS = "http://mohammadmahoor.com/affectnet/, on request by the head of a laboratory"


def load(classes: str | None, root: Path, choice: Choice) -> list[Item]:
    """Faces whose class is one of `classes` (contempt of the 7-class protocol, none, uncertain, no face: left out)."""
    folder, listed = SPLITS[choice.split]
    rows = _from_arrays(root / folder) if (root / folder).is_dir() else _from_lists(root, listed)
    kept = labels_by_id(classes) if classes else labels_by_id("affectnet8")
    return [item for number, item in rows if number in kept]


def _from_arrays(folder: Path) -> list[tuple[int, Item]]:
    notes = need(folder / "annotations", "folder of annotations")
    found = []
    for picture in pictures_in(need(folder / "images", "folder of pictures")):
        values = [_value(notes / f"{picture.stem}_{part}.npy") for part in ("exp", "val", "aro")]
        found.append((int(values[0]), _item(picture.name, picture, *values)))
    return found


def _value(path: Path) -> float:
    try:
        return float(np.load(need(path, "annotation"), allow_pickle=False).item())
    except ValueError:
        raise FervlmError("the annotation is no number", file=path) from None


def _from_lists(root: Path, listed: str) -> list[tuple[int, Item]]:
    path = need(root / "Manually_Annotated_file_lists" / listed, "annotation list")
    pictures = need(root / "Manually_Annotated_Images", "folder of pictures")
    found = []
    for row, cells in cells_in(path, "annotation list", COLUMNS):
        try:
            values = [float(cells[name]) for name in COLUMNS[1:]]
        except ValueError:
            raise FervlmError("a number is missing", file=path, row=row) from None
        name = cells["subDirectory_filePath"]
        found.append((int(values[0]), _item(name, pictures / name, *values)))
    return found


def _item(name: str, picture: Path, expression: float, valence: float, arousal: float) -> Item:
    known = int(expression) in labels_by_id("affectnet8")
    told = valence > -1.5 and arousal > -1.5  # -2 stands where nobody could tell
    return Item(
        id=name,
        picture=picture,
        label=by_id("affectnet8", int(expression), picture) if known else None,
        valence=valence if told else None,
        arousal=arousal if told else None,
        crop=True,
    )


def _one(name: str, title: str, classes: str | None, count: int, anchor: str | None, train: int) -> Benchmark:
    return Benchmark(
        name=name,
        title=title,
        task="expression" if classes else "affect",
        labels=labels_of(classes) if classes else (),
        load=partial(load, classes),
        layout=FORM,
        seen=SEEN,
        terms=TERMS,
        access=ACCESS,
        counts={"val": count, "train": train},
        splits=("val", "train"),
        anchor=anchor,
        probe="val_set/annotations",
        note="ids begin at 0 with neutral; a copy in circulation is shifted by one (class001 to class008); the test "
        "set was never published, everyone reports on validation",
    )


BENCHMARKS = (
    _one("affectnet7", "AffectNet, 7 classes", "affectnet7", 3500, "AffectNet-7", 283901),
    _one("affectnet8", "AffectNet, 8 classes", "affectnet8", 3999, "AffectNet-8", 287651),
    _one("affectnet_va", "AffectNet, valence and arousal", None, 3999, None, 287651),
)
