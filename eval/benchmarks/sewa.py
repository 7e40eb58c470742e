"""SEWA: valence and arousal of video chats."""

from __future__ import annotations

from pathlib import Path

from eval.item import Benchmark, Choice, Item
from eval.layout import cells_in, need

COLUMNS = ("frame", "valence", "arousal")


def load(root: Path, _choice: Choice) -> list[Item]:
    """One CSV per recording beside a folder of frames of the same name."""
    items = []
    for path in sorted(need(root / "annotations", "folder of annotations").glob("*.csv")):
        for _, cells in cells_in(path, "annotation", COLUMNS):
            frame = f"{int(float(cells['frame'])):05d}"
            picture = root / "frames" / path.stem / f"{frame}.jpg"
            valence, arousal = float(cells["valence"]), float(cells["arousal"])
            name = f"{path.stem}/{frame}"
            items.append(Item(id=name, picture=picture, subject=path.stem, valence=valence, arousal=arousal))
    return items


BENCHMARKS = (
    Benchmark(
        name="sewa",
        title="SEWA, valence and arousal",
        task="affect",
        load=load,
        layout="DIR/annotations/RECORDING.csv (frame, valence, arousal; -1 to 1) and DIR/frames/RECORDING/00001.jpg",
        seen="recalled and not to be trusted: the distribution holds one folder a recording with several annotation "
        "files; bring it into this form first",
        terms="research only, after signing",
        access="https://db.sewaproject.eu",
        probe="annotations/*.csv",
    ),
)
