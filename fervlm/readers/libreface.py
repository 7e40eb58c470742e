"""LibreFace tables: two heads that cover different AUs, occurrence (0/1) and intensity (0 to 5).

Intensities are network outputs times 5 and not clipped, so they are brought into 0 to 5 here; `frame_time_in_ms` holds
seconds. The expression, head and gaze columns are not read: the first is a guess at an emotion, and the angles are
multiplied by 360 in its source, so that their unit is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fervlm.errors import ReadError
from fervlm.facs.units import not_measured_by
from fervlm.readers.channels import Channel, Columns, presence
from fervlm.readers.formats import FormatInfo
from fervlm.readers.places import Places
from fervlm.readers.sample import Sample
from fervlm.readers.source import Origin
from fervlm.readers.table import Table, missing
from fervlm.records import AURecord, Detector, Quality

OCCURRENCE = (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
INTENSITY = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
OVERSHOOT = 2.5
"""How far beyond 0 to 5 an unclipped output may lie before the file is called wrong."""

INFO = FormatInfo(
    name="libreface",
    tool="LibreFace",
    title="CSV of an image or a video",
    extensions=(".csv",),
    checked_on=None,
    measures=tuple(sorted({*OCCURRENCE, *INTENSITY})),
    scale="intensity_0_5",
    sided=False,
    trust="medium",
    note="AU7, 10, 14, 23, 24 have presence only, AU5, 9, 20, 25, 26 intensity only; on the rest the heads may differ.",
)
_NAME = re.compile(r"au_(\d{1,2})(_intensity)?")


def matches(sample: Sample) -> bool:
    """Columns au_1 and au_1_intensity, lower case."""
    return any(name.startswith("au_") and name.endswith("_intensity") for name in sample.header)


def read(origin: Origin, *, landmarks: bool = False, cache: bool = True) -> Iterator[AURecord]:
    """Records of a LibreFace table, one a row. Its landmarks are not read."""
    table = Table(origin)
    columns = Columns(table, _channels(table), cache=cache)
    places = Places(
        table, frame=("frame_idx",), time={"frame_time_in_ms": 1.0}, picture=("input_image_path", "image_path")
    )
    detector, unmeasured = Detector(name="libreface", trust="medium"), not_measured_by(columns.measured)
    for row, cells in table.rows():
        empty = all(missing(cells[index]) for index in columns.indices)
        place = places.of(cells, row)
        yield AURecord(
            id=place.id,
            source=place.source,
            frame=place.frame,
            time_s=place.time_s,
            picture=place.picture,
            detector=detector,
            readings=() if empty else columns.read(cells, row),
            not_measured=unmeasured,
            quality=Quality(tracking="no_face") if empty else Quality(),
        )


def _channels(table: Table) -> list[tuple[int, Channel]]:
    found = []
    for name in table.header:
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        au = int(match[1])
        if match[2] and au in INTENSITY:
            overshooting = Channel(au, "intensity_0_5", 1.0, low=-OVERSHOOT, high=5 + OVERSHOOT, clip=(0.0, 5.0))
            found.append((table.need(name), overshooting))
        elif not match[2] and au in OCCURRENCE:
            found.append((table.need(name), presence(au)))
    if not found:
        raise ReadError(
            "the header has no AU columns as LibreFace names them (au_1, au_1_intensity)",
            file=table.origin.label,
            row=1,
        )
    return found
