"""OpenFace 2 tables (FeatureExtraction, FaceLandmarkVidMulti, FaceLandmarkImg), and what FACSvatar makes of them.

Raw files have a space before every header but the first; `face_id`, landmarks, 3D points and gaze vectors are
optional; images have `face` instead of `frame`, `timestamp` and `success`. FACSvatar's cleaned tables (`_r` columns
only) and its `facscsv` (bare AU names) hold intensities averaged and divided by 5: the cleaned copy of a recording is
a fifth of the raw one in every column, so read as 0 to 5 it would be a face at rest.

Angles are radians in camera axes (x to the picture's right, y down, z away), R = Rx Ry Rz. Checked on real files
against the 68 landmarks and the gaze vectors: Rx > 0 turns the face down, Ry > 0 to the picture's left (the subject's
right), so its sign is turned; Rz > 0 tilts the head to the picture's right (the subject's left); `gaze_angle_x` > 0
looks to the picture's right (the subject's left), `gaze_angle_y` > 0 down.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import degrees, pi

from fervlm.errors import FervlmError, ReadError
from fervlm.facs.units import not_measured_by
from fervlm.readers.angles import Qualities, gaze_from_radians, head, pose
from fervlm.readers.channels import Channel, Columns, intensity, presence
from fervlm.readers.formats import FormatInfo
from fervlm.readers.places import Places
from fervlm.readers.sample import BARE_AU, Sample
from fervlm.readers.source import Origin
from fervlm.readers.table import Table
from fervlm.records import AURecord, Box, Detector, Gaze, Head, Landmarks

INTENSITIES = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
PRESENCES = (*INTENSITIES[:-1], 28, 45)
POINTS = 68
MIN_CONFIDENCE = 0.5
"""`success` is OpenFace's own verdict on a track and decides; this floor is for files without that column."""

INFO = FormatInfo(
    name="openface2",
    tool="OpenFace 2",
    title="CSV, image or sequence, whole or with columns left out",
    extensions=(".csv", ".txt"),
    checked_on="facsvatar_demo_raw.csv",
    measures=PRESENCES,
    scale="intensity_0_5",
    sided=False,
    trust="medium",
    note="Failed rows are zeros and count as not tracked; _r and _c are two models that may disagree; AU28 is _c only.",
    options=(("min_confidence", f"rows below it count as not tracked [{MIN_CONFIDENCE}]"),),
)
FACSCSV = FormatInfo(
    name="facsvatar",
    tool="OpenFace 2, smoothed by FACSvatar",
    title="cleaned tables and facscsv, 0 to 1",
    extensions=(".csv",),
    checked_on="facsvatar_facscsv_demo.csv, facsvatar_demo_clean.csv",
    measures=INTENSITIES,
    scale="intensity_0_5",
    sided=False,
    trust="medium",
    note="Intensities divided by 5 are multiplied back; its AU61 to 64 are computed from gaze angles and not read.",
    options=INFO.options,
)

_SUFFIXED = re.compile(r"AU(\d\d)_([rc])")
_CLEANED = (
    *("frame", "timestamp", "confidence", "success", "gaze_angle_x", "gaze_angle_y", "pose_Rx", "pose_Ry", "pose_Rz"),
    *(f"AU{au:02d}_r" for au in INTENSITIES),
)
"""The header of a FACSvatar cleaned table, which counts frames from 0."""


def running_numbers(names: frozenset[str]) -> bool:
    """Whether AU names are OpenFace 3's running numbers: neither it nor OpenFace 2 measures an AU3 or AU8."""
    return not names.isdisjoint({"AU03_r", "AU08_r", "AU03_c", "AU08_c"})


def matches(sample: Sample) -> bool:
    """AUnn_r or AUnn_c columns beside a confidence."""
    names = sample.names
    return (
        "confidence" in names
        and any(map(_SUFFIXED.fullmatch, names))
        and not running_numbers(names)
        and not _is_cleaned(sample)
    )


