"""Faces by OpenCV's Haar cascades: a coarse sweep over the picture, then a close look at each place it names.

The sweep (`alt2`, coarse steps, single windows kept) misses little and cries wolf often; a second cascade with fine
steps (`alt`) on the few places decides. That finds more and is quicker than one fine sweep. Heads held aslant and
faces seen from the side are looked for only where no upright frontal face was found: they cost four sweeps more.
"""

from __future__ import annotations

import math
import threading
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from fervlm.errors import FervlmError
from fervlm.records import Box
from fervlm.vision.cascades import WINDOW, Spot, cascade, gathered, windows
from fervlm.vision.crop import Framing
from fervlm.vision.find_faces import FoundFace, without_doubles

if TYPE_CHECKING:
    import cv2

    from fervlm.vision.cascades import Floats, Grey
    from fervlm.vision.find_faces import Pixels
    from fervlm.vision.remembered import Remembered

FRONTAL = Framing(right=0.0, down=0.005, grow=1.07)
"""Measured on 732 faces of FER2013 and muxspace laid into scenes: with it the eyes' middle (.50 .40), their distance
(.36) and the mouth (.50 .77) lie where they lie in those training pictures."""
TO_LEFT = Framing(right=-0.16, down=0.02, grow=1.0)
"""For what the profile cascade finds, measured alike on 91 and, mirrored, on 72 faces."""
TO_RIGHT = Framing(right=0.16, down=0.02, grow=1.0)
STEP = 1.3
"""From one window size of a sweep to the next."""
SEEN = 3
"""Windows of the second cascade that make a place a face."""
CLEAR = 5
"""Windows of the sweep that do so alone."""
CLEARER = 6
"""Windows of both together that make one in a turned picture, where more places are looked at."""
SIDEWAYS = 2
"""Windows of the profile cascade that make a face."""
SLANTS = (-20.0, 20.0)
"""Degrees by which the picture is turned for heads held aslant."""
SMALL = 128
"""Pictures smaller than this are enlarged to it and given a margin: they are faces already cut out, mostly."""
MARGIN = 0.2


class _Search(NamedTuple):
    """The picture that is searched: `scale` of its pixels make one of the photograph, after a margin on each side."""

    grey: Grey
    scale: float
    margin: int

    def least(self, share: float) -> int:
        """Side of the smallest face looked for, in its pixels."""
        return max(WINDOW, round(share * float(max(self.grey.shape))))


