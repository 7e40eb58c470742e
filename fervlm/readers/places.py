"""Where a row stands: its id, frame, time, face and picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from fervlm.errors import FervlmError
from fervlm.readers.source import Origin, plain
from fervlm.readers.table import Table, missing
from fervlm.records import Source

MOST_FACES = 4096
"""Faces of one recording that are followed for repeated frames; more make the ids longer, not wrong."""
FILTER_BITS = 1 << 25

FRAME = ("frame", "frame_idx", "frame_index", "frame_number", "frame_id", "Frame")
TIME = {
    "timestamp_ms": 0.001,
    "time_ms": 0.001,
    "time_s": 1.0,
    "timestamp_s": 1.0,
    "timestamp_sec": 1.0,
    "seconds": 1.0,
}
"""Names that say their unit; a bare `timestamp` does not."""
FACE = ("face_id", "face", "face_index", "face_idx")
PICTURE = (
    "picture",
    "file",
    "file_name",
    "filename",
    "path",
    "image",
    "image_path",
    "input_image_path",
    "img",
    "img_path",
)
"""Names used in files whose writer has no fixed header."""


class Ids:
    """Ids that are stable between reads and unique within a file, in bounded memory.

    A row is called by its picture, or by the file and `#frame` (without frames: `#row`), then `/face` where that is not
    face 0. A name that has, or may have, been given out already gets `@row` as well. Either all rows of a file have a
    frame or none has.
    """

    def __init__(self, stem: str) -> None:
        self._stem = stem
        self._last: dict[str, int] = {}
        self._given: bytearray | None = None

    def of(self, row: int, *, picture: str | None = None, frame: int | None = None, face: str | None = None) -> str:
        """The id of the row numbered `row`."""
        face = face or "0"
        name = picture or self._stem
        if picture is None or frame is not None:
            name = f"{name}#{row if frame is None else frame}"
        if face != "0":
            name = f"{name}/{face.replace('%', '%25').replace('@', '%40')}"
        if picture is None:
            return name if frame is None or self._advances(face, frame) else f"{name}@{row}"
        while not self._unseen(name):
            name = f"{name}@{row}"
        return name

    def _advances(self, face: str, frame: int) -> bool:
        """Frames that only go up cannot repeat: no need to remember them."""
        if frame <= self._last.get(face, -1) or (face not in self._last and len(self._last) >= MOST_FACES):
            return False
        self._last[face] = frame
        return True

    def _unseen(self, name: str) -> bool:
        """Bloom filter of 4 MiB: a repeated name is never new; at a million, a new one seldom (0.06 %) is not."""
        if self._given is None:
            self._given = bytearray(FILTER_BITS // 8)
        digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=12).digest()
        fresh = False
        for start in (0, 4, 8):
            bit = int.from_bytes(digest[start : start + 4], "little") % FILTER_BITS
            if not self._given[bit >> 3] & (1 << (bit & 7)):
                fresh = True
                self._given[bit >> 3] |= 1 << (bit & 7)
        return fresh


@dataclass(frozen=True, slots=True)
class Place:
    """What identifies one record."""

    id: str
    source: Source
    frame: int | None = None
    time_s: float | None = None
    face_id: str | None = None
    picture: str | None = None


class Places:
    """The describing columns of a table."""

    def __init__(
        self,
        table: Table,
        *,
        frame: Sequence[str] = (),
        time: Mapping[str, float] | None = None,
        face: Sequence[str] = (),
        picture: Sequence[str] = (),
        fps: float | None = None,
    ) -> None:
        """Args: names to try for each; `time` with the unit in seconds; `fps` gives a time to frames without one."""
        self._table = table
        self._frame, self._face, self._picture = table.find_any(frame), table.find_any(face), table.find_any(picture)
        named = next((name for name in time or () if table.find(name) is not None), None)
        self._time = None if named is None else table.need(named)
        self._unit = 1.0 if named is None or time is None else time[named]
        self._fps = frames_per_second(fps)
        self._ids = Ids(table.origin.stem)

    def of(self, cells: list[str], row: int, face: str | None = None) -> Place:
        """The place of one row; `face` where the file has no column for it."""
        table = self._table
        frame = None if self._frame is None else table.whole(cells, self._frame, row)
        if self._face is not None:
            face = face_name(cells[self._face])
        picture = None if self._picture is None else plain(cells[self._picture])
        time = None
        if self._time is not None and not missing(cells[self._time]):
            time = table.value(cells, self._time, row) * self._unit
        elif self._fps is not None and frame is not None:
            time = frame / self._fps
        name = None if picture is None else short(picture, frame)
        return Place(
            self._ids.of(row, picture=name, frame=frame, face=face),
            Source(file=table.origin.label, row=row),
            frame,
            time,
            face,
            picture,
        )


def short(picture: str, frame: int | None) -> str:
    """What an id calls a picture: its path as written, or of a video (which has frames) its file name alone."""
    return picture if frame is None else picture.replace("\\", "/").rsplit("/", 1)[-1]


def face_name(cell: str) -> str | None:
    """A face id as text: `0`, `0.0` and ` 0` are the same face."""
    text = plain(cell)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if abs(number) < 1e15 and number == int(number) else text


def frames_per_second(fps: float | None) -> float | None:
    """`fps` checked: more than 0."""
    if fps is not None and (isinstance(fps, bool) or not isinstance(fps, int | float) or not 0 < fps < 1e6):
        raise FervlmError(f"fps is {fps!r}", hint="Give frames per second, such as fps=25.")
    return fps


class ItemPlaces:
    """The same for JSON items."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._ids = Ids(origin.stem)

    def of(
        self,
        number: int,
        *,
        picture: str | None = None,
        frame: int | None = None,
        time_s: float | None = None,
        face: str | None = None,
    ) -> Place:
        """The place of the item numbered `number` from 1."""
        name = None if picture is None else short(picture, frame)
        return Place(
            self._ids.of(number, picture=name, frame=frame, face=face),
            Source(file=self._origin.label, row=number),
            frame,
            time_s,
            face,
            picture,
        )
