"""Faces val: 1,052 photographs of FER2013, muxspace and the London set, persons apart from those trained on."""

from __future__ import annotations

import csv
from pathlib import Path

from eval.item import Benchmark, Choice, Item
from fervlm.errors import FervlmError
from fervlm.facs.labels import BASIC7, BASIC8


def load(root: Path, choice: Choice) -> list[Item]:
    """The rows of a split of `faces/manifest.csv`: the sources' own crops, and whole heads of the London set."""
    folder = root / "faces" if (root / "faces").is_dir() else root
    path = folder / "manifest.csv"
    if not path.is_file():
        raise FervlmError("there is no manifest here", file=path)
    with path.open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["split"] == choice.split and row["label"] in BASIC8]
    return [
        Item(
            id=row["file"],
            picture=folder / row["file"],
            label=row["label"],
            subject=row["subject"] or None,
            groups={"source": row["source"]},
            subsets=(row["source"],),
            crop=row["source"] != "london",
        )
        for row in rows
    ]


BENCHMARKS = (
    Benchmark(
        name="faces_val",
        title="Development faces, validation part",
        task="expression",
        labels=BASIC7,
        load=load,
        layout="DIR/faces/manifest.csv (file, label, split, source, subject) and the pictures beside it",
        seen="our own set; its SOURCES.md describes it",
        terms="measuring only; london is CC-BY 4.0 (DeBruine & Jones 2017), the others see SOURCES.md",
        access="the project's shared material",
        counts={"val": 1052, "train": 6957},
        splits=("val", "train"),
        probe="faces/manifest.csv",
        note="FER2013 part balanced to at most 100 a class; in the London set's pictures the face is found first",
    ),
)
