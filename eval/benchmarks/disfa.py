"""DISFA: AU levels of 27 persons, frame by frame; presence from level 2, three folds over persons."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Any

from eval.item import Benchmark, Choice, Item
from eval.layout import first_there, need
from fervlm.errors import FervlmError
from fervlm.facs import tables

SET = tables.document("label_sets")["disfa"]
LEVELS: tuple[int, ...] = tuple(SET["aus"])
EIGHT: tuple[int, ...] = tuple(SET["benchmark8"])
PRESENT_FROM = 2
PARTS = (
    ("SN002", "SN010", "SN001", "SN026", "SN027", "SN032", "SN030", "SN009", "SN016"),
    ("SN013", "SN018", "SN011", "SN028", "SN012", "SN006", "SN031", "SN021", "SN024"),
    ("SN003", "SN029", "SN023", "SN025", "SN008", "SN005", "SN007", "SN017", "SN004"),
)
"""Persons of the three parts in common use."""
TESTED = {1: 2, 2: 1, 3: 0}
"""Fold -> the part that is tested: fold 1 trains on parts 1 and 2."""
Frame = tuple[str, int, dict[int, int]]


def frames(root: Path, choice: Choice) -> list[Frame]:
    """(person, frame, AU -> level) of the persons of a fold."""
    notes = need(root / "ActionUnit_Labels", "folder of AU labels")
    test = choice.split == "test"
    tested = None if choice.fold is None else TESTED[choice.fold]
    persons = [person for k, part in enumerate(PARTS) if (k == tested) == test for person in part]
    found: list[Frame] = []
    for person in (p for p in persons if (notes / p).is_dir()):
        levels: dict[int, dict[int, int]] = {}
        for au in LEVELS:
            path = need(notes / person / f"{person}_au{au}.txt", f"file of AU{au}")
            for row, line in enumerate(path.read_text(encoding="utf-8").split(), start=1):
                frame, comma, level = line.partition(",")
                if not comma or not frame.isdigit() or not level.isdigit() or int(level) > 5:
                    raise FervlmError("the line is not FRAME,LEVEL with a level of 0 to 5", file=path, row=row)
                levels.setdefault(int(frame), {})[au] = int(level)
        found += [(person, frame, levels[frame]) for frame in sorted(levels)]
    return found


def load(units: bool, root: Path, choice: Choice) -> list[Item]:
    """Frames whose picture is there, as presence of eight AUs or as levels of twelve."""
    pictures = first_there("folder of frames", *(root / name for name in ("aligned_images", "img", "frames")))
    items = []
    for person, frame, levels in frames(root, choice):
        picture = next((p for p in _names(pictures, person, frame) if p.is_file()), None)
        if picture is None:
            continue  # frames without a found face are left out by everyone's extraction
        presence = {au: levels[au] >= PRESENT_FROM for au in EIGHT if au in levels}
        told: dict[str, Any] = {"units": presence}
        if not units:
            told = {"levels": {au: float(level) for au, level in levels.items()}}
        items.append(Item(id=f"{person}/{frame}", picture=picture, subject=person, crop=True, **told))
    return items


def _names(pictures: Path, person: str, frame: int) -> list[Path]:
    """Label files count frames from 1; an extraction that holds a picture 0 counts from 0."""
    folder = pictures / person
    number = frame - 1 if _from_zero(folder) else frame
    return [folder / f"{form}{end}" for form in (str(number), f"{number:05d}") for end in (".png", ".jpg")]


@cache
def _from_zero(folder: Path) -> bool:
    return any((folder / f"{form}{end}").is_file() for form in ("0", "00000") for end in (".png", ".jpg"))


def _one(name: str, title: str, units: bool) -> Benchmark:
    return Benchmark(
        name=name,
        title=title,
        task="units" if units else "intensity",
        load=partial(load, units),
        layout="DIR/ActionUnit_Labels/SN001/SN001_au1.txt (FRAME,LEVEL) and DIR/aligned_images/SN001/1.png",
        seen="seen in published code: CVI-SZU/ME-GraphAU tool/DISFA_image_label_process.py (labels, persons of the "
        "parts, which fold tests which, frames from 0)",
        terms="research only, after signing",
        access="http://mohammadmahoor.com/disfa/, on request",
        splits=("test", "train"),
        folds=3,
        units=EIGHT if units else LEVELS,
        anchor="DISFA" if units else None,
        probe="ActionUnit_Labels/SN*",
        note="presence is level 2 and up; a folder with a picture 0 is counted from 0, else from 1 as the label files; "
        "report the mean over three folds",
    )


BENCHMARKS = (_one("disfa", "DISFA, presence of 8 AUs", True), _one("disfa_levels", "DISFA, levels of 12 AUs", False))
