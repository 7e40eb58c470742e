"""Records of one face, kept as columns of numbers: about 140 bytes a row for OpenFace, where a record takes 20,000.

A million rows (11 hours at 25 frames/s) hold 140 MB here. Where a detector gives an AU more than once (an intensity
and a presence bit), only the richest reading is kept, as the tables advise for video.
"""

from __future__ import annotations

from array import array
from math import isnan, nan

from fervlm.records import AUReading, AURecord, Box, Detector, Gaze, Head, Quality, Scale
from fervlm.sequences.track import Key

_RICHNESS: dict[Scale, int] = {
    "intensity_0_5": 0,
    "probability": 1,
    "score": 2,
    "evidence_log10": 3,
    "coefficient": 4,
    "presence": 5,
}
_POSES = (None, "frontal", "turned", "extreme")
_PLACES = 9
_Layout = tuple[tuple[int, str | None, Scale], ...]


class FaceRows:
    """One face of one recording, row by row in the order of the file."""

    def __init__(self, face_id: str | None, first: AURecord) -> None:
        self.face_id = face_id
        self.file = first.source.file
        self.picture = first.picture
        self.first_id = first.id
        self.subject = first.subject
        self.detector: Detector = first.detector
        self.not_measured: tuple[int, ...] = first.not_measured
        self.columns: dict[Key, array[float]] = {}
        self.scales: dict[Key, Scale] = {}
        self.thresholds: dict[Key, float | None] = {}
        self.rows = array("q")
        self.frames = array("q")
        self.times = array("d")
        self.tracked = array("b")
        self.blank = True
        """Whether every row so far says that there is no face at all."""
        self.confidence = array("f")
        self.pose = array("b")
        self.places = array("f")
        """Box (4), head (3) and gaze (2) of each row, NaN where missing."""
        self._layout: _Layout | None = None
        self._plan: list[list[array[float]]] = []

    def __len__(self) -> int:
        return len(self.tracked)

    def add(self, record: AURecord) -> None:
        """Append one row; a row without a tracked face keeps its place in time and no values."""
        tracked = record.quality.tracking == "ok" and bool(record.readings)
        self._append_place(record, tracked)
        if not tracked:
            return
        layout: _Layout = tuple((r.au, r.side, r.scale) for r in record.readings)
        if layout != self._layout:
            self._learn(record, layout)
        here = len(self.tracked) - 1
        for reading, columns in zip(record.readings, self._plan, strict=True):
            value = reading.value
            if value is None or reading.scale == "presence":
                value = 1.0 if reading.state == "present" else 0.0
            for column in columns:
                missing = here - len(column)
                if missing > 0:
                    column.extend([nan] * missing)
                if missing < 0:  # the same AU, side and scale twice in a row: the larger counts
                    column[here] = max(column[here], value)
                else:
                    column.append(value)

    def _append_place(self, record: AURecord, tracked: bool) -> None:
        self.rows.append(-1 if record.source.row is None else record.source.row)
        self.frames.append(-1 if record.frame is None else record.frame)
        self.times.append(nan if record.time_s is None else record.time_s)
        self.tracked.append(tracked)
        quality = record.quality
        self.blank = self.blank and quality.tracking == "no_face"
        self.confidence.append(nan if quality.confidence is None else quality.confidence)
        self.pose.append(_POSES.index(quality.pose))
        box, head, gaze = record.box, record.head, record.gaze
        self.places.extend((box.x, box.y, box.width, box.height) if box else (nan,) * 4)
        turned = (head.pitch, head.yaw, head.roll) if head else (None, None, None)
        looking = (gaze.x, gaze.y) if gaze else (None, None)
        self.places.extend([nan if angle is None else angle for angle in (*turned, *looking)])

    def _learn(self, record: AURecord, layout: _Layout) -> None:
        """Which column each reading of this layout goes to; poorer readings of an AU go nowhere."""
        if not self.columns:
            self.detector, self.not_measured = record.detector, record.not_measured
        for reading in record.readings:
            for key in _keys(reading):
                known = self.scales.get(key)
                if known is None or _RICHNESS[reading.scale] < _RICHNESS[known]:
                    self.scales[key] = reading.scale
                    self.thresholds[key] = reading.threshold
                    self.columns[key] = array("f")
        # An AU with a number is not also described by a bare presence bit of another side.
        rich = {au for (au, _), scale in self.scales.items() if scale != "presence"}
        for key in [k for k, scale in self.scales.items() if scale == "presence" and k[0] in rich]:
            del self.scales[key], self.thresholds[key], self.columns[key]
        self._plan = [[self.columns[k] for k in _keys(r) if self.scales.get(k) == r.scale] for r in record.readings]
        self._layout = layout

    def finish(self) -> None:
        """Pad every column to the full length; no row can be added in a sensible way afterwards."""
        for column in self.columns.values():
            column.extend([nan] * (len(self.tracked) - len(column)))
        self.columns = {key: self.columns[key] for key in sorted(self.columns, key=_order)}

    def quality(self, row: int) -> Quality:
        """Quality of the row at an index, tracking ok."""
        confidence = self.confidence[row]
        return Quality(
            confidence=None if isnan(confidence) else min(1.0, max(0.0, round(confidence, 4))),
            pose=_POSES[self.pose[row]],
        )

    def no_face(self) -> Quality:
        """Quality of a recording in which the face was never tracked."""
        return Quality(tracking="no_face" if self.blank else "failed")

    def box(self, row: int) -> Box | None:
        """The face's place at an index, or None."""
        x, y, width, height = self.places[row * _PLACES : row * _PLACES + 4]
        return None if isnan(x) else Box(x=round(x, 3), y=round(y, 3), width=round(width, 3), height=round(height, 3))

    def angles(self, row: int) -> tuple[Head | None, Gaze | None]:
        """Head and gaze at an index, None where the tool gives none."""
        found = [None if isnan(a) else round(a, 3) for a in self.places[row * _PLACES + 4 : (row + 1) * _PLACES]]
        head = Head(pitch=found[0], yaw=found[1], roll=found[2]) if any(a is not None for a in found[:3]) else None
        gaze = Gaze(x=found[3], y=found[4]) if any(a is not None for a in found[3:]) else None
        return head, gaze


def _keys(reading: AUReading) -> tuple[Key, ...]:
    if reading.side == "both":
        return (reading.au, "left"), (reading.au, "right")
    return ((reading.au, reading.side),)


def _order(key: Key) -> tuple[int, str]:
    return key[0], key[1] or ""
