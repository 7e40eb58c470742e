"""Any table with a column per AU, on a scale that the user states (the numbers alone do not tell it).

Columns: AU1, AU01, au_12, with `_r`, `_c`, `_intensity` or the like behind it ignored; a side as `AU12_left`, `AU12_L`,
`AUL12` or `L12`. A column may be empty in a row: then that AU was not measured there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

from fervlm.errors import FervlmError, ReadError
from fervlm.facs.units import action_units, not_measured_by
from fervlm.readers.channels import Channel
from fervlm.readers.formats import FormatInfo
from fervlm.readers.places import FACE, FRAME, PICTURE, TIME, Places
from fervlm.readers.sample import Sample
from fervlm.readers.source import Origin
from fervlm.readers.table import Table, missing
from fervlm.records import AUReading, AURecord, Detector, Quality, Scale, Side

SCALES: tuple[str, ...] = get_args(Scale)
CUTS = {
    "intensity_0_5": 1.0,
    "probability": 0.5,
    "score": 0.5,
    "presence": 1.0,
    "coefficient": 0.2,
    "evidence_log10": 0.0,
}
RANGES = {"intensity_0_5": (0.0, 5.0), "evidence_log10": (-20.0, 20.0)}

INFO = FormatInfo(
    name="au_table",
    tool="any",
    title="CSV with a column per AU, on a stated scale",
    extensions=(".csv", ".tsv", ".txt"),
    checked_on=None,
    measures=tuple(au.au for au in action_units().values() if au.kind == "AU"),
    scale="presence",
    sided=True,
    trust="medium",
    note="The scale must be stated, as in --input-format au_table:scale=probability; measured is what has a column.",
    options=(
        ("scale", ", ".join(SCALES)),
        ("threshold", "lowest value that means present [1 for intensities, 0.5 for probabilities and scores]"),
        ("trust", "high, medium or low [medium]"),
        ("fps", "frames per second, for a time in seconds"),
    ),
)
_NAME = re.compile(
    r"(?:AU)?_?([LR]?)0*([1-9]\d?)(?:_(left|right|L|R))?(?:_(?:r|c|intensity|prob|probability|score))?", re.IGNORECASE
)


def columns_in(header: tuple[str, ...]) -> dict[int, tuple[int, Side | None]]:
    """Column index -> AU number and side."""
    found: dict[int, tuple[int, Side | None]] = {}
    for index, name in enumerate(header):
        match = _NAME.fullmatch(name)
        if match and int(match[2]) in action_units() and (name[:2].upper() == "AU" or match[1]):
            sign = (match[1] or match[3] or "")[:1].upper()
            found[index] = (int(match[2]), "left" if sign == "L" else "right" if sign == "R" else None)
    return found


def matches(sample: Sample) -> bool:
    """At least one AU column; asked last."""
    return sample.kind == "table" and bool(columns_in(sample.header))


def _scale(given: object) -> Scale:
    for scale in SCALES:
        if given == scale:
            return scale  # type: ignore[return-value]
    what = "the scale of this AU table is not stated" if given is None else f"{given!r} is no scale"
    raise ReadError(what, hint=f"Say which: --input-format au_table:scale=probability (or {', '.join(SCALES)}).")


def read(
    origin: Origin,
    *,
    landmarks: bool = False,
    cache: bool = True,
    scale: str | None = None,
    threshold: float | None = None,
    trust: str = "medium",
    fps: float | None = None,
) -> Iterator[AURecord]:
    """Records of a plain table, one a row."""
    try:
        stated = _scale(scale)
    except ReadError as error:
        error.file = origin.label
        raise
    if trust not in {"high", "medium", "low"}:
        raise FervlmError(f"trust is {trust!r}", hint="Give high, medium or low.")
    if threshold is not None and (isinstance(threshold, bool) or not isinstance(threshold, int | float)):
        raise FervlmError(f"threshold is {threshold!r}", hint="Give a number.")
    table = Table(origin)
    channels = _channels(table, stated, threshold)
    places = Places(table, frame=FRAME, time=TIME, face=FACE, picture=PICTURE, fps=fps)
    detector = Detector(name=INFO.name, trust="high" if trust == "high" else "low" if trust == "low" else "medium")
    for row, cells in table.rows():
        place = places.of(cells, row)
        readings = tuple(_reading(table, cells, i, c, row) for i, c in channels if not missing(cells[i]))
        yield AURecord(
            id=place.id,
            source=place.source,
            face_id=place.face_id,
            frame=place.frame,
            time_s=place.time_s,
            picture=place.picture,
            detector=detector,
            readings=readings,
            not_measured=not_measured_by(tuple(sorted({reading.au for reading in readings}))),
            quality=Quality(tracking="ok" if readings else "no_face"),
        )


def _channels(table: Table, scale: Scale, threshold: float | None) -> list[tuple[int, Channel]]:
    found = columns_in(table.header)
    if not found:
        raise ReadError("the header has no AU columns (AU01, AU02, ...)", file=table.origin.label, row=1)
    low, high = RANGES.get(scale, (0.0, 1.0))
    cut = CUTS[scale] if threshold is None else threshold
    return [
        (index, Channel(au, scale, None if scale == "presence" else cut, side, low=low, high=high))
        for index, (au, side) in found.items()
        if table.need(table.header[index]) == index
    ]


def _reading(table: Table, cells: list[str], index: int, channel: Channel, row: int) -> AUReading:
    try:
        return channel.reading(table.value(cells, index, row))
    except ValueError as error:
        raise table.blame(cells, index, row, str(error)) from None
