"""FERV39k: clips of 22 scenes; the split of all scenes."""

from __future__ import annotations

from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import first_there, frames_of, labels_of, plain, words_in
from fervlm.errors import FervlmError

LABELS = labels_of("ferv39k")


def load(root: Path, choice: Choice) -> list[Item]:
    """`4_setups/All_scenes/test_All.csv`: `Scene/Label/clip Label`, separated by a blank."""
    path = root / "4_setups" / "All_scenes" / f"{choice.split}_All.csv"
    clips = first_there(
        "folder of clips", root / "2_ClipsforFaceCrop", root / "2_ClipsforFaceCrop" / "2_ClipsforFaceCrop"
    )
    items = []
    for row, words in words_in(path, "split's list", 2):
        label = plain(words[-1])
        if label not in LABELS:
            raise FervlmError(f"'{words[-1]}' is no class of FERV39k", file=path, row=row)
        name = words[0]
        items.append(
            Item(id=name, frames=frames_of(clips / name), label=label, subsets=(name.split("/")[0],), crop=True)
        )
    return items


BENCHMARKS = (
    Benchmark(
        name="ferv39k",
        title="FERV39k, all scenes",
        task="expression",
        labels=LABELS,
        load=load,
        layout="DIR/4_setups/All_scenes/test_All.csv and DIR/2_ClipsforFaceCrop/SCENE/LABEL/CLIP/*.jpg",
        seen="seen in published code: sunlicai/MAE-DFER preprocess/ferv39k.py (list, names, folder)",
        terms="research only, after signing",
        access="https://github.com/wangyanckxx/FERV39k",
        counts={"test": 7847, "train": 31088},
        splits=("test", "train"),
        anchor="FERV39k",
        probe="4_setups/*",
        note="labels are names in the lists; scenes are scored apart as well",
    ),
)
