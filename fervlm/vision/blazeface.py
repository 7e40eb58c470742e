"""Faces by MediaPipe's short-range finder (BlazeFace), run by OpenCV from the file that MediaPipe's users have.

Network and decoding: Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs". The
weights are not ours and not shipped: `face_landmarker.task` is a zip that holds them as TFLite, which OpenCV reads.
"""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from fervlm.errors import FervlmError
from fervlm.records import Box
from fervlm.vision.crop import Framing, Square
from fervlm.vision.find_faces import FoundFace, without_doubles

if TYPE_CHECKING:
    import cv2
    import numpy as np
    from numpy.typing import NDArray

    from fervlm.vision.find_faces import Pixels

    Floats = NDArray[np.float64]

INPUT = 128
"""Pixels; side of the network's input."""
GRIDS = ((16, 2), (8, 6))
"""Cells along a side, and anchors in each cell; the outputs come in this order."""
LEAST_SCORE = 0.5
"""MediaPipe's own default."""
SURER = 0.7
"""For parts of a picture, of which there are more: foliage seen close reaches 0.68."""
FRAMING = Framing(right=0.0, down=-0.1, grow=1.2)
"""Measured on 370 faces of FER2013 and muxspace laid into scenes."""
_MEMBER = "face_detector.tflite"
_MOST_BYTES = 20_000_000


class BlazeFaceFinder:
    """MediaPipe's finder for faces that fill a good part of the picture; gives eyes, nose, mouth and ears as well."""

    name = "mediapipe"

    def __init__(self, model: str | Path) -> None:
        """Reads the network from `face_landmarker.task` or from a `.tflite` file; `FervlmError` where it is none."""
        self._net = _network(_weights(Path(model)), Path(model))
        self._anchors = _anchors()
        self._lock = threading.Lock()  # a network keeps its input

    def find(self, picture: Pixels) -> list[FoundFace]:
        """See `FaceFinder`. The whole picture at first; where that shows no face, five overlapping parts of it."""
        high, wide = picture.shape[:2]
        whole = Square(wide / 2, high / 2, float(max(wide, high)))
        found = self._within(picture, whole, LEAST_SCORE)
        if not found and min(wide, high) > 2 * INPUT:
            found = [face for part in _parts(wide, high) for face in self._within(picture, part, SURER)]
        return without_doubles(found)

    def _within(self, picture: Pixels, square: Square, least: float) -> list[FoundFace]:
        import cv2
        import numpy as np

        from fervlm.vision.crop import crop_faces

        shown = crop_faces(picture, [square], INPUT, bars=True)[0]
        blob = cv2.dnn.blobFromImage(shown, 1 / 127.5, (INPUT, INPUT), (127.5, 127.5, 127.5))
        with self._lock:
            self._net.setInput(blob)
            raw, scores = self._net.forward(("regressors", "classificators"))
        places = np.asarray(raw, dtype=np.float64).reshape(-1, 8, 2)
        sure = 1 / (1 + np.exp(-np.clip(np.asarray(scores, dtype=np.float64).ravel(), -80, 80)))
        kept = sure >= least
        corner = np.array([square.x - square.side / 2, square.y - square.side / 2])
        sides = places[kept, 1] / INPUT * square.side
        points = (np.delete(places[kept], 1, axis=1) / INPUT + self._anchors[kept, None]) * square.side + corner
        return [_face(*face) for face in _merged(points, sides, sure[kept])]


def _face(points: Floats, size: Floats, score: float) -> FoundFace:
    """A face from its centre and six points, [7, 2], and its width and height."""
    (x, y), (wide, high) = points[0].tolist(), size.tolist()
    box = Box(x=x - wide / 2, y=y - high / 2, width=wide, height=high)
    marks = tuple((float(a), float(b)) for a, b in points[1:])
    return FoundFace(box, round(score, 4), marks, FRAMING.square(box))


def _merged(points: Floats, sides: Floats, scores: Floats) -> list[tuple[Floats, Floats, float]]:
    """Answers for one face as one: their mean, weighted by score (the paper's "blending" in place of suppression)."""
    import numpy as np

    out = []
    left = np.argsort(-scores, kind="stable")
    while len(left):
        apart = np.hypot(*(points[left, 0] - points[left[0], 0]).T)
        same = apart < 0.4 * sides[left[0]].mean()
        group, weight = left[same], scores[left[same]]
        mean = np.average(points[group], axis=0, weights=weight), np.average(sides[group], axis=0, weights=weight)
        out.append((*mean, float(scores[left[0]])))
        left = left[~same]
    return out


def _anchors() -> Floats:
    """Middles of the cells, [896, 2], each as often as it has anchors; 0 to 1."""
    import numpy as np

    grids = []
    for cells, many in GRIDS:
        y, x = np.mgrid[:cells, :cells]
        middles = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) / cells
        grids.append(np.repeat(middles, many, axis=0))
    return np.concatenate(grids)


def _parts(wide: int, high: int) -> list[Square]:
    """Four squares at the corners and one in the middle."""
    side = 0.6 * max(wide, high)
    xs, ys = (side / 2, wide - side / 2), (min(side, high) / 2, high - min(side, high) / 2)
    return [Square(x, y, side) for y in ys for x in xs] + [Square(wide / 2, high / 2, side)]


def _weights(model: Path) -> bytes:
    try:
        if not zipfile.is_zipfile(model):
            data = model.read_bytes()
        else:
            with zipfile.ZipFile(model) as task:
                if task.getinfo(_MEMBER).file_size > _MOST_BYTES:
                    raise FervlmError("the face finder's network is far too large to be one", file=model)
                data = task.read(_MEMBER)
    except OSError as error:
        raise FervlmError(f"the face finder's model cannot be read ({error.strerror or error})", file=model) from None
    except (KeyError, zipfile.BadZipFile):
        raise FervlmError(f"holds no '{_MEMBER}'", file=model, hint="Give MediaPipe's face_landmarker.task.") from None
    return data


def _network(data: bytes, model: Path) -> cv2.dnn.Net:
    import cv2
    import numpy as np

    try:
        net = cv2.dnn.readNetFromTFLite(np.frombuffer(data, dtype=np.uint8))
    except cv2.error:
        hint = "Give MediaPipe's face_landmarker.task."
        raise FervlmError("OpenCV cannot read it as a TFLite network", file=model, hint=hint) from None
    if set(net.getUnconnectedOutLayersNames()) != {"regressors", "classificators"}:
        raise FervlmError("is another network than MediaPipe's short-range face finder", file=model)
    return net
