"""Rows to recordings and faces: a change of file or video begins a new recording, and faces are kept apart.

A face id of the tool is trusted. Where several rows of one frame carry none, faces are followed by the overlap of
their boxes and numbered "1", "2", ... in the order they appear.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath

from fervlm.errors import FervlmError
from fervlm.records import AURecord, Box
from fervlm.sequences.collect import FaceRows

_STILLS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".heic"})
_NUMBERED = re.compile(r"^(.*?)(\d+)(\.\w+)?$")
_OVERLAP = 0.1
"""Least intersection over union for two boxes to be taken for the same face."""


def recordings(records: Iterable[AURecord]) -> Iterator[list[FaceRows]]:
    """The faces of one recording after another; only one recording is held at a time.

    Raises:
        FervlmError: the rows are pictures of a folder that are not numbered frames of one film.
    """
    key: tuple[str, str | None] | None = None
    faces: _Faces | None = None
    for given in records:
        record = _still_as_frame(given)
        here = (record.source.file, _film(record))
        if faces is None or here != key:
            if faces is not None:
                yield faces.finish()
            key, faces = here, _Faces()
        faces.add(record)
    if faces is not None:
        yield faces.finish()


def _is_still(picture: str) -> bool:
    return PurePath(picture).suffix.lower() in _STILLS


def _film(record: AURecord) -> str | None:
    """What tells recordings in one file apart: the video, or the name that numbered pictures share."""
    if record.picture is None:
        return None
    if not _is_still(record.picture):
        return record.picture
    found = _NUMBERED.match(record.picture)
    return found.group(1) if found else ""


def _still_as_frame(record: AURecord) -> AURecord:
    """A picture such as `frame_0012.png` is frame 12, where the tool wrote no frame number."""
    if record.picture is None or not _is_still(record.picture):
        return record
    if record.frame is not None or record.time_s is not None:
        return record
    found = _NUMBERED.match(record.picture)
    if found is None:
        raise FervlmError(
            f"the picture '{record.picture}' carries no frame number, so its place in a clip is not known",
            file=record.source.file,
            row=record.source.row,
            hint="Explain single pictures with --per frame.",
        )
    return record.model_copy(update={"frame": int(found.group(2))})


class _Faces:
    """The faces of the recording being read."""

    def __init__(self) -> None:
        self.named: dict[str, FaceRows] = {}
        self.unnamed: list[FaceRows] = []
        self._last_box: list[Box | None] = []
        self._waiting: list[AURecord] = []

    def add(self, record: AURecord) -> None:
        if record.face_id is not None:
            face = self.named.get(record.face_id)
            if face is None:
                face = self.named[record.face_id] = FaceRows(record.face_id, record)
            face.add(record)
            return
        waiting = self._waiting
        if waiting and (record.frame is None or waiting[-1].frame != record.frame):
            self._place()
        self._waiting.append(record)

    def _place(self) -> None:
        """Give the rows of one frame to the faces they continue."""
        rows = self._waiting
        self._waiting = []
        tracked = [r for r in rows if r.quality.tracking == "ok"]
        if not tracked:
            if len(self.unnamed) <= 1:
                self._put(0, rows[0])
            return
        if len(tracked) == 1 and len(self.unnamed) <= 1:
            self._put(0, tracked[0])
            return
        for row, face in self._match(tracked):
            self._put(face, row)

    def _match(self, rows: list[AURecord]) -> list[tuple[AURecord, int]]:
        """Best overlap first; a row without a box goes by its place in the frame, an unmatched one opens a face."""
        pairs = sorted(
            ((_overlap(r.box, b), i, j) for i, r in enumerate(rows) for j, b in enumerate(self._last_box)), reverse=True
        )
        chosen: dict[int, int] = {}
        for overlap, i, j in pairs:
            if overlap >= _OVERLAP and i not in chosen and j not in chosen.values():
                chosen[i] = j
        fresh = len(self.unnamed)
        for i, row in enumerate(rows):
            if i in chosen:
                continue
            if row.box is None and i < len(self.unnamed) and i not in chosen.values():
                chosen[i] = i
            else:
                chosen[i] = fresh
                fresh += 1
        return [(rows[i], chosen[i]) for i in sorted(chosen, key=lambda i: chosen[i])]

    def _put(self, face: int, record: AURecord) -> None:
        if face == len(self.unnamed):
            self.unnamed.append(FaceRows(None, record))
            self._last_box.append(None)
        self.unnamed[face].add(record)
        self._last_box[face] = record.box or self._last_box[face]

    def finish(self) -> list[FaceRows]:
        if self._waiting:
            self._place()
        unnamed = self.unnamed
        if self.named or len(unnamed) > 1:
            # Rows without any face are no face of their own beside others.
            unnamed = [face for face in unnamed if any(face.tracked)]
        if len(unnamed) > 1 or (unnamed and self.named):
            for number, face in enumerate(unnamed, 1):
                face.face_id = str(number)
        found = [*self.named.values(), *unnamed]
        for face in found:
            face.finish()
        return found


def _overlap(one: Box | None, other: Box | None) -> float:
    """Intersection over union of two boxes; 0 where one is missing."""
    if one is None or other is None:
        return 0.0
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (one.width * one.height + other.width * other.height - both)
