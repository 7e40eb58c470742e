"""RAF-DB, basic and compound: `EmoLabel/list_patition_label.txt` (so spelled) and aligned faces."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import by_id, first_there, labels_of, words_in

SEEN = "seen in published code: yaoing/DAN rafdb.py (list, ids, aligned names)"
TERMS = "non-commercial research only; no pictures to third parties"
ACCESS = "http://www.whdeng.cn/RAF/model1.html, on request from a university address"


def load(part: str, classes: str, root: Path, choice: Choice) -> list[Item]:
    """Lines `test_0001.jpg 5`; names begin with their split."""
    base = root / part if (root / part).is_dir() else root
    listed = first_there("label list", base / "EmoLabel" / "list_patition_label.txt", base / "list_patition_label.txt")
    faces = first_there("folder of aligned faces", base / "Image" / "aligned", base / "aligned")
    items = []
    for row, words in words_in(listed, "label list", 2):
        name, number = words[0], words[1]
        if name.startswith(f"{choice.split}_"):
            picture = faces / f"{name.removesuffix('.jpg')}_aligned.jpg"
            items.append(Item(id=name, picture=picture, label=by_id(classes, number, listed, row), crop=True))
    return items


BENCHMARKS = (
    Benchmark(
        name="raf_db",
        title="RAF-DB, basic",
        task="expression",
        labels=labels_of("raf_db_basic"),
        load=partial(load, "basic", "raf_db_basic"),
        layout="DIR[/basic]/EmoLabel/list_patition_label.txt and Image/aligned/NAME_aligned.jpg",
        seen=SEEN,
        terms=TERMS,
        access=ACCESS,
        counts={"test": 3068, "train": 12271},
        splits=("test", "train"),
        anchor="RAF-DB",
        probe="**/EmoLabel/list_patition_label.txt",
        note="ids begin at 1: surprise, fear, disgust, happiness, sadness, anger, neutral",
    ),
    Benchmark(
        name="raf_db_compound",
        title="RAF-DB, compound",
        task="expression",
        labels=labels_of("raf_db_compound"),
        load=partial(load, "compound", "raf_db_compound"),
        layout="DIR[/compound]/EmoLabel/list_patition_label.txt and Image/aligned/NAME_aligned.jpg",
        seen="folder and list seen in published code of RAF pickles (`compound/EmoLabel`); aligned names as in basic: "
        "recalled",
        terms=TERMS,
        access=ACCESS,
        counts={"test": 792, "train": 3162},
        splits=("test", "train"),
        anchor="RAF-DB compound",
        probe="compound/EmoLabel/list_patition_label.txt",
        note="ids begin at 1; 'fearfully disgusted' is not in this set; counts recalled",
    ),
)
