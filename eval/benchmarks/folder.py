"""One's own pictures: one sub-folder per class; the folders' names are the labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import pictures_in
from fervlm.errors import FervlmError


def load(root: Path, _choice: Choice) -> list[Item]:
    """Every picture of every sub-folder."""
    classes = labels_below(root)
    return [
        Item(id=f"{label}/{path.name}", picture=path, label=label, crop=(root / "crops").is_file())
        for label in classes
        for path in pictures_in(root / label)
    ]


def labels_below(root: Path) -> tuple[str, ...]:
    """The names of sub-folders that hold pictures; `FervlmError` where there are fewer than two."""
    found = tuple(p.name for p in sorted(root.iterdir()) if p.is_dir() and pictures_in(p)) if root.is_dir() else ()
    if len(found) < 2:
        raise FervlmError("fewer than two sub-folders hold pictures", file=root, hint="Make one sub-folder per class.")
    return found


def fitted(one: Benchmark, root: Path) -> Benchmark:
    """The benchmark with the labels that the user's data have."""
    return replace(one, labels=labels_below(root))


BENCHMARKS = (
    Benchmark(
        name="folder",
        title="Your own pictures, one sub-folder a class",
        task="expression",
        load=load,
        layout="DIR/CLASS/*.jpg; an empty file DIR/crops says that the pictures are faces already cut out",
        seen="our own convention",
        terms="yours",
        access="yours",
        fit=fitted,
    ),
)
