"""Fits MediaPipe's presence cuts and levels: `FERVLM_DATA=... python -m eval.mediapipe_levels` (some seconds).

Writes `fervlm/facs/tables/presence_mediapipe.csv` and `levels_mediapipe.csv` from the training split of the face pack
(never the validation split). There is no human coding of these faces, so the numbers say how unusual a coefficient
is, not what a FACS coder would write; that is why the evidence stays low trust.

Presence, raw coefficients: the 92.5th percentile of faces labelled neutral (of the stronger side where sides are
read), at least 0.1. So one neutral-labelled face in thirteen shows a given AU; some of them do, since the labels are
noisy. The percentile is the middle of a plateau: from 90 to 95 the rule engine's mean class recall on 3,150 training
faces stays at 0.29 to 0.30, neutral faces gaining what happy ones lose; at 97.5 it is 0.28.

Levels, after a neutral face of the same person was subtracted: A is the same percentile of people's other
neutral-labelled faces once the median of the rest is subtracted, at least 0.1. B, C, D and E begin where 20, 40, 75
and 95 % of the present values lie below, over all training faces with the median neutral face of the population
subtracted. FACS makes C and D wide and A, B and E narrow; these shares copy that, and are a convention of ours.
"""

from __future__ import annotations

import csv
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fervlm.readers.blendshapes import MEASURED, WIDE_JAW, au_values, neutral_of, subtracted
from fervlm.readers.mediapipe import faces
from fervlm.readers.source import Origin

PERCENTILE = 92.5
FLOOR = 0.1
SHARES = (20, 40, 75, 95)
GAP = 0.005
"""Least distance between two levels, where values pile up at 1."""
TABLES = Path(__file__).parents[1] / "fervlm" / "facs" / "tables"

Face = Mapping[str, float]


def labels(pack: Path) -> dict[str, tuple[str, str]]:
    """Picture -> (label, person or empty) of the training split."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    found: dict[str, tuple[str, str]] = {}
    for name in ("fer2013", "muxspace"):
        file: Any = pq.ParquetFile(pack / f"{name}.parquet")
        for batch in file.iter_batches(columns=["image.path", "label", "split", "subject"]):
            for row in batch.to_pylist():
                if row["split"] == "train":
                    found[row["image"]["path"]] = (row["label"], row["subject"] or "")
    return found


def strongest(face: Face) -> dict[int, float]:
    """AU -> its number, of the stronger side."""
    return {au: max(v) if isinstance(v, tuple) else v for au, v in au_values(face).items()}


def columns(rows: Iterable[dict[int, float]]) -> dict[int, np.ndarray]:
    """AU -> all its numbers."""
    lists: dict[int, list[float]] = defaultdict(list)
    for row in rows:
        for au, value in row.items():
            lists[au].append(value)
    return {au: np.array(values) for au, values in lists.items()}


def at_rest(people: Mapping[str, list[Face]]) -> dict[int, np.ndarray]:
    """Each person's neutral faces, one at a time, with the median of that person's others subtracted."""
    return columns(
        strongest(subtracted(face, neutral_of(own[:i] + own[i + 1 :])))
        for own in people.values()
        if len(own) > 1
        for i, face in enumerate(own)
    )


def cut(values: np.ndarray) -> float:
    """The percentile, not below the floor."""
    return max(FLOOR, round(float(np.percentile(values, PERCENTILE)), 3))


def levels(lowest: float, values: np.ndarray) -> list[float]:
    """Lowest coefficient of A to E."""
    present = values[values >= lowest]
    found = [lowest]
    for share in SHARES:
        found.append(max(found[-1] + GAP, float(np.percentile(present, share))))
    return [round(min(level, 1.0 - GAP * (4 - i)), 3) for i, level in enumerate(found)]


def write(name: str, header: list[str], rows: list[list[object]]) -> None:
    """One table of the package."""
    with (TABLES / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main() -> None:
    """Fit and write both tables."""
    data = os.environ.get("FERVLM_DATA")
    if not data:
        sys.exit("Set FERVLM_DATA to the folder that holds au/ and faces_pack/.")
    known = labels(Path(data, "faces_pack"))
    everyone: list[Face] = []
    neutral: list[Face] = []
    people: dict[str, list[Face]] = defaultdict(list)
    for face in faces(Origin(Path(data, "au", "mediapipe", "blendshapes_faces_pack.parquet")), None):
        label, person = known.get(face.place.picture or "", ("", ""))
        if face.scores is None or not label:
            continue
        everyone.append(face.scores)
        if label == "neutral":
            neutral.append(face.scores)
            if person:
                people[person].append(face.scores)
    raw, rest = columns(map(strongest, neutral)), at_rest(people)
    middle = neutral_of(neutral)
    population = columns(strongest(subtracted(face, middle)) for face in everyone)
    presence_rows: list[list[object]] = []
    level_rows: list[list[object]] = []
    for au in MEASURED:
        fixed = au == 27
        presence_rows.append(
            [
                au,
                WIDE_JAW if fixed else cut(raw[au]),
                PERCENTILE,
                FLOOR,
                len(raw[au]),
                "jaw split" if fixed else "neutral percentile",
            ]
        )
        lowest = WIDE_JAW if fixed else cut(rest[au])
        present = int((population[au] >= lowest).sum())
        level_rows.append(
            [au, *levels(lowest, population[au]), len(rest[au]), present, "rest percentile; shares of present"]
        )
    write("presence_mediapipe", ["au", "cut", "percentile", "floor", "n", "method"], presence_rows)
    write("levels_mediapipe", ["au", "A", "B", "C", "D", "E", "n", "n_present", "method"], level_rows)
    repeated = sum(len(own) for own in people.values() if len(own) > 1)
    print(f"{len(everyone)} faces, {len(neutral)} of them neutral, {repeated} of people seen at rest more than once")


if __name__ == "__main__":
    main()