def matches_facsvatar(sample: Sample) -> bool:
    """Bare AU names up to the gaze AUs beside a confidence and a pose, or the cleaned header with a first frame 0."""
    return sample.names >= {"AU01", "AU45", "AU61", "AU64", "confidence", "pose_Rx"} or _is_cleaned(sample)


def _is_cleaned(sample: Sample) -> bool:
    return sample.header == _CLEANED and bool(sample.rows) and sample.rows[0][0].strip() == "0"


def read(
    origin: Origin, *, landmarks: bool = False, cache: bool = True, min_confidence: float = MIN_CONFIDENCE
) -> Iterator[AURecord]:
    """Records of an OpenFace 2 table, one a row."""
    table = Table(origin)
    places = []
    for index, name in enumerate(table.header):
        match = _SUFFIXED.fullmatch(name)
        if match and (au := int(match[1])) in PRESENCES and table.find(name) is not None:
            places.append((index, intensity(au) if match[2] == "r" else presence(au)))
    if not places or running_numbers(frozenset(table.header)):
        raise ReadError(
            "the header has no AU columns as OpenFace 2 names them (AU01_r, AU01_c)", file=origin.label, row=1
        )
    columns = Columns(table, places, cache=cache)
    yield from _Rows(table, columns, "openface2", landmarks, min_confidence)


def read_facsvatar(
    origin: Origin, *, landmarks: bool = False, cache: bool = True, min_confidence: float = MIN_CONFIDENCE
) -> Iterator[AURecord]:
    """Records of a FACSvatar table, one a row, on OpenFace's own scale from 0 to 5."""
    table = Table(origin)
    bare = {int(match[1]): i for i, name in enumerate(table.header) if (match := BARE_AU.fullmatch(name))}
    if table.header == _CLEANED:
        bare = {au: table.header.index(f"AU{au:02d}_r") for au in INTENSITIES}
    places = [(bare[au], Channel(au, "intensity_0_5", 1.0, factor=5.0)) for au in INTENSITIES if au in bare]
    if not places or (61 not in bare and table.header != _CLEANED):
        raise ReadError(
            "the header is neither that of a facscsv (AU01 ... AU64) nor that of a cleaned table (AU01_r ...)",
            file=origin.label,
            row=1,
        )
    yield from _Rows(table, Columns(table, places, cache=cache), "facsvatar", landmarks, min_confidence)


