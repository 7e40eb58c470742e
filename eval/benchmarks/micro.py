"""Micro-expressions: CASME II, SAMM, their composite, and AUs across six databases (CD6ME), one left out at a time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import frames_of, need
from eval.sheet import table_of
from fervlm.errors import FervlmError
from fervlm.facs import tables

SETS = tables.document("label_sets")
FIVE = tuple(SETS["casme2"]["benchmark5"])
CD6_UNITS = tuple(int(name[2:]) for name in SETS["cd6me"]["aus"])
MEMBERS = ("casme", "casme2", "samm", "fourd", "mmew", "casme3")
"""Folders of the composite; fold k leaves out (tests) the k-th."""
POLARITY = {
    "happiness": "positive", "surprise": "surprise", "anger": "negative", "contempt": "negative", "disgust": "negative",
    "sadness": "negative", "fear": "negative", "repression": "negative",
}  # fmt: skip
CASME2 = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion")
SAMM = ("Subject", "Filename", "Onset Frame", "Apex Frame", "Offset Frame", "Action Units", "Estimated Emotion")
_CODE = re.compile(r"[LRlr]?(\d{1,2})[A-Ea-e]?")


def units_in(text: str) -> frozenset[int]:
    """AUs of a code such as `R12+4` or `L14 + 7B`; words and question marks are passed over."""
    parts = re.split(r"[+,/ ]+", text.replace("AU", ""))
    return frozenset(int(found[1]) for part in parts if (found := _CODE.fullmatch(part.strip("?()"))) and int(found[1]))


def _rows(path: Path, columns: tuple[str, ...], clips: Path, folder: str) -> list[Item]:
    """Items of one table: frames from onset to offset, the label as written in lower case, AUs as coded."""
    items = []
    for row, cells in table_of(path, columns):
        name = cells["Filename"]
        subject = cells["Subject"].removesuffix(".0")
        if not name or not subject:
            continue
        where = clips / folder.format(subject=subject.zfill(2 if columns is CASME2 else 3)) / name
        frames = frames_of(where) if where.is_dir() else ()
        if not frames:
            raise FervlmError(f"there are no frames of '{name}'", file=path, row=row, hint=f"Looked at: {where}.")
        here = units_in(cells["Action Units"])
        items.append(
            Item(
                id=f"{subject}/{name}",
                frames=frames,
                label=cells["Estimated Emotion"].strip().lower() or None,
                units={au: au in here for au in CD6_UNITS},
                subject=subject,
            )
        )
    return items


def casme2_items(root: Path) -> list[Item]:
    """All clips of CASME II; the table's name carries a date that differs between releases."""
    found = sorted(root.glob("CASME2-coding*.xlsx"))
    if not found:
        raise FervlmError("the label table is missing", file=root / "CASME2-coding-20140508.xlsx")
    clips = next((p for p in (root / "Cropped", root / "CASME2_RAW_selected") if p.is_dir()), root / "Cropped")
    return _rows(found[-1], CASME2, need(clips, "folder of clips"), "sub{subject}")


def samm_items(root: Path) -> list[Item]:
    """All clips of SAMM; thirteen lines of notes stand above the head of its table."""
    path = root / "SAMM_Micro_FACS_Codes_v2.xlsx"
    clips = next((p for p in (root / "SAMM_CROP", root / "SAMM", root) if p.is_dir() and any(p.glob("0*"))), root)
    return _rows(path, SAMM, clips, "{subject}")


def casme2(root: Path, _choice: Choice) -> list[Item]:
    """The five classes in use; fear and sadness (nine clips) are left out."""
    return [item for item in casme2_items(root) if item.label in FIVE]


def samm(root: Path, _choice: Choice) -> list[Item]:
    """The five classes in use: those with ten clips or more."""
    return [replace(i, label=_samm(i.label)) for i in samm_items(root) if _samm(i.label) in SAMM_FIVE]


SAMM_FIVE = ("anger", "happiness", "surprise", "contempt", "other")


def _samm(label: str | None) -> str | None:
    return "other" if label in {"others", "other"} else label


