"""py-feat tables: `Detector` (0.x and 1.x) and `Detectorv2`. Twenty AUs as probabilities, several faces a frame.

Emotions, valence, arousal, identity and blendshape columns are not read. Faces of one frame are numbered in the order
of their rows (py-feat does not track them). No-face rows hold NaN. Angles, checked on real files against the 68
landmarks: before 0.7 (no X, Y, Z columns) degrees with Pitch > 0 up and Roll > 0 to the subject's left; in Detectorv2
radians with Pitch > 0 down, Yaw > 0 to the subject's right, Roll > 0 to the subject's right. The sign of the old Yaw
did not come out clearly (t = -1.7), so only its size is used; 0.7 to 1.x gives no unit, and v2's gaze no sign: both
are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import degrees

from fervlm.errors import ReadError
from fervlm.facs.units import not_measured_by
from fervlm.readers.angles import Pose, Qualities, head, pose
from fervlm.readers.channels import Channel, Columns
from fervlm.readers.formats import FormatInfo
from fervlm.readers.places import Place, Places
from fervlm.readers.sample import Sample
from fervlm.readers.source import Origin
from fervlm.readers.table import Table, missing
from fervlm.records import AURecord, Box, Detector, Head, Landmarks, Quality

AUS = (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43)
CUT = 0.5
POINTS = 68
_OPTIONS = (("fps", "frames per second, for a time in seconds"),)

INFO = FormatInfo(
    name="pyfeat",
    tool="py-feat 0.x and 1.x (Detector)",
    title="CSV",
    extensions=(".csv",),
    checked_on="v0_fex_001.csv",
    measures=AUS,
    scale="probability",
    sided=False,
    trust="low",
    note="Probabilities of presence, not strengths; F1 of 0.25 on DISFA+ in the project's own benchmark.",
    options=_OPTIONS,
)
INFO_V2 = FormatInfo(
    name="pyfeat2",
    tool="py-feat 2.x (Detectorv2)",
    title="CSV",
    extensions=(".csv",),
    checked_on="v2_news_001.csv",
    measures=AUS,
    scale="probability",
    sided=False,
    trust="medium",
    note="Documented as intensity, but benchmarked as a probability cut at 0.5, and so read as one.",
    options=_OPTIONS,
)


def _is_pyfeat(sample: Sample) -> bool:
    return sample.names >= {"FaceRectX", "FaceScore", "AU01", "AU43"}


def _is_v2(names: frozenset[str]) -> bool:
    return not names.isdisjoint({"mesh_x_0", "gaze_pitch", "valence"})


def matches(sample: Sample) -> bool:
    """FaceRectX, FaceScore and bare AUs, without Detectorv2's mesh, gaze or valence."""
    return _is_pyfeat(sample) and not _is_v2(sample.names)


def matches_v2(sample: Sample) -> bool:
    """The same with Detectorv2's mesh, gaze or valence."""
    return _is_pyfeat(sample) and _is_v2(sample.names)


def read(
    origin: Origin, *, landmarks: bool = False, cache: bool = True, fps: float | None = None
) -> Iterator[AURecord]:
    """Records of a py-feat 0.x or 1.x table, one a face."""
    yield from _Rows(origin, "pyfeat", landmarks, cache, fps)


def read_v2(
    origin: Origin, *, landmarks: bool = False, cache: bool = True, fps: float | None = None
) -> Iterator[AURecord]:
    """Records of a Detectorv2 table, one a face."""
    yield from _Rows(origin, "pyfeat2", landmarks, cache, fps)


