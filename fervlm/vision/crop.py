"""From a found face to what a model looks at: a square cut out with the framing of the training pictures.

Nothing is turned or flipped here: the subject's left stays where it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from fervlm.errors import FervlmError
from fervlm.records import Box

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    """Grey [h, w] or RGB [h, w, 3]."""

LETTERBOX = 114
"""Grey of the bars beside a picture that is shown whole."""
_BARS = (LETTERBOX, LETTERBOX, LETTERBOX)


@dataclass(frozen=True, slots=True)
class Square:
    """A square part of a picture, in its pixels: centre and length of a side. May reach over the border."""

    x: float
    y: float
    side: float

    @property
    def box(self) -> Box:
        """The same as a box."""
        return Box(x=self.x - self.side / 2, y=self.y - self.side / 2, width=self.side, height=self.side)

    def scaled(self, by: float) -> Square:
        """The same part of a picture `by` times as large."""
        return Square(self.x * by, self.y * by, self.side * by)


@dataclass(frozen=True, slots=True)
class Framing:
    """How a finder's box lies in the square of the training pictures.

    Attributes:
        right, down: from the box's centre to the square's, in box sides (the mean of width and height).
        grow: side of the square in box sides.
    """

    right: float
    down: float
    grow: float

    def square(self, box: Box) -> Square:
        """The square to cut out for a box."""
        side = (box.width + box.height) / 2
        x, y = box.x + box.width / 2, box.y + box.height / 2
        return Square(x + self.right * side, y + self.down * side, self.grow * side)


def centre_square(wide: int, high: int) -> Square:
    """The largest square in the middle of a picture: for a picture that is one face."""
    return Square(wide / 2, high / 2, float(min(wide, high)))


def whole_square(wide: int, high: int) -> Square:
    """The smallest square around a whole picture; with `bars=True` in `crop_faces` a letterbox."""
    return Square(wide / 2, high / 2, float(max(wide, high)))


def crop_faces(
    picture: Pixels, squares: Sequence[Square], side: int, *, grey: bool = False, bars: bool = False
) -> Pixels:
    """Cuts squares out of one picture.

    Args:
        picture: grey or RGB.
        squares: what to cut out, in pixels of `picture`.
        side: pixels of a crop's side.
        grey: crops in grey (ITU-R BT.601 luma) instead of RGB.
        bars: what lies outside the picture is filled with grey `LETTERBOX`, not with its edge.

    Returns:
        uint8 [n, side, side] where `grey`, else [n, side, side, 3]; area-averaged where shrunk, so free of aliasing.

    Raises:
        FervlmError: a square of no size, not finite, or wholly outside the picture.
    """
    import numpy as np

    shape = (side, side) if grey else (side, side, 3)
    out = np.empty((len(squares), *shape), dtype=np.uint8)
    for place, square in enumerate(squares):
        out[place] = _as_channels(_cut(picture, square, side, bars), grey)
    return out


def _cut(picture: Pixels, square: Square, side: int, bars: bool) -> Pixels:
    """One square as [side, side] or [side, side, 3]."""
    import numpy as np

    high, wide = picture.shape[:2]
    left, top = square.x - square.side / 2, square.y - square.side / 2
    if not np.isfinite((left, top, square.side)).all() or square.side <= 0:
        raise FervlmError(f"a face box has no size ({square.side:g} pixels)")
    if left >= wide or top >= high or left + square.side <= 0 or top + square.side <= 0:
        raise FervlmError(f"a face box lies outside its picture of {wide}\u00d7{high} pixels")
    if square.side <= side:
        return _enlarged(picture, square, side, bars)
    return _shrunk(picture, square, side, bars)


def _enlarged(picture: Pixels, square: Square, side: int, bars: bool) -> Pixels:
    """Sampled between pixels by cubic interpolation."""
    import cv2
    import numpy as np

    step = square.side / side
    left, top = square.x - square.side / 2, square.y - square.side / 2
    from_x, from_y = max(math.floor(left) - 2, 0), max(math.floor(top) - 2, 0)
    part = picture[from_y : math.ceil(top + square.side) + 2, from_x : math.ceil(left + square.side) + 2]
    # Output pixel i shows the place (i + 0.5) steps from the corner; pixel j of the part has its middle at j + 0.5.
    matrix = np.array(
        [[step, 0.0, left - from_x + step / 2 - 0.5], [0.0, step, top - from_y + step / 2 - 0.5]], dtype=np.float64
    )
    border = cv2.BORDER_CONSTANT if bars else cv2.BORDER_REPLICATE
    cut = cv2.warpAffine(
        part,
        matrix,
        (side, side),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=border,
        borderValue=_BARS,
    )
    return np.asarray(cut, dtype=np.uint8)


def _shrunk(picture: Pixels, square: Square, side: int, bars: bool) -> Pixels:
    """Averaged over areas, to whole pixels of the source; the part beyond the border is added after shrinking."""
    import cv2
    import numpy as np

    high, wide = picture.shape[:2]
    length = round(square.side)
    left, top = round(square.x - square.side / 2), round(square.y - square.side / 2)
    # The part inside the picture, in its pixels and in those of the crop; at least one of each.
    x, y = _inside(left, length, wide, side), _inside(top, length, high, side)
    part = picture[y.start : y.stop, x.start : x.stop]
    size = (x.until - x.since, y.until - y.since)
    cut = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    if size != (side, side):
        beside = (y.since, side - y.until, x.since, side - x.until)
        border = cv2.BORDER_CONSTANT if bars else cv2.BORDER_REPLICATE
        cut = cv2.copyMakeBorder(cut, *beside, borderType=border, value=_BARS)
    return np.asarray(cut, dtype=np.uint8)


class _Span(NamedTuple):
    """Along one axis: source pixels start to stop become the crop's pixels since to until."""

    start: int
    stop: int
    since: int
    until: int


def _inside(corner: int, length: int, limit: int, side: int) -> _Span:
    start = min(max(corner, 0), limit - 1)
    stop = max(min(corner + length, limit), start + 1)
    since = min(round((start - corner) * side / length), side - 1)
    until = max(round((stop - corner) * side / length), since + 1)
    return _Span(start, stop, since, min(until, side))


def _as_channels(cut: Pixels, grey: bool) -> Pixels:
    import cv2
    import numpy as np

    if grey == (cut.ndim == 2):
        return cut
    return np.asarray(cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY if grey else cv2.COLOR_GRAY2RGB), dtype=np.uint8)
