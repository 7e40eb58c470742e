"""OpenGraphAU: 41 scores, 27 AUs of the whole face and 14 of one side each.

The heads called L12 and R12 read the node of AU11 in its source (and its documentation calls them "nasolabial
deepener"), so they are not read as anything. Scores are cosines cut at 0.5; its reported mean F1 is 22 to 24 %.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from fervlm.errors import ReadError
from fervlm.facs.units import not_measured_by
from fervlm.readers import vectors
from fervlm.readers.channels import ROUNDING, Channel
from fervlm.readers.formats import FormatInfo
from fervlm.readers.places import FACE, FRAME, PICTURE, TIME, Places
from fervlm.readers.sample import Sample, take
from fervlm.readers.sides import paired
from fervlm.readers.source import Origin
from fervlm.readers.table import Table, missing
from fervlm.records import AUReading, AURecord, Detector, Quality

MAIN = (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 23, 24, 25, 26, 27, 32, 38, 39)
SIDED = (1, 2, 4, 6, 10, 12, 14)
UNUSABLE = 12
"""Its one-sided heads read another AU's node."""
COUNT = len(MAIN) + 2 * len(SIDED)
CUT = 0.5

INFO = FormatInfo(
    name="opengraphau",
    tool="OpenGraphAU",
    title="vectors of 41 scores (CSV without header, JSON, its log lines), or a CSV with AU1 ... AUR14",
    extensions=(".csv", ".txt", ".json", ".jsonl", ".log"),
    checked_on=None,
    measures=MAIN,
    scale="score",
    sided=True,
    trust="low",
    note="Sides for AU1, 2, 4, 6, 10, 14; its one-sided AU12 heads read AU11's node and are left out.",
)
_NAME = re.compile(r"AU_?([LR]?)0*(\d{1,2})")

Key = tuple[int, str]
"""AU number and "", "L" or "R"."""


def keys() -> tuple[Key, ...]:
    """What the 41 places of a vector mean, in order."""
    return (*((au, "") for au in MAIN), *((au, side) for au in SIDED for side in "LR"))


def matches(sample: Sample) -> bool:
    """Vectors of 41, or a header with AUL1 and AUR1."""
    return vectors.length_in(sample) == COUNT or _columns(sample.header) is not None


def _columns(header: tuple[str, ...]) -> dict[Key, int] | None:
    found = {}
    for index, name in enumerate(header):
        match = _NAME.fullmatch(name)
        if match:
            found[int(match[2]), match[1]] = index
    return found if found.keys() >= {(1, ""), (1, "L"), (1, "R"), (14, "L"), (14, "R")} else None


def readings(scores: Mapping[Key, float]) -> tuple[AUReading, ...]:
    """Readings of whatever scores are there.

    Raises:
        ValueError: one is out of range; its text ends a sentence.
    """
    found: list[AUReading] = []
    checked = {key: Channel(key[0], "score", CUT).reading(score) for key, score in scores.items()}
    for au in MAIN:
        whole = checked.get((au, ""))
        left, right = checked.get((au, "L")), checked.get((au, "R"))
        if whole is not None:
            found.append(whole)
        if au != UNUSABLE and left is not None and right is not None:
            found += paired(au, left.value or 0.0, right.value or 0.0, CUT, "score")
    return tuple(found)


def measured(keys_there: Iterable[Key]) -> tuple[int, ...]:
    """AUs that get a reading from these scores, ascending."""
    there = frozenset(keys_there)
    sided = (au for au, side in there if au != UNUSABLE and side == "L" and (au, "R") in there)
    return tuple(sorted({*(au for au, side in there if not side), *sided}))


def read(origin: Origin, *, landmarks: bool = False, cache: bool = True) -> Iterator[AURecord]:
    """Records of OpenGraphAU vectors or of a table with its names, one a face."""
    columns = _columns(take(origin).header)
    if columns is not None:
        yield from records_in_table(origin, columns, INFO.name)
        return
    detector, unmeasured = Detector(name=INFO.name, trust=INFO.trust), not_measured_by(MAIN)
    for vector in vectors.read(origin, frozenset({COUNT})):
        try:
            found = readings(dict(zip(keys(), vector.scores, strict=True)))
        except ValueError as error:
            raise ReadError(f"a score {error}", file=origin.label, row=vector.place.source.row) from None
        yield AURecord(
            id=vector.place.id,
            source=vector.place.source,
            picture=vector.place.picture,
            detector=detector,
            readings=found,
            not_measured=unmeasured,
        )


def records_in_table(origin: Origin, columns: Mapping[Key, int], name: str) -> Iterator[AURecord]:
    """Records of a table with these columns, under the detector's `name`. A row without any score has no face."""
    table = Table(origin)
    places = Places(table, frame=FRAME, time=TIME, face=FACE, picture=PICTURE)
    detector = Detector(name=name, trust=INFO.trust)
    unmeasured = not_measured_by(measured(columns))
    for row, cells in table.rows():
        place = places.of(cells, row)
        empty = all(missing(cells[index]) for index in columns.values())
        scores = {} if empty else {key: table.value(cells, index, row) for key, index in columns.items()}
        for key, score in scores.items():
            if not -ROUNDING <= score <= 1 + ROUNDING:
                raise table.blame(cells, columns[key], row, "is outside the scale of this tool (0 to 1)")
        yield AURecord(
            id=place.id,
            source=place.source,
            face_id=place.face_id,
            frame=place.frame,
            time_s=place.time_s,
            picture=place.picture,
            detector=detector,
            readings=readings(scores),
            not_measured=unmeasured,
            quality=Quality(tracking="no_face" if empty else "ok"),
        )
