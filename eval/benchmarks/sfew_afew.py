"""SFEW 2.0 (pictures) and AFEW (clips): class folders of the validation part; ids are each loader's own."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import class_folders, first_there, labels_of

LABELS = labels_of("sfew_afew")
NAMES = {"val": ("Val", "val", "validation", "Val_AFEW"), "train": ("Train", "train", "Train_AFEW")}
TERMS = "research only, after signing; film stills"
ACCESS = "https://cs.anu.edu.au/few/, on request by a permanent member of staff"


def load(video: bool, root: Path, choice: Choice) -> list[Item]:
    """Class folders of a split; below `Val_Aligned_Faces` the pictures are crops."""
    aligned = [root / f"{name}_Aligned_Faces" for name in NAMES[choice.split]]
    folder = first_there("folder of the split", *([] if video else aligned), *(root / n for n in NAMES[choice.split]))
    items = class_folders(folder, LABELS, video=video)
    crop = folder.name.endswith("_Aligned_Faces") or (video and any(item.frames for item in items))
    return [replace(item, crop=crop) for item in items]


BENCHMARKS = (
    Benchmark(
        name="sfew",
        title="SFEW 2.0",
        task="expression",
        labels=LABELS,
        load=partial(load, False),
        layout="DIR/Val_Aligned_Faces/CLASS/*.png, or DIR/Val/CLASS/*.png for whole stills",
        seen="recalled: names of the split folders; class names are matched by meaning",
        terms=TERMS,
        access=ACCESS,
        counts={"val": 436, "train": 958},
        splits=("val", "train"),
        anchor="SFEW2.0",
        probe="Val*/*",
        note="test labels were never published; everyone reports on validation; some copies hold 431 aligned faces",
    ),
    Benchmark(
        name="afew",
        title="AFEW",
        task="expression",
        labels=LABELS,
        load=partial(load, True),
        layout="DIR/validation/CLASS/CLIP/*.jpg (faces cut out), or DIR/Val_AFEW/CLASS/*.avi",
        seen="seen in published code: zengqunzhao/Exp-CLIP annotation/AFEW_validation.txt (validation/CLASS/CLIP); the "
        "video form recalled",
        terms=TERMS,
        access=ACCESS,
        counts={"val": 383, "train": 773},
        splits=("val", "train"),
        anchor="AFEW",
        probe="[Vv]al*/*",
        note="16 frames a clip, mean of features; 381 clips remain where faces were found",
    ),
)