def composite(root: Path, _choice: Choice) -> list[Item]:
    """MEGC 2019: positive, negative, surprise of CASME II and SAMM below one folder; others are left out."""
    items = []
    for name, read in (("casme2", casme2_items), ("samm", samm_items)):
        for item in read(need(root / name, f"folder '{name}'")):
            label = POLARITY.get(_samm(item.label) or "")
            if label is not None:
                items.append(replace(item, id=f"{name}/{item.id}", label=label, subject=f"{name} {item.subject}"))
    return items


def across(root: Path, choice: Choice) -> list[Item]:
    """CD6ME: AUs of one database, which a supervised model must not have seen (fold k tests the k-th member)."""
    assert choice.fold is not None
    name = MEMBERS[choice.fold - 1]
    folder = need(root / name, f"folder '{name}'")
    readers: Mapping[str, object] = {"casme2": casme2_items, "samm": samm_items}
    if name in readers:
        items = casme2_items(folder) if name == "casme2" else samm_items(folder)
    else:
        items = _plain_table(folder)
    return [replace(item, id=f"{name}/{item.id}", label=None, subject=f"{name} {item.subject}") for item in items]


def _plain_table(folder: Path) -> list[Item]:
    """A member whose table is brought into one form: labels.xlsx with Subject, Filename, Action Units; clips/."""
    items = []
    for _, cells in table_of(folder / "labels.xlsx", ("Subject", "Filename", "Action Units")):
        here = units_in(cells["Action Units"])
        frames = frames_of(folder / "clips" / cells["Subject"] / cells["Filename"])
        coded = {au: au in here for au in CD6_UNITS}
        name = f"{cells['Subject']}/{cells['Filename']}"
        items.append(Item(id=name, frames=frames, units=coded, subject=cells["Subject"]))
    return items


SEEN = "seen in published code: tvaranka/meb meb/datasets/datasets.py (columns, folders)"
TERMS = "research only, after signing"
BENCHMARKS = (
    Benchmark(
        name="casme2",
        title="CASME II, five classes",
        task="expression",
        labels=FIVE,
        load=casme2,
        layout="DIR/CASME2-coding*.xlsx and DIR/Cropped/sub01/EP02_01f/*.jpg",
        seen=SEEN,
        terms=TERMS,
        access="http://casme.psych.ac.cn/casme/e2",
        counts={"test": 246},
        probe="CASME2-coding*.xlsx",
        note="labels were assigned with the AUs in view, so AU-to-label results partly measure the coding rules; leave "
        "one subject out for supervised work",
    ),
    Benchmark(
        name="samm",
        title="SAMM, five classes",
        task="expression",
        labels=SAMM_FIVE,
        load=samm,
        layout="DIR/SAMM_Micro_FACS_Codes_v2.xlsx and DIR/SAMM_CROP/006/006_1_2/*.jpg",
        seen=SEEN,
        terms=TERMS,
        access="https://helward.mmu.ac.uk/STAFF/M.Yap/dataset.php",
        counts={"test": 136},
        probe="SAMM_Micro_FACS_Codes_v2.xlsx",
        note="the five classes in use; count recalled",
    ),
    Benchmark(
        name="megc_composite",
        title="CASME II and SAMM, three classes (MEGC 2019 without SMIC)",
        task="expression",
        labels=("negative", "positive", "surprise"),
        load=composite,
        layout="DIR/casme2/... and DIR/samm/... as for casme2 and samm",
        seen=SEEN,
        terms=TERMS,
        access="both sets' pages",
        probe="casme2",
        note="SMIC, the third member, is not read; others are left out",
    ),
    Benchmark(
        name="cd6me",
        title="CD6ME, action units across six databases",
        task="units",
        load=partial(across),
        layout="DIR/casme2 and DIR/samm in their own layouts; DIR/{casme,fourd,mmew,casme3}/labels.xlsx (Subject, "
        "Filename, Action Units) and clips/SUBJECT/CLIP/*",
        seen=f"{SEEN}; the other four members have to be brought into the form named here",
        terms=TERMS,
        access="the six sets' pages",
        folds=6,
        units=CD6_UNITS,
        probe="casme2",
        note=f"fold k tests {', '.join(MEMBERS)} in this order; leave one database out, report the mean F1 over folds",
    ),
)
