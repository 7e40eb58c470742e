"""ExpW: whole pictures with a box and a label per face."""

from __future__ import annotations

from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import by_id, first_there, labels_of, words_in
from fervlm.errors import FervlmError


def load(root: Path, _choice: Choice) -> list[Item]:
    """`label/label.lst`: name, face number, top, left, right, bottom, confidence, label."""
    path = first_there("label list", root / "label" / "label.lst", root / "label.lst")
    pictures = first_there("folder of pictures", root / "image" / "origin", root / "image", root / "origin")
    items = []
    for row, words in words_in(path, "label list", 8):
        name, face = words[0], words[1]
        try:
            top, left, right, bottom = map(float, words[2:6])
        except ValueError:
            raise FervlmError("the box is not made of numbers", file=path, row=row) from None
        label = by_id("expw", words[7], path, row)
        box = (left, top, right - left, bottom - top)
        items.append(Item(id=f"{name}#{face}", picture=pictures / name, label=label, box=box))
    return items


BENCHMARKS = (
    Benchmark(
        name="expw",
        title="ExpW",
        task="expression",
        labels=labels_of("expw"),
        load=load,
        layout="DIR/label/label.lst and DIR/image/origin/*.jpg",
        seen="seen in published code: several loaders of label.lst (name, face, top, left, right, bottom, confidence, "
        "label); one copy in circulation has x y w h instead",
        terms="non-commercial research only",
        access="mmlab.ie.cuhk.edu.hk/projects/socialrelation",
        counts={"test": 91793},
        probe="label/label.lst",
        note="there is no official split; a predictor looks at the whole picture's largest face unless it uses the box",
    ),
)
