"""The face of a picture as a language model gets it: cut out and framed as the faces of training are, as a data URL."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from PIL import Image

from fervlm.records import Prediction
from fervlm.vision.crop import crop_faces
from fervlm.vision.find_faces import finder_named
from fervlm.vision.open_picture import open_picture

if TYPE_CHECKING:
    from fervlm.vision.find_faces import Pixels


def face_url(picture: bytes, prediction: Prediction | None, side: int | None, number: int = 0) -> str:
    """A data URL of the predicted face, `side` pixels square; of the whole picture where no side is known."""
    if side is None:
        data = _png(open_picture(picture, name="picture").pixels)
    else:
        data = face_png(picture, prediction, side, number)
    return "data:image/png;base64," + base64.b64encode(data).decode()


def face_png(picture: bytes, prediction: Prediction | None, side: int, number: int = 0) -> bytes:
    """The predicted face as a square PNG, framed as the faces of training are.

    The finder is asked once more, as a prediction holds the face's box and not the square; the whole picture is taken
    where it is a face already.

    Args:
        picture: encoded.
        prediction: of one of its faces.
        side: in pixels.
        number: of the face, 0 for the largest, where there is no prediction yet.
    """
    photo = open_picture(picture, name="picture")
    told = (prediction.face_id if prediction is not None else None) or ""
    number = int(told) - 1 if told.isdigit() else number
    high, wide = (round(size * photo.scale) for size in photo.pixels.shape[:2])
    box = prediction.box if prediction is not None else None
    whole = box is not None and box.width >= wide and box.height >= high
    found = [] if whole else finder_named("haar").find(photo.pixels)
    if number >= len(found):
        found, number = finder_named("none").find(photo.pixels), 0
    return _png(crop_faces(photo.pixels, [found[number].square], side)[0])


def _png(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
