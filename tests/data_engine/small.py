"""A small made-up set: drawn pictures, AU intensities left and right, labels with persons."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

FORMAT = "au_table:scale=intensity_0_5"
PATTERNS = {
    "happiness": (6, 12, 25),
    "surprise": (1, 2, 5, 26),
    "anger": (4, 5, 7, 23),
    "sadness": (1, 4, 15, 17),
    "neutral": (),
}
WHOLE = (1, 2, 4, 5, 6, 7, 9, 10, 15, 17, 20, 23, 25, 26)


@dataclass(frozen=True)
class Small:
    """Where everything lies."""

    folder: Path
    pictures: Path
    evidence: Path
    labels: Path
    table: Path
    names: tuple[str, ...]


def picture(path: Path, seed: int, size: int = 48) -> None:
    """A smooth random picture; different seeds look different."""
    draw = random.Random(seed)
    grey = Image.new("L", (6, 6))
    grey.putdata([draw.randrange(256) for _ in range(36)])
    path.parent.mkdir(parents=True, exist_ok=True)
    grey.resize((size, size), Image.Resampling.BICUBIC).save(path)


def at(folder: Path, names: tuple[str, ...]) -> Small:
    """The places of a set in `folder`."""
    return Small(
        folder, folder / "pictures", folder / "aus.csv", folder / "labels.csv", folder / "faces.parquet", names
    )


def make(folder: Path, count: int = 30) -> Small:
    """`count` faces of ten persons, each with a label whose prototype it shows."""
    draw = random.Random(3)
    names = tuple(f"{'ab'[k % 2]}/face_{k:03d}.png" for k in range(count))
    labels = list(PATTERNS)
    small = Small(
        folder, folder / "pictures", folder / "aus.csv", folder / "labels.csv", folder / "faces.parquet", names
    )
    rows, marks, embedded = [], [], []
    for k, name in enumerate(names):
        label = labels[k % len(labels)]
        picture(small.pictures / name, k)
        shown = set(PATTERNS[label]) | ({draw.choice(WHOLE)} if k % 3 == 0 else set())
        values = {f"AU{au:02d}": 1.2 + 3 * draw.random() if au in shown else 0.1 for au in WHOLE}
        smile = 3.2 if 12 in shown else 0.0
        sides = {
            "AU12_left": smile,
            "AU12_right": 0.0 if k == 0 else smile,
            "AU14_left": 2.2 * (k == 1),
            "AU14_right": 0.0,
        }
        rows.append({"file": name, **values, **sides})
        marks.append({"file": name, "label": label, "subject": f"s{k % 10}", "source": "drawn"})
        embedded.append({"bytes": (small.pictures / name).read_bytes(), "path": name})
    write_csv(small.evidence, rows)
    write_csv(small.labels, marks)
    table = {"image": embedded, "label": [m["label"] for m in marks], "subject": [m["subject"] for m in marks]}
    pq.write_table(pa.table(table), small.table, row_group_size=7)
    return small


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows as CSV, the first row's keys as header."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))
