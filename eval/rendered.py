"""Faces with known action units: a 3D face model (ICT-FaceKit, MIT) drawn flat-shaded, one AU at a time.

The model's shapes follow ARKit's names; which AU a shape shows is the package's own table
(`facs/tables/blendshape_to_au.csv`), read here the other way round. A drawn face is no photograph: what is learned from
it is whether a predictor's number for an AU follows that AU alone, with everything else held still.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fervlm.errors import FervlmError

Floats = NDArray[np.float64]
SHAPES: dict[int, tuple[str, ...]] = {
    1: ("browInnerUp_L", "browInnerUp_R"),
    2: ("browOuterUp_L", "browOuterUp_R"),
    4: ("browDown_L", "browDown_R"),
    5: ("eyeWide_L", "eyeWide_R"),
    6: ("cheekSquint_L", "cheekSquint_R", "cheekRaiser_L", "cheekRaiser_R"),
    7: ("eyeSquint_L", "eyeSquint_R"),
    9: ("noseSneer_L", "noseSneer_R"),
    10: ("mouthUpperUp_L", "mouthUpperUp_R"),
    12: ("mouthSmile_L", "mouthSmile_R"),
    14: ("mouthDimple_L", "mouthDimple_R"),
    15: ("mouthFrown_L", "mouthFrown_R"),
    16: ("mouthLowerDown_L", "mouthLowerDown_R"),
    17: ("mouthShrugLower",),
    18: ("mouthPucker",),
    20: ("mouthStretch_L", "mouthStretch_R"),
    22: ("mouthFunnel",),
    24: ("mouthPress_L", "mouthPress_R"),
    26: ("jawOpen",),
    28: ("mouthRollLower", "mouthRollUpper"),
}
EYE_LEFT, EYE_RIGHT = slice(42, 48), slice(36, 42)
"""Of the 68 landmarks; the subject's sides."""
DISTANCE, EYE_LINE = 0.35, 0.39
"""Distance between the eyes' centres and their height, in widths of the picture: the crops' layout."""
LIGHT = np.array([0.25, 0.45, 0.86])


@dataclass(frozen=True, slots=True)
class Head:
    """The model, loaded."""

    neutral: Floats
    quads: NDArray[np.int64]
    expressions: dict[str, Floats]
    identities: Floats
    landmarks: NDArray[np.int64]


def load_head(path: str | Path) -> Head:
    """`ict_light_narrowface.npz`; `FervlmError` where there is none."""
    place = Path(path)
    if not place.is_file():
        raise FervlmError("there is no face model here", file=place)
    with np.load(place) as held:
        names = [str(name) for name in held["expression_names"]]
        shapes = held["expressions"].astype(np.float64)
        return Head(
            held["neutral"].astype(np.float64),
            held["quads"].astype(np.int64),
            dict(zip(names, shapes, strict=True)),
            held["identities"].astype(np.float64),
            held["idx_idx_to_landmark_verts"].astype(np.int64),
        )


def draw(head: Head, units: dict[int, float], *, person: int = 0, side: int = 96) -> NDArray[np.uint8]:
    """A grey face [side, side] with AU weights 0 to 1, of a made-up person.

    Args:
        head: the model.
        units: AU -> weight, of `SHAPES`.
        person: seeds ten identity weights; 0 is the mean face.
        side: of the picture in pixels.
    """
    import cv2  # noqa: PLC0415

    shape = head.neutral.copy()
    if person:
        weights = np.random.default_rng(person).normal(size=10) * 0.7
        shape += np.tensordot(weights, head.identities[:10], 1)
    resting = shape[head.landmarks]
    for au, weight in units.items():
        for name in SHAPES[au]:
            shape = shape + weight * head.expressions[name]
    large = side * 4  # drawn large and averaged down: no jagged edges
    points = _placed(shape, resting, large)
    canvas = np.full((large, large), 96, np.uint8)
    _eyes(canvas, _placed(resting, resting, large), large)
    corners = shape[head.quads]
    normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    shade = np.clip(70 + 130 * np.clip(normal @ LIGHT, 0, 1), 0, 255).astype(int)
    for k in np.argsort(corners[:, :, 2].mean(1)):
        if normal[k, 2] > 0:
            cv2.fillConvexPoly(canvas, points[head.quads[k]].astype(np.int32), int(shade[k]), cv2.LINE_8)
    small: NDArray[np.uint8] = cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8)
    return small


def _placed(shape: Floats, resting: Floats, side: int) -> Floats:
    """[N, 2] pixels; eyes of the resting face where the crops have them."""
    left, right = resting[EYE_LEFT].mean(0), resting[EYE_RIGHT].mean(0)
    scale = DISTANCE * side / abs(left[0] - right[0])
    middle = (left + right) / 2
    x = side / 2 + (shape[:, 0] - middle[0]) * scale
    y = EYE_LINE * side - (shape[:, 1] - middle[1]) * scale
    return np.stack([x, y], axis=1)


def _eyes(canvas: NDArray[np.uint8], landmarks: Floats, side: int) -> None:
    """Eyeballs behind the lids, which the model leaves open."""
    import cv2  # noqa: PLC0415

    for part in (EYE_LEFT, EYE_RIGHT):
        x, y = landmarks[part].mean(0).astype(int)
        cv2.circle(canvas, (int(x), int(y)), int(0.09 * side), 215, -1)
        cv2.circle(canvas, (int(x), int(y)), int(0.035 * side), 60, -1)
