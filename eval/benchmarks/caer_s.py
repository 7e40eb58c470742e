"""CAER-S (stills with context) and RAER (students' clips with context)."""

from __future__ import annotations

from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import by_id, class_folders, first_there, frames_of, labels_of, words_in

LABELS = labels_of("caer_s")


def caer_s(root: Path, choice: Choice) -> list[Item]:
    """Class folders of a split; whole pictures, so a face has to be found."""
    return class_folders(
        first_there("folder of the split", root / choice.split, root / "CAER-S" / choice.split), LABELS
    )


def raer(root: Path, choice: Choice) -> list[Item]:
    """Lists of `folder frames label` a line, labels from 1, as the authors' code reads them."""
    path = first_there("list", root / "annotation" / f"{choice.split}.txt", root / f"{choice.split}.txt")
    items = []
    for row, words in words_in(path, "list", 3):
        # The first word is a path on the machine of whoever made the list; its tail is looked for below the folder.
        tail = Path(*Path(words[0]).parts[-2:])
        folder = first_there("clip's frames", root / words[0], root / tail, root / tail.name)
        items.append(Item(id=tail.as_posix(), frames=frames_of(folder), label=by_id("raer", words[2], path, row)))
    return items


BENCHMARKS = (
    Benchmark(
        name="caer_s",
        title="CAER-S",
        task="expression",
        labels=LABELS,
        load=caer_s,
        layout="DIR[/CAER-S]/test/CLASS/*.png",
        seen="seen in published code: loaders of CAER-S/{train,test}/{Anger or Angry, Disgust, ...}/*.png",
        terms="non-commercial research only",
        access="https://caer-dataset.github.io",
        counts={"test": 20989, "train": 48889},
        splits=("test", "train"),
        probe="**/test/Disgust",
        note="labels rest on the whole scene; a predictor that sees the face alone cannot know it; counts recalled",
    ),
    Benchmark(
        name="raer",
        title="RAER, academic expressions",
        task="expression",
        labels=labels_of("raer"),
        load=raer,
        layout="DIR/annotation/test.txt (folder, frames, label from 1) and the folders of frames",
        seen="seen in published code: zgsfer/CLIP-CAER dataloader/video_dataloader.py (three words a line, label less "
        "1); the lists' names recalled",
        terms="research only, after signing",
        access="https://github.com/zgsfer/CLIP-CAER",
        splits=("test", "train"),
        probe="annotation/test.txt",
        note="annotators used context (phone, book): a face alone cannot show distraction; about 2,700 clips in all",
    ),
)
