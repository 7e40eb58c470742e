"""From a picture to its faces: found, cut out, each with its place in the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fervlm.errors import FervlmError
from fervlm.predict.unit_record import FacePlace
from fervlm.vision.crop import Square, crop_faces
from fervlm.vision.find_faces import FaceFinder, FoundFace
from fervlm.vision.open_picture import OpenPicture, open_picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fervlm.checkpoint import Manifest


@dataclass(frozen=True, slots=True)
class Wanted:
    """Faces as a model takes them: side in pixels, and whether in colour."""

    side: int
    colour: bool


@dataclass(frozen=True, slots=True)
class CutFaces:
    """The F faces of one picture, largest first.

    Attributes:
        crops: uint8 [F, S, S] grey or [F, S, S, 3] RGB.
        places: F places.
        squares: F squares that were cut out, in pixels of the upright file.
        notes: what a user should know of the file.
    """

    crops: NDArray[np.uint8]
    places: tuple[FacePlace, ...]
    squares: tuple[Square, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Located:
    """An unpacked picture and its faces, largest first; what several models look at is unpacked and searched once."""

    picture: OpenPicture
    faces: tuple[FoundFace, ...]


def located(source: bytes | str | Path, name: str, finder: FaceFinder) -> Located:
    """A picture unpacked and searched; it may show no face. Arguments and errors as for `cut_faces`."""
    picture = open_picture(source, name=name)
    return Located(picture, tuple(finder.find(picture.pixels)))


def cut_faces(source: bytes | str | Path, name: str, finder: FaceFinder, wanted: Manifest | Wanted) -> CutFaces:
    """The faces of a picture as the model wants them.

    Args:
        source: the encoded picture, or its path.
        name: what to call it.
        finder: finds the faces.
        wanted: side and channels of the crops.

    Raises:
        FervlmError: the picture cannot be read, or shows no face.
        MissingExtraError: HEIC without the extra `image`.
    """
    return cut_located(located(source, name, finder), wanted)


def cut_located(where: Located, wanted: Manifest | Wanted) -> CutFaces:
    """The faces of a picture searched before; `FervlmError` where there is none."""
    picture, found, name = where.picture, where.faces, where.picture.name
    if not found:
        raise FervlmError(
            "no face was found in it", file=name, hint="If the picture is a face already cut out, add --face-is-crop."
        )
    side = wanted.side if isinstance(wanted, Wanted) else wanted.crop_side or wanted.image_size
    crops = crop_faces(picture.pixels, [f.square for f in found], side, grey=not wanted.colour)
    several = len(found) > 1
    places = tuple(
        FacePlace(name, number if several else None, picture.in_file(face.box))
        for number, face in enumerate(found, start=1)
    )
    squares = tuple(face.square.scaled(picture.scale) for face in found)
    return CutFaces(crops, places, squares, picture.notes)
