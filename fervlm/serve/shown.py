"""The face of a picture as a language model gets it: cut out and framed as the faces of training are, as a data URL."""

from __future__ import annotations

import base64
import io
from functools import cache
from typing import TYPE_CHECKING

from PIL import Image

from fervlm.predict.cut_faces import Located, located
from fervlm.records import Prediction
from fervlm.vision.crop import crop_faces
from fervlm.vision.find_faces import finder_named
from fervlm.vision.haar import HaarFinder
from fervlm.vision.open_picture import open_picture
from fervlm.vision.remembered import Remembered

if TYPE_CHECKING:
    from fervlm.vision.find_faces import FaceFinder, Pixels


@cache
def memory() -> Remembered:
    """What the finders of this process remember together."""
    return Remembered()


@cache
def _finder() -> FaceFinder:
    return HaarFinder(memory=memory())


def face_url(picture: bytes, prediction: Prediction | None, side: int | None, number: int = 0) -> str:
    """A data URL of the predicted face, `side` pixels square; of the whole picture where no side is known."""
    if side is None:
        return url_of(_png(open_picture(picture, name="picture").pixels))
    return url_of(face_png(picture, prediction, side, number))


def face_png(picture: bytes, prediction: Prediction | None, side: int, number: int = 0) -> bytes:
    """The predicted face as a square PNG, framed as the faces of training are.

    The finder is asked once more, which mostly remembers, as a prediction holds the face's box and not the square; the
    whole picture is taken where it is a face already.

    Args:
        picture: encoded.
        prediction: of one of its faces.
        side: in pixels.
        number: of the face, 0 for the largest, where there is no prediction yet.
    """
    told = (prediction.face_id if prediction is not None else None) or ""
    number = int(told) - 1 if told.isdigit() else number
    box = prediction.box if prediction is not None else None
    if box is not None:
        photo = open_picture(picture, name="picture")
        high, wide = (round(size * photo.scale) for size in photo.pixels.shape[:2])
        if box.width >= wide and box.height >= high:
            return located_png(Located(photo, ()), side, number)
        return located_png(Located(photo, tuple(_finder().find(photo.pixels))), side, number)
    return located_png(located(picture, "picture", _finder()), side, number)


def located_png(where: Located, side: int | None, number: int = 0) -> bytes:
    """One face of a picture that was searched; of a picture without it, the picture as a face.

    Args:
        where: the picture and its faces.
        side: in pixels; None for the whole picture as it is.
        number: of the face, 0 for the largest.
    """
    pixels = where.picture.pixels
    if side is None:
        return _png(pixels)
    face = where.faces[number] if number < len(where.faces) else finder_named("none").find(pixels)[0]
    return _png(crop_faces(pixels, [face.square], side)[0], packed=False)


def url_of(png: bytes) -> str:
    """A PNG as a data URL."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _png(pixels: Pixels, *, packed: bool = True) -> bytes:
    """A picture for a model nearby, which throws it away: packing it well takes longer than sending it as it is."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=int(packed))
    return buffer.getvalue()
