"""JAFFE: 213 posed faces of ten women; the label stands in the file's name."""

from __future__ import annotations

from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import need, pictures_in
from fervlm.errors import FervlmError

CODES = {
    "AN": "anger", "DI": "disgust", "FE": "fear", "HA": "happiness", "NE": "neutral", "SA": "sadness", "SU": "surprise",
}  # fmt: skip


def load(root: Path, _choice: Choice) -> list[Item]:
    """`KA.AN1.39.tiff`: person, label and take, number."""
    folder = root / "jaffe" if (root / "jaffe").is_dir() else need(root, "folder")
    items = []
    for path in pictures_in(folder):
        parts = path.name.split(".")
        label = CODES.get(parts[1][:2]) if len(parts) >= 3 else None
        if label is None:
            raise FervlmError(f"the name '{path.name}' tells no label", file=folder, hint="Names are KA.AN1.39.tiff.")
        items.append(Item(id=path.name, picture=path, label=label, subject=parts[0]))
    return items


BENCHMARKS = (
    Benchmark(
        name="jaffe",
        title="JAFFE",
        task="expression",
        labels=tuple(CODES.values()),
        load=load,
        layout="DIR[/jaffe]/KA.AN1.39.tiff",
        seen="seen in published code: several loaders that read the name's second part",
        terms="non-commercial research only",
        access="https://zenodo.org/record/3451524",
        counts={"test": 213},
        anchor="JAFFE",
        probe="**/*.AN1.*",
    ),
)
