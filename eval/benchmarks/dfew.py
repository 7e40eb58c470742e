"""DFEW: film clips, single-labelled part, five folds."""

from __future__ import annotations

from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import by_id, cells_in, first_there, frames_of, labels_of

CLIPS = ("Clip/clip_224x224_16f", "Clip/jpg_256", "Clip/clip_224x224")


def load(root: Path, choice: Choice) -> list[Item]:
    """`EmoLabel_DataSplit/test(single-labeled)/set_1.csv`: video_name, label (from 1); frames in five-digit folders."""
    split = root / "EmoLabel_DataSplit" / f"{choice.split}(single-labeled)" / f"set_{choice.fold}.csv"
    clips = first_there("folder of clips", *(root / place for place in CLIPS))
    items = []
    for row, cells in cells_in(split, "fold's list", ("video_name", "label")):
        name = f"{int(cells['video_name']):05d}" if cells["video_name"].isdigit() else cells["video_name"]
        label = by_id("dfew", cells["label"], split, row)
        items.append(Item(id=name, frames=frames_of(clips / name), label=label, crop=True))
    return items


BENCHMARKS = (
    Benchmark(
        name="dfew",
        title="DFEW, single-labelled",
        task="expression",
        labels=labels_of("dfew"),
        load=load,
        layout="DIR/EmoLabel_DataSplit/test(single-labeled)/set_1.csv to set_5.csv and "
        "DIR/Clip/clip_224x224_16f/00001/*",
        seen="seen in published code: sunlicai/MAE-DFER preprocess/dfew.py (list, ids, five-digit folders of jpg_256)",
        terms="research only, after signing",
        access="https://dfew-dataset.github.io",
        counts={"test/1": 2341, "test/2": 2341, "test/3": 2341, "test/4": 2340, "test/5": 2334},
        splits=("test", "train"),
        folds=5,
        anchor="DFEW",
        probe="EmoLabel_DataSplit/*",
        note="ids begin at 1; report the mean over five folds; 11,697 single-labelled clips in all (counts of folds "
        "recalled)",
    ),
)
