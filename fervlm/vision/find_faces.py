"""Where the faces in a picture are: what every finder returns, and the finders by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from fervlm.errors import FervlmError
from fervlm.records import Box
from fervlm.vision.crop import Square, centre_square

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    """Grey [h, w] or RGB [h, w, 3], upright."""

FinderName = Literal["haar", "mediapipe", "none"]
FINDERS: tuple[FinderName, ...] = ("haar", "mediapipe", "none")
Points = tuple[tuple[float, float], ...]
"""Eyes, nose tip, mouth, ears: the one on the viewer's left before the one on the right; picture pixels."""


@dataclass(frozen=True, slots=True)
class FoundFace:
    """One face that a finder saw.

    Attributes:
        box: the face from the middle of the forehead to the chin, in pixels of the picture searched; may reach over
            its border.
        score: 0 to 1, higher is surer; not a probability, and not comparable between finders.
        landmarks: six points where the finder gives some, else None.
        square: what to cut out so that the face fills it as faces fill the training pictures.
    """

    box: Box
    score: float
    landmarks: Points | None
    square: Square


class FaceFinder(Protocol):
    """Finds faces; may be called from several threads."""

    @property
    def name(self) -> str:
        """The name that chooses it."""
        ...

    def find(self, picture: Pixels) -> list[FoundFace]:
        """The faces of one picture, largest first; empty where there is none."""
        ...


def finder_named(name: str, *, model: str | Path | None = None, at_most: int = 320) -> FaceFinder:
    """The finder of a name.

    Args:
        name: `haar` (OpenCV's cascades), `mediapipe` (its short-range finder, from a file) or `none` (the whole picture
            is one face).
        model: `face_landmarker.task` or a `.tflite` file; for `mediapipe` only.
        at_most: longest side in pixels at which `haar` searches.

    Raises:
        FervlmError: an unknown name; `mediapipe` without its file, or with a file that is none.
    """
    if name == "haar":
        from fervlm.vision.haar import HaarFinder

        return HaarFinder(at_most)
    if name == "mediapipe":
        from fervlm.vision.blazeface import BlazeFaceFinder

        if model is None:
            hint = "Give the path of MediaPipe's face_landmarker.task."
            raise FervlmError("the finder 'mediapipe' needs its model file", hint=hint)
        return BlazeFaceFinder(model)
    if name == "none":
        return WholePicture()
    raise FervlmError(f"there is no face finder '{name}'", hint=f"Choose one of {', '.join(FINDERS)}.")


class WholePicture:
    """No search: the picture is one face already cut out."""

    name = "none"

    def find(self, picture: Pixels) -> list[FoundFace]:
        """One face, the whole picture; its square is the largest one in the middle."""
        high, wide = picture.shape[:2]
        box = Box(x=0, y=0, width=wide, height=high)
        return [FoundFace(box, 1.0, None, centre_square(wide, high))]


def largest_first(faces: Sequence[FoundFace]) -> list[FoundFace]:
    """Sorted by area, then by score, then from the left: the same order on every run."""
    return sorted(faces, key=lambda face: (-face.box.width * face.box.height, -face.score, face.box.x, face.box.y))


def without_doubles(faces: Sequence[FoundFace], union: float = 0.3, inside: float = 0.6) -> list[FoundFace]:
    """Of boxes that show the same face only the surest; largest first.

    Two boxes are taken for the same face where they share more than `union` of both together, or more than `inside` of
    the smaller one, such as a mouth seen as a small face.
    """
    kept: list[FoundFace] = []
    for face in sorted(faces, key=lambda face: (-face.score, face.box.x, face.box.y)):
        shares = [_shared(face.box, other.box) for other in kept]
        if all(of_both <= union and of_smaller <= inside for of_both, of_smaller in shares):
            kept.append(face)
    return largest_first(kept)


def _shared(one: Box, other: Box) -> tuple[float, float]:
    """Overlap as a share of the union and of the smaller box."""
    wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if wide <= 0 or high <= 0:
        return 0.0, 0.0
    areas = (one.width * one.height, other.width * other.height)
    return wide * high / (sum(areas) - wide * high), wide * high / min(areas)
