"""MAFW: clips with 11 single and 32 compound labels, five folds; always by name, since two numberings circulate."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import first_there, frames_of, labels_of, words_in
from fervlm.errors import FervlmError

SINGLE = labels_of("mafw_single11")


def load(part: str, root: Path, choice: Choice) -> list[Item]:
    """`set_1/test.txt`: `00001.mp4 anger` a line; a compound's labels are joined by `_` or blanks."""
    path = first_there(
        "fold's list",
        root / "split" / part / "no_caption" / f"set_{choice.fold}" / f"{choice.split}.txt",
        root / "Train & Test Set" / part / "no_caption" / f"set_{choice.fold}" / f"{choice.split}.txt",
    )
    frames = next((p for p in (root / "data" / "frames", root / "data" / "faces") if p.is_dir()), None)
    videos = (
        None if frames else first_there("folder of clips", root / "data" / "clips", root / "data" / "clips" / "unzip")
    )
    items = []
    for row, words in words_in(path, "fold's list", 2):
        label = joined(words[1:])
        if part == "single" and label not in SINGLE:
            raise FervlmError(f"'{label}' is no label of MAFW", file=path, row=row)
        name = words[0]
        where = frames_of(frames / Path(name).stem) if frames else ()
        video = None if videos is None else videos / name
        items.append(
            Item(id=name, frames=where, video=video, label=label, crop=bool(frames and frames.name == "faces"))
        )
    return items


def joined(words: list[str]) -> str:
    """A label in plain words: `anger_disgust` is "anger disgust"."""
    return " ".join(part.lower() for word in words for part in word.replace(",", "_").split("_") if part)


def fitted(one: Benchmark, root: Path) -> Benchmark:
    """The compound benchmark with the labels that this copy's lists hold."""
    found = {item.label for item in one.load(root, Choice("test", 1)) if item.label}
    return replace(one, labels=tuple(sorted(found)))


TERMS, ACCESS = "research only, after signing", "https://mafw-database.github.io/MAFW/"
BENCHMARKS = (
    Benchmark(
        name="mafw",
        title="MAFW, 11 single labels",
        task="expression",
        labels=SINGLE,
        load=partial(load, "single"),
        layout="DIR/split/single/no_caption/set_1/test.txt (also 'Train & Test Set') and DIR/data/frames/00001/*.jpg "
        "or data/clips/00001.mp4",
        seen="seen in published code: sunlicai/MAE-DFER preprocess/mafw.py (lists, names, frames)",
        terms=TERMS,
        access=ACCESS,
        counts={"test": 1839},
        splits=("test", "train"),
        folds=5,
        anchor="MAFW",
        probe="*/single/no_caption",
        note="two numberings of the labels circulate, so labels are read by name; 9,172 single-labelled clips; report "
        "the mean over five folds (count of a fold recalled, they differ a little)",
    ),
    Benchmark(
        name="mafw_compound",
        title="MAFW, compound labels",
        task="expression",
        load=partial(load, "compound"),
        layout="DIR/split/compound/no_caption/set_1/test.txt and clips as for mafw",
        seen="recalled: the compound lists; single ones were read in MAE-DFER. Labels are taken from the lists",
        terms=TERMS,
        access=ACCESS,
        splits=("test", "train"),
        folds=5,
        anchor="MAFW compound",
        probe="*/compound/no_caption",
        fit=fitted,
        note="43 classes with the single ones in published reports; which are scored follows the lists of this copy",
    ),
)
