"""OpenCV's cascades: loading one, its single windows, and windows gathered to places."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fervlm.errors import FervlmError

if TYPE_CHECKING:
    import cv2
    import numpy as np
    from numpy.typing import NDArray

    Grey = NDArray[np.uint8]
    Floats = NDArray[np.float64]

WINDOW = 20
"""Pixels; the side of the window that the cascades were made with."""


class Spot(NamedTuple):
    """A square of a grey picture (left, top, side) in which `votes` windows of a cascade agree."""

    x: float
    y: float
    side: float
    votes: int


def cascade(name: str) -> cv2.CascadeClassifier:
    """One of OpenCV's own cascades; `FervlmError` where this OpenCV has none (5 and later)."""
    import cv2

    hint = "Type: pip install 'opencv-python-headless>=4.10,<5'"
    folder = getattr(getattr(cv2, "data", None), "haarcascades", None)
    file = Path(folder or ".") / f"haarcascade_{name}.xml"
    if folder is None or not hasattr(cv2, "CascadeClassifier") or not file.is_file():
        raise FervlmError(f"the installed OpenCV {cv2.__version__} has no face cascades", hint=hint)
    loaded = cv2.CascadeClassifier(str(file))
    if loaded.empty():
        raise FervlmError("OpenCV's face cascade cannot be read", file=file, hint=hint)
    return loaded


def windows(by: cv2.CascadeClassifier, grey: Grey, step: float, least: float, most: float = math.inf) -> Floats:
    """All windows in which a cascade sees something.

    Args:
        by: the cascade.
        grey: the picture.
        step: from one window size to the next, a factor.
        least: side of the smallest window in pixels.
        most: side of the largest.

    Returns:
        [n, 3]: left, top, side in pixels of `grey`.
    """
    import numpy as np

    largest = int(min(most, *grey.shape))
    if largest < max(WINDOW, int(least)):
        return np.zeros((0, 3))
    found = by.detectMultiScale(grey, step, 0, 0, (int(least), int(least)), (largest, largest))
    return np.asarray(found, dtype=np.float64).reshape(-1, 4)[:, :3]


def gathered(found: Floats) -> list[Spot]:
    """Windows that lie close together, [n, 3], as one spot each, which is their mean; most votes first."""
    import numpy as np

    spots = []
    left = found
    while len(left):
        side, middle = left[:, 2], left[:, :2] + left[:, 2:] / 2
        apart = np.hypot(*(middle[:, None] - middle[None]).transpose(2, 0, 1))
        smaller = np.minimum(side[:, None], side[None])
        near = (apart < 0.3 * smaller) & (np.maximum(side[:, None], side[None]) < 1.6 * smaller)
        group = near[near.sum(axis=1).argmax()]
        x, y, mean = (float(v) for v in left[group].mean(axis=0))
        spots.append(Spot(x, y, mean, int(group.sum())))
        left = left[~group]
    return spots
