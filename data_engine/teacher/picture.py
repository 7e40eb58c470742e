"""What a teacher is shown of a face: an upright JPEG, PNG or WebP of a size that servers take."""

from __future__ import annotations

from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING

from data_engine.items import Joined
from data_engine.pictures import PictureStore, decode
from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from PIL import Image

LARGEST = 1024
"""Pixels of the longer side."""
_MARGIN = 0.5
"""Of a face's box, kept around it on every side where a picture shows several."""
_ORIENTATION = 274


class Eye:
    """Fetches pictures; may be used from several threads. With `one_face` false each face is cut out by its box."""

    def __init__(self, one_face: bool) -> None:
        self._one_face = one_face
        self._store = PictureStore()
        self._lock = Lock()

    def sees(self, face: Joined) -> bytes:
        """The encoded picture of a face, as it is where a server can read it, else converted.

        Raises:
            FervlmError: the face has no picture, or it cannot be read any more.
        """
        if face.picture is None:
            raise FervlmError("the evidence has no picture")
        with self._lock:
            data = self._store.read(face.picture)
        box = None if self._one_face else face.evidence.box
        if box is None and _fit_as_is(data):
            return data
        picture = decode(data, face.picture.name)
        if box is not None:
            aside, above = _MARGIN * box.width, _MARGIN * box.height
            edges = (box.x - aside, box.y - above, box.x + box.width + aside, box.y + box.height + above)
            left, top, right, bottom = (round(edge) for edge in edges)
            picture = picture.crop((max(left, 0), max(top, 0), min(right, picture.width), min(bottom, picture.height)))
        picture.thumbnail((LARGEST, LARGEST))
        return _jpeg(picture)


def _fit_as_is(data: bytes) -> bool:
    from PIL import Image  # noqa: PLC0415

    if not (data.startswith((b"\xff\xd8\xff", b"\x89PNG")) or data[8:12] == b"WEBP"):
        return False
    with Image.open(BytesIO(data)) as picture:
        return max(picture.size) <= LARGEST and picture.getexif().get(_ORIENTATION, 1) == 1


def _jpeg(picture: Image.Image) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
