"""Aff-Wild2 as the ABAW challenges distribute it: valence and arousal, expressions, AUs, frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import first_there, need
from fervlm.errors import FervlmError
from fervlm.facs import tables

SPLITS = {"val": "Validation_Set", "train": "Train_Set"}
LABELS = ("neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise", "other")
UNITS: tuple[int, ...] = tuple(tables.document("label_sets")["abaw_affwild2"]["au"])
IGNORED = -5.0
Row = Callable[[list[str]], dict[str, object] | None]


def _affect(cells: list[str]) -> dict[str, object] | None:
    valence, arousal = map(float, cells[:2])
    return None if IGNORED in (valence, arousal) else {"valence": valence, "arousal": arousal}


def _expression(cells: list[str]) -> dict[str, object] | None:
    number = int(cells[0])
    return {"label": LABELS[number]} if 0 <= number < len(LABELS) else None


def _units(cells: list[str]) -> dict[str, object] | None:
    values = [int(cell) for cell in cells[: len(UNITS)]]
    coded = {au: value == 1 for au, value in zip(UNITS, values, strict=True) if value in (0, 1)}
    return {"units": coded} if coded else None


def load(challenges: tuple[str, ...], read: Row, root: Path, choice: Choice) -> list[Item]:
    """One annotation file per video, a head and then a line per frame; frames without an annotation are left out."""
    notes = root / "annotations" if (root / "annotations").is_dir() else root
    folder = first_there("folder of annotations", *(notes / name / SPLITS[choice.split] for name in challenges))
    pictures = first_there(
        "folder of aligned faces", root / "cropped_aligned", root / "cropped_aligned" / "cropped_aligned"
    )
    items = []
    for path in sorted(folder.glob("*.txt")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()[1:], start=1):
            picture = pictures / path.stem / f"{number:05d}.jpg"
            if not line.strip() or not picture.is_file():
                continue  # a frame whose face was not found has no picture in the distribution
            try:
                told = read(line.split(","))
            except ValueError:
                raise FervlmError("the line cannot be read", file=path, row=number + 1) from None
            if told is not None:
                name = f"{path.stem}/{number:05d}"
                items.append(Item(id=name, picture=picture, subject=path.stem, crop=True, **told))  # type: ignore[arg-type]
    need(pictures, "folder of aligned faces")
    return items


TERMS = "research only, after signing by a permanent member of staff"
ACCESS = "https://ibug.doc.ic.ac.uk/resources/aff-wild2/, on request"
SEEN = (
    "seen in published code: several ABAW loaders of annotations/{VA_Estimation,EXPR_Classification or "
    "EXPR_Recognition,AU_Detection}_Challenge/Validation_Set/VIDEO.txt and cropped_aligned/VIDEO/00001.jpg"
)


def _one(name: str, title: str, kind: str, challenges: tuple[str, ...], read: Row) -> Benchmark:
    return Benchmark(
        name=name,
        title=title,
        task=kind,  # type: ignore[arg-type]
        labels=LABELS if kind == "expression" else (),
        load=partial(load, challenges, read),
        layout=f"DIR/annotations/{challenges[0]}/Validation_Set/*.txt and DIR/cropped_aligned/VIDEO/00001.jpg",
        seen=SEEN,
        terms=TERMS,
        access=ACCESS,
        splits=("val", "train"),
        units=UNITS if kind == "units" else (),
        probe=f"**/{challenges[0]}",
        note="-5 (valence, arousal) and -1 (expression, AU) mean not annotated; videos count as persons",
    )


BENCHMARKS = (
    _one("aff_wild2_va", "Aff-Wild2, valence and arousal", "affect", ("VA_Estimation_Challenge",), _affect),
    _one(
        "aff_wild2_expr",
        "Aff-Wild2, expressions",
        "expression",
        ("EXPR_Recognition_Challenge", "EXPR_Classification_Challenge"),
        _expression,
    ),
    _one("aff_wild2_au", "Aff-Wild2, action units", "units", ("AU_Detection_Challenge",), _units),
)