class _Rows:
    def __init__(self, origin: Origin, name: str, landmarks: bool, cache: bool, fps: float | None) -> None:
        self._table = table = Table(origin)
        actual = "pyfeat2" if _is_v2(frozenset(table.header)) else "pyfeat"
        if actual != name:
            raise ReadError(f"this table is of the other py-feat, {actual}", file=origin.label, row=1)
        self._columns = Columns(
            table, [(table.need(f"AU{au:02d}"), Channel(au, "probability", CUT)) for au in AUS], cache=cache
        )
        self._detector = Detector(name=name, trust="low" if name == "pyfeat" else "medium")
        self._unmeasured = not_measured_by(AUS)
        self._places = Places(table, frame=("frame",), picture=("input",), fps=fps)
        self._frame, self._input = table.find("frame"), table.find("input")
        self._score = table.find("FaceScore")
        self._rect = tuple(table.need(f"FaceRect{part}") for part in ("X", "Y", "Width", "Height"))
        self._angles = tuple(table.find(part) for part in ("Pitch", "Roll", "Yaw"))
        self._unit = "radians" if name == "pyfeat2" else "degrees" if table.find("X") is None else None
        self._points = [(table.need(f"x_{i}"), table.need(f"y_{i}")) for i in range(POINTS)] if landmarks else []
        self._qualities = Qualities()

    def __iter__(self) -> Iterator[AURecord]:
        last, face = None, 0
        for row, cells in self._table.rows():
            here = tuple(None if i is None else cells[i] for i in (self._input, self._frame))
            face = face + 1 if here == last and here != (None, None) else 0
            last = here
            place = self._places.of(cells, row, str(face))
            empty = all(missing(cells[index]) for index in self._columns.indices)
            yield self._without(place, cells) if empty else self._face(place, cells, row)

    def _without(self, place: Place, cells: list[str]) -> AURecord:
        """NaN in every AU: no face found, or (with a face score) a face that could not be measured."""
        found = self._score is not None and not missing(cells[self._score])
        return AURecord(
            id=place.id,
            source=place.source,
            frame=place.frame,
            time_s=place.time_s,
            picture=place.picture,
            face_id=place.face_id,
            detector=self._detector,
            not_measured=self._unmeasured,
            quality=Quality(tracking="failed" if found else "no_face"),
        )

    def _face(self, place: Place, cells: list[str], row: int) -> AURecord:
        turned, stance = self._head(cells, row)
        return AURecord(
            id=place.id,
            source=place.source,
            frame=place.frame,
            time_s=place.time_s,
            picture=place.picture,
            face_id=place.face_id,
            box=self._box(cells, row),
            landmarks=self._landmarks(cells, row),
            detector=self._detector,
            readings=self._columns.read(cells, row),
            not_measured=self._unmeasured,
            quality=self._qualities.of("ok", self._confidence(cells, row), stance),
            head=turned,
        )

    def _confidence(self, cells: list[str], row: int) -> float | None:
        if self._score is None or missing(cells[self._score]):
            return None
        number = self._table.value(cells, self._score, row)
        if not -1e-6 <= number <= 1 + 1e-6:
            raise self._table.blame(cells, self._score, row, "is not between 0 and 1")
        return min(max(number, 0.0), 1.0)

    def _box(self, cells: list[str], row: int) -> Box | None:
        if any(missing(cells[index]) for index in self._rect):
            return None
        x, y, width, height = (self._table.value(cells, index, row) for index in self._rect)
        if width < 0 or height < 0:
            raise self._table.blame(cells, self._rect[2 if width < 0 else 3], row, "is a negative size")
        return Box(x=x, y=y, width=width, height=height)

    def _landmarks(self, cells: list[str], row: int) -> Landmarks | None:
        if not self._points or missing(cells[self._points[0][0]]):
            return None
        value = self._table.value
        points = tuple((value(cells, x, row), value(cells, y, row)) for x, y in self._points)
        return Landmarks(scheme="ibug68", points=points)

    def _head(self, cells: list[str], row: int) -> tuple[Head | None, Pose | None]:
        if self._unit is None or any(i is None or missing(cells[i]) for i in self._angles):
            return None, None
        pitch, roll, yaw = (self._angle(cells, i, row) for i in self._angles if i is not None)
        if self._unit == "radians":
            return head(pitch, -yaw, -roll), pose(pitch, yaw)
        return head(-pitch, None, roll), pose(pitch, yaw)

    def _angle(self, cells: list[str], index: int, row: int) -> float:
        number = self._table.value(cells, index, row)
        angle = degrees(number) if self._unit == "radians" else number
        if not -360 <= angle <= 360:
            raise self._table.blame(cells, index, row, f"is no angle in {self._unit}")
        return angle
