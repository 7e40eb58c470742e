"""iMotions exports of FACET (Emotient): tab-separated, some `#` lines first, evidence in log10 odds per AU.

Evidence 0 means as likely present as absent; negative values are normal. Emotion, age, sex and glasses columns are not
read, nor the respondent's name. Angles were checked on the real file against its eye and nose points: Pitch > 0 down,
Yaw > 0 to the subject's left, Roll > 0 to the subject's right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fervlm.errors import ReadError
from fervlm.facs.units import not_measured_by
from fervlm.readers.angles import Pose, Qualities, head, pose
from fervlm.readers.channels import Channel, Columns
from fervlm.readers.formats import FormatInfo
from fervlm.readers.places import Places
from fervlm.readers.sample import Sample
from fervlm.readers.source import Origin
from fervlm.readers.table import Table, missing
from fervlm.records import AURecord, Box, Detector, Head, Landmarks

AUS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 18, 20, 23, 24, 25, 26, 28, 43)
LIMIT = 20.0
"""Evidence beyond one in 10^20 is no FACET number (the real file lies within 7)."""

INFO = FormatInfo(
    name="imotions",
    tool="iMotions with FACET (Emotient)",
    title="tab-separated text",
    extensions=(".txt", ".tsv", ".csv"),
    checked_on="iMotions_Test_v6.txt",
    measures=AUS,
    scale="evidence_log10",
    sided=False,
    trust="medium",
    note="Evidence is the log10 of the odds that an AU is there, present from 0 up; rows without a face are kept.",
)
_NAME = re.compile(r"AU(\d{1,2}) Evidence")
_POINTS = ("LEFT_EYE_LATERAL", "LEFT_EYE_MEDIAL", "RIGHT_EYE_MEDIAL", "RIGHT_EYE_LATERAL", "NOSE_TIP")


def matches(sample: Sample) -> bool:
    """Columns such as `AU1 Evidence`."""
    return any(map(_NAME.fullmatch, sample.header))


def read(origin: Origin, *, landmarks: bool = False, cache: bool = True) -> Iterator[AURecord]:
    """Records of a FACET export, one a row; `landmarks` gives the five points of eyes and nose."""
    table = Table(origin)
    places = []
    for name in table.header:
        match = _NAME.fullmatch(name)
        if match and int(match[1]) in AUS:
            channel = Channel(int(match[1]), "evidence_log10", 0.0, low=-LIMIT, high=LIMIT)
            places.append((table.need(name), channel))
    if not places:
        raise ReadError("the header has no columns such as 'AU1 Evidence'", file=origin.label, row=1)
    yield from _Rows(table, Columns(table, places, cache=cache), landmarks)


class _Rows:
    def __init__(self, table: Table, columns: Columns, landmarks: bool) -> None:
        self._table, self._columns = table, columns
        self._detector = Detector(name=INFO.name, trust=INFO.trust)
        self._unmeasured = not_measured_by(columns.measured)
        self._places = Places(
            table, frame=("FrameNo",), time={"FrameTime": 0.001, "MediaTime": 0.001, "Timestamp": 0.001}
        )
        self._faces = table.find("NoOfFaces")
        self._rect = [table.find(f"FaceRect {part}") for part in ("X", "Y", "Width", "Height")]
        self._angles = [table.find(f"{part} Degrees") for part in ("Pitch", "Yaw", "Roll")]
        self._points = [(table.find(f"{n} X"), table.find(f"{n} Y")) for n in _POINTS] if landmarks else []
        self._qualities = Qualities()

    def __iter__(self) -> Iterator[AURecord]:
        for row, cells in self._table.rows():
            place = self._places.of(cells, row)
            empty = all(missing(cells[index]) for index in self._columns.indices)
            none = self._faces is not None and self._count(cells, row) == 0
            turned, stance = (None, None) if empty or none else self._head(cells, row)
            yield AURecord(
                id=place.id,
                source=place.source,
                frame=place.frame,
                time_s=place.time_s,
                box=None if empty or none else self._box(cells, row),
                landmarks=None if empty or none else self._landmarks(cells, row),
                detector=self._detector,
                readings=() if empty or none else self._columns.read(cells, row),
                not_measured=self._unmeasured,
                quality=self._qualities.of("no_face" if none else "failed" if empty else "ok", pose=stance),
                head=turned,
            )

    def _count(self, cells: list[str], row: int) -> int:
        assert self._faces is not None
        return 0 if missing(cells[self._faces]) else self._table.whole(cells, self._faces, row)

    def _numbers(self, indices: list[int | None], cells: list[str], row: int) -> list[float] | None:
        found = [index for index in indices if index is not None and not missing(cells[index])]
        return [self._table.value(cells, index, row) for index in found] if len(found) == len(indices) else None

    def _box(self, cells: list[str], row: int) -> Box | None:
        rect = self._numbers(self._rect, cells, row)
        if rect is None or rect[2] < 0 or rect[3] < 0:
            return None
        return Box(x=rect[0], y=rect[1], width=rect[2], height=rect[3])

    def _head(self, cells: list[str], row: int) -> tuple[Head | None, Pose | None]:
        angles = self._numbers(self._angles, cells, row)
        if angles is None:
            return None, None
        for index, angle in zip(self._angles, angles, strict=True):
            if not -360 <= angle <= 360:
                raise self._table.blame(cells, index or 0, row, "is no angle in degrees")
        return head(angles[0], angles[1], -angles[2]), pose(angles[0], angles[1])

    def _landmarks(self, cells: list[str], row: int) -> Landmarks | None:
        flat = self._numbers([index for pair in self._points for index in pair], cells, row)
        if not flat:
            return None
        return Landmarks(scheme="other", points=tuple(zip(flat[::2], flat[1::2], strict=True)))