class _Rows:
    """The rows of either file."""

    def __init__(self, table: Table, columns: Columns, name: str, landmarks: bool, min_confidence: float) -> None:
        if (
            isinstance(min_confidence, bool)
            or not isinstance(min_confidence, int | float)
            or not 0 <= min_confidence <= 1
        ):
            raise FervlmError(f"min_confidence is {min_confidence!r}", hint="Give a number from 0 to 1.")
        self._table, self._columns, self._floor = table, columns, min_confidence
        self._detector = Detector(name=name, trust="medium")
        self._unmeasured = not_measured_by(columns.measured)
        self._places = Places(table, frame=("frame",), time={"timestamp": 1.0}, face=("face_id", "face"))
        self._success, self._confidence = table.find("success"), table.find("confidence")
        self._angles = _all_of(table, "pose_Rx", "pose_Ry", "pose_Rz")
        self._gaze = _all_of(table, "gaze_angle_x", "gaze_angle_y")
        self._xs, self._ys = _run(table, "x_"), _run(table, "y_")
        self._landmarks = landmarks
        self._qualities = Qualities()

    def __iter__(self) -> Iterator[AURecord]:
        for row, cells in self._table.rows():
            confidence = self._unit(cells, self._confidence, row)
            failed = confidence is not None and confidence < self._floor
            if not failed and self._success is not None:
                failed = self._unit(cells, self._success, row) == 0.0
            yield self._failed(cells, row, confidence) if failed else self._tracked(cells, row, confidence)

    def _unit(self, cells: list[str], index: int | None, row: int) -> float | None:
        if index is None:
            return None
        number = self._table.value(cells, index, row)
        if not 0.0 <= number <= 1.0:
            raise self._table.blame(cells, index, row, "is not between 0 and 1")
        return number

    def _failed(self, cells: list[str], row: int, confidence: float | None) -> AURecord:
        place = self._places.of(cells, row)
        return AURecord(
            id=place.id,
            source=place.source,
            face_id=place.face_id,
            frame=place.frame,
            time_s=place.time_s,
            detector=self._detector,
            not_measured=self._unmeasured,
            quality=self._qualities.of("failed", confidence),
        )

    def _tracked(self, cells: list[str], row: int, confidence: float | None) -> AURecord:
        place = self._places.of(cells, row)
        turned = self._head(cells, row)
        box, points = self._points(cells, row)
        stance = None if turned is None else pose(turned.pitch, turned.yaw)
        return AURecord(
            id=place.id,
            source=place.source,
            face_id=place.face_id,
            frame=place.frame,
            time_s=place.time_s,
            box=box,
            landmarks=points,
            detector=self._detector,
            readings=self._columns.read(cells, row),
            not_measured=self._unmeasured,
            quality=self._qualities.of("ok", confidence, stance),
            head=turned,
            gaze=self._look(cells, row),
        )

    def _radians(self, cells: list[str], index: int, row: int) -> float:
        angle = self._table.value(cells, index, row)
        if not -2 * pi <= angle <= 2 * pi:
            raise self._table.blame(cells, index, row, "is no angle in radians")
        return angle

    def _head(self, cells: list[str], row: int) -> Head | None:
        if self._angles is None:
            return None
        x, y, z = (self._radians(cells, index, row) for index in self._angles)
        return head(degrees(x), -degrees(y), degrees(z))

    def _look(self, cells: list[str], row: int) -> Gaze | None:
        if self._gaze is None:
            return None
        x, y = (self._radians(cells, index, row) for index in self._gaze)
        return gaze_from_radians(x, y)

    def _points(self, cells: list[str], row: int) -> tuple[Box | None, Landmarks | None]:
        """The box around the 2D landmarks, and they themselves where asked for."""
        if self._xs is None or self._ys is None:
            return None, None
        xs, ys = self._floats(cells, self._xs, row), self._floats(cells, self._ys, row)
        left, top = min(xs), min(ys)
        box = Box(x=left, y=top, width=max(xs) - left, height=max(ys) - top)
        return box, Landmarks(scheme="ibug68", points=tuple(zip(xs, ys, strict=True))) if self._landmarks else None

    def _floats(self, cells: list[str], run: slice, row: int) -> list[float]:
        try:
            found = list(map(float, cells[run]))
        except ValueError:
            found = []
        if not found or not -1e9 < sum(found) < 1e9:  # NaN and infinities fail this too
            return [self._coordinate(cells, index, row) for index in range(run.start, run.stop)]
        return found

    def _coordinate(self, cells: list[str], index: int, row: int) -> float:
        number = self._table.value(cells, index, row)
        if not -1e7 < number < 1e7:
            raise self._table.blame(cells, index, row, "is no place in a picture")
        return number


def _all_of(table: Table, *names: str) -> tuple[int, ...] | None:
    found = [table.find(name) for name in names]
    indices = tuple(index for index in found if index is not None)
    return indices if len(indices) == len(names) else None


def _run(table: Table, prefix: str) -> slice | None:
    """Where the 68 columns `x_0` ... stand, which OpenFace writes side by side."""
    start = table.find(f"{prefix}0")
    if start is None or table.header[start : start + POINTS] != tuple(f"{prefix}{i}" for i in range(POINTS)):
        return None
    return slice(start, start + POINTS)
