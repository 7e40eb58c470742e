"""From the canonical face to a face in a photograph: a thin-plate spline through the landmarks.

Landmark numbers are counted by place in the picture (a detector does not know whether it is mirrored), so the canonical
points here have x < 0 on the viewer's left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fervlm.records import Landmarks
from fervlm.vision.curves import Placing, Point

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STIFFNESS = 1e-3
"""Share of smoothing: landmarks jitter by a pixel or two, the drawing should not."""

_IBUG68: dict[int, Point] = {
    0: (-115, -25), 2: (-110, 38), 4: (-94, 98), 6: (-54, 152), 8: (0, 171),
    10: (54, 152), 12: (94, 98), 14: (110, 38), 16: (115, -25),
    17: (-84, -53), 19: (-54, -64), 21: (-19, -57), 22: (19, -57), 24: (54, -64), 26: (84, -53),
    27: (0, -25), 30: (0, 40), 31: (-18, 55), 33: (0, 60), 35: (18, 55),
    36: (-70.5, -18.6), 37: (-55, -28), 38: (-37, -27), 39: (-21.5, -14.5), 40: (-37, -9), 41: (-55, -9.5),
    42: (21.5, -14.5), 43: (37, -27), 44: (55, -28), 45: (70.5, -18.6), 46: (55, -9.5), 47: (37, -9),
    48: (-39, 95), 50: (-8, 82), 51: (0, 85.5), 52: (8, 82), 54: (39, 95),
    56: (10, 110.5), 57: (0, 111), 58: (-10, 110.5),
}  # fmt: skip
"""Point of the 68-point scheme (from 0) -> where it lies on the canonical face."""

_MEDIAPIPE: dict[int, Point] = {
    234: (-115, -10), 132: (-107, 48), 172: (-92, 102), 150: (-58, 148), 152: (0, 171),
    379: (58, 148), 397: (92, 102), 361: (107, 48), 454: (115, -10),
    70: (-84, -53), 105: (-54, -64), 107: (-19, -57), 336: (19, -57), 334: (54, -64), 300: (84, -53),
    168: (0, -25), 1: (0, 40), 98: (-18, 55), 2: (0, 60), 327: (18, 55),
    33: (-70.5, -18.6), 159: (-46, -29), 133: (-21.5, -14.5), 145: (-46, -8),
    362: (21.5, -14.5), 386: (46, -29), 263: (70.5, -18.6), 374: (46, -8),
    61: (-39, 95), 37: (-8, 82), 0: (0, 85.5), 267: (8, 82), 291: (39, 95), 17: (0, 111),
    10: (0, -148), 67: (-46, -141), 297: (46, -141), 54: (-86, -116), 284: (86, -116),
}  # fmt: skip
"""The same for MediaPipe's 478 points."""

_STEADY = (17, 19, 21, 22, 24, 26, 27, 30, 36, 39, 42, 45)
"""Points of the 68 that tell where the forehead is, which has none of its own."""
_FOREHEAD: tuple[Point, ...] = ((-72, -136), (0, -150), (72, -136))


def _affine(canonical: Floats, found: Floats) -> Floats:
    """Least-squares affine map, (3, 2): [1, x, y] @ it."""
    import numpy as np

    design = np.hstack([np.ones((len(canonical), 1)), canonical])
    return np.asarray(np.linalg.lstsq(design, found, rcond=None)[0], dtype=np.float64)


def _pairs(landmarks: Landmarks) -> tuple[Floats, Floats] | None:
    """Canonical points and their places in the picture; None where the scheme is not known well enough."""
    import numpy as np

    table = {"ibug68": _IBUG68, "mediapipe478": _MEDIAPIPE}.get(landmarks.scheme)
    if table is None or len(landmarks.points) <= max(table):
        return None
    canonical = np.array(list(table.values()), dtype=np.float64)
    found = np.array([landmarks.points[i] for i in table], dtype=np.float64)
    if landmarks.scheme == "ibug68":
        steady = [list(table).index(i) for i in _STEADY]
        forehead = np.array(_FOREHEAD)
        guess = np.hstack([np.ones((len(forehead), 1)), forehead]) @ _affine(canonical[steady], found[steady])
        canonical, found = np.vstack([canonical, forehead]), np.vstack([found, guess])
    return (canonical, found) if np.isfinite(found).all() else None


def _kernel(a: Floats, b: Floats) -> Floats:
    """r^2 log r between two sets of points."""
    import numpy as np

    square = ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)
    out: Floats = 0.5 * square * np.log(np.maximum(square, 1e-12))
    return out


def warp_to(landmarks: Landmarks) -> Placing | None:
    """Takes a canonical point (x < 0 on the viewer's left) to picture pixels; None where the landmarks do not serve."""
    import numpy as np

    pairs = _pairs(landmarks)
    if pairs is None:
        return None
    canonical, found = pairs
    if np.ptp(found, axis=0).min() < 4:  # a face of no size
        return None
    knots = canonical / 100
    n = len(knots)
    system = np.zeros((n + 3, n + 3))
    system[:n, :n] = _kernel(knots, knots) + _STIFFNESS * np.eye(n)
    system[:n, n:] = np.hstack([np.ones((n, 1)), knots])
    system[n:, :n] = system[:n, n:].T
    weights = np.linalg.solve(system, np.vstack([found, np.zeros((3, 2))]))

    def placing(point: Point) -> Point:
        at = np.array([[point[0] / 100, point[1] / 100]])
        row = np.hstack([_kernel(at, knots), np.ones((1, 1)), at]) @ weights
        return (float(row[0, 0]), float(row[0, 1]))

    return placing
