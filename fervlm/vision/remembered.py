"""Where faces were found in the last pictures, so that a picture that comes again is not searched again."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from fervlm.vision.find_faces import FoundFace

MOST = 256
"""Pictures; a conversation shows the same one in each of its turns."""


class Remembered:
    """A bounded memory of places, shared by any number of finders with equal settings; the least used go first.

    It holds boxes and squares, never pixels. What they belong to is a digest under a key of this process, so that
    nothing in it tells which picture that was.

    Args:
        most: pictures kept.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._key = secrets.token_bytes(32)
        self._kept: OrderedDict[bytes, tuple[FoundFace, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def digest(self, searched: NDArray[np.uint8], scale: float) -> bytes:
        """Of the picture that is searched, and of how its places become those of the photograph."""
        made = hashlib.blake2b(repr((searched.shape, scale)).encode(), digest_size=16, key=self._key)
        made.update(searched.data if searched.flags.c_contiguous else searched.tobytes())
        return made.digest()

    def get(self, digest: bytes) -> list[FoundFace] | None:
        """The faces of a picture seen before, none of them for one without a face; None for one that was not."""
        with self._lock:
            found = self._kept.get(digest)
            if found is None:
                return None
            self._kept.move_to_end(digest)
            return list(found)

    def put(self, digest: bytes, faces: Sequence[FoundFace]) -> None:
        """Keep them."""
        with self._lock:
            self._kept[digest] = tuple(faces)
            self._kept.move_to_end(digest)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