class HaarFinder:
    """OpenCV's cascades, loaded at the first picture that needs them."""

    name = "haar"

    def __init__(self, at_most: int = 320, smallest: float = 0.09, memory: Remembered | None = None) -> None:
        """A finder.

        Args:
            at_most: longest side searched, in pixels; larger pictures are shrunk to it.
            smallest: side of the smallest face looked for, as a share of the longest side.
            memory: of pictures searched before, by this finder or others with the same settings; none by default.

        Raises:
            FervlmError: the picture searched would be too small for any face.
        """
        if at_most < 64:
            raise FervlmError(f"faces cannot be searched at {at_most} pixels", hint="Use 64 or more.")
        self.at_most = at_most
        self.smallest = smallest
        self.memory = memory
        self._lock = threading.Lock()  # a cascade keeps the picture it works on

    def find(self, picture: Pixels) -> list[FoundFace]:
        """See `FaceFinder`."""
        search = _prepared(picture, self.at_most)
        if self.memory is None:
            return self._found(search)
        digest = self.memory.digest(search.grey, search.scale)
        known = self.memory.get(digest)
        if known is None:
            known = self._found(search)
            self.memory.put(digest, known)
        return known

    def _found(self, search: _Search) -> list[FoundFace]:
        with self._lock:
            spots = self._frontal(search.grey, search.least(self.smallest)) or self._aslant(search)
            found = [(spot, FRONTAL) for spot in spots] or self._sideways(search)
        return without_doubles([_face(spot, framing, search) for spot, framing in found])

    def _frontal(self, grey: Grey, least: int) -> list[Spot]:
        found = []
        for spot in gathered(windows(self._sweep, grey, STEP, least)):
            seen = self._closer(grey, spot)
            if len(seen) >= SEEN or spot.votes >= CLEAR:
                best = gathered(seen)[0] if len(seen) else spot
                found.append(best._replace(votes=spot.votes + len(seen)))
        return found

    def _closer(self, grey: Grey, spot: Spot) -> Floats:
        """The windows of the second cascade around a place, in pixels of `grey`."""
        pad = 0.25 * spot.side
        x, y = max(0, int(spot.x - pad)), max(0, int(spot.y - pad))
        part = grey[y : int(spot.y + spot.side + pad), x : int(spot.x + spot.side + pad)]
        seen = windows(self._second, part, 1.1, 0.7 * spot.side, 1.35 * spot.side)
        seen[:, :2] += (x, y)
        return seen

    def _aslant(self, search: _Search) -> list[Spot]:
        """Frontal faces in the picture turned about its middle, their places turned back."""
        import cv2
        import numpy as np

        high, wide = search.grey.shape
        found = []
        for degrees in SLANTS:
            there = cv2.getRotationMatrix2D((wide / 2, high / 2), degrees, 1.0)
            back = cv2.invertAffineTransform(there)
            turned = cv2.warpAffine(search.grey, there, (wide, high), borderMode=cv2.BORDER_REPLICATE)
            for spot in self._frontal(np.asarray(turned, dtype=np.uint8), search.least(self.smallest)):
                if spot.votes < CLEARER:
                    continue
                half = spot.side / 2
                x, y = (float(v) for v in back @ np.array([spot.x + half, spot.y + half, 1.0]))
                found.append(spot._replace(x=x - half, y=y - half))
        return found

    def _sideways(self, search: _Search) -> list[tuple[Spot, Framing]]:
        """Profiles; the cascade knows one direction, the mirrored picture shows it the other."""
        import numpy as np

        found = []
        for mirrored, framing in ((False, TO_LEFT), (True, TO_RIGHT)):
            grey = np.ascontiguousarray(search.grey[:, ::-1]) if mirrored else search.grey
            seen = windows(self._profile, grey, STEP, search.least(self.smallest))
            if mirrored:
                seen[:, 0] = grey.shape[1] - seen[:, 0] - seen[:, 2]
            found += [(spot, framing) for spot in gathered(seen) if spot.votes >= SIDEWAYS]
        return found

    @cached_property
    def _sweep(self) -> cv2.CascadeClassifier:
        return cascade("frontalface_alt2")

    @cached_property
    def _second(self) -> cv2.CascadeClassifier:
        return cascade("frontalface_alt")

    @cached_property
    def _profile(self) -> cv2.CascadeClassifier:
        return cascade("profileface")


def _prepared(picture: Pixels, at_most: int) -> _Search:
    import cv2
    import numpy as np

    longest = max(picture.shape[:2])
    scale = min(1.0, at_most / longest) if longest >= SMALL else min(SMALL, at_most) / longest
    grey = picture if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    if scale != 1:
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        grey = np.asarray(cv2.resize(grey, size, interpolation=way), dtype=np.uint8)
    margin = round(MARGIN * max(grey.shape)) if longest < SMALL else 0
    if margin:
        bordered = cv2.copyMakeBorder(grey, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
        grey = np.asarray(bordered, dtype=np.uint8)
    return _Search(grey, scale, margin)


def _face(spot: Spot, framing: Framing, search: _Search) -> FoundFace:
    """A spot of the picture searched as a face of the photograph."""
    x, y, side = (spot.x - search.margin) / search.scale, (spot.y - search.margin) / search.scale, spot.side
    box = Box(x=x, y=y, width=side / search.scale, height=side / search.scale)
    return FoundFace(box, round(1 - math.exp(-spot.votes / 10), 4), None, framing.square(box))
