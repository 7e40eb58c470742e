"""BP4D: AU occurrence of 41 persons in eight tasks, three folds over persons."""

from __future__ import annotations

from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import cells_in, first_there, need
from fervlm.errors import FervlmError
from fervlm.facs import tables

SET = tables.document("label_sets")["bp4d"]
UNITS: tuple[int, ...] = tuple(SET["aus12"])
MISSING = str(SET["missing_code"])
PARTS = (
    ("F001", "M007", "F018", "F008", "F002", "M004", "F010", "F009", "M012", "M001", "F016", "M014", "F023", "M008"),
    ("M011", "F003", "M010", "M002", "F005", "F022", "M018", "M017", "F013", "M016", "F020", "F011", "M013", "M005"),
    ("F007", "F015", "F006", "F019", "M006", "M009", "F012", "M003", "F004", "F021", "F017", "M015", "F014"),
)
TESTED = {1: 2, 2: 1, 3: 0}
"""Fold -> the part that is tested: fold 1 trains on parts 1 and 2."""
TASKS = tuple(f"T{k}" for k in range(1, 9))


def load(root: Path, choice: Choice) -> list[Item]:
    """`AUCoding/AU_OCC/F001_T1.csv`: the first column (head 0) is the frame, 9 means not codable."""
    notes = first_there("folder of AU codes", root / "AUCoding" / "AU_OCC", root / "AU_OCC")
    pictures = first_there("folder of pictures", root / "img", root / "2D+3D", root / "Sequences")
    assert choice.fold is not None
    chosen = [p for k, part in enumerate(PARTS) if (k == TESTED[choice.fold]) == (choice.split == "test") for p in part]
    items = []
    for person in chosen:
        for task in TASKS:
            path = notes / f"{person}_{task}.csv"
            if path.is_file():
                items += _task(path, pictures, person, task)
    if not items:
        need(notes / f"{chosen[0]}_T1.csv", "AU codes of the fold's first person")
    return items


def _task(path: Path, pictures: Path, person: str, task: str) -> list[Item]:
    items = []
    for row, cells in cells_in(path, "AU codes", ("0", *map(str, UNITS))):
        if not cells["0"].isdigit():
            raise FervlmError("the frame is no number", file=path, row=row, column="0")
        frame = cells["0"]
        names = [pictures / person / task / f"{name}.jpg" for name in (frame, frame.zfill(3), frame.zfill(4))]
        picture = next((p for p in names if p.is_file()), None)
        coded = {au: cells[str(au)] == "1" for au in UNITS if cells[str(au)] != MISSING}
        if picture is not None and coded:
            items.append(Item(id=f"{person}/{task}/{frame}", picture=picture, units=coded, subject=person))
    return items


BENCHMARKS = (
    Benchmark(
        name="bp4d",
        title="BP4D, presence of 12 AUs",
        task="units",
        load=load,
        layout="DIR/AUCoding/AU_OCC/F001_T1.csv and DIR/img/F001/T1/2440.jpg",
        seen="seen in published code: CVI-SZU/ME-GraphAU tool/BP4D_image_label_process.py (columns, persons of the "
        "three parts, which fold tests which)",
        terms="research only, after signing",
        access="https://www.cs.binghamton.edu/~lijun/Research/3DFE/3DFE_Analysis.html, on request",
        splits=("test", "train"),
        folds=3,
        units=UNITS,
        anchor="BP4D",
        probe="**/AU_OCC/F001_T1.csv",
        note="9 means not codable and is left out; frames' names have three or four digits; report the mean over folds",
    ),
)
