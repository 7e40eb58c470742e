"""What the gate keeps of every draft between its passes: a few numbers each, in arrays."""

from __future__ import annotations

import hashlib
from array import array
from typing import TYPE_CHECKING

from data_engine.measure import Measured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def id_digest(key: str) -> int:
    """64 bits of an id; orders drafts in a way that has nothing to do with where they came from."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")


class Columns:
    """Filled draft by draft in input order. `groups` are the fields whose groups will be asked for."""

    def __init__(self, groups: tuple[str, ...]) -> None:
        self._sentences = array("H")
        self._dhash = array("Q")
        self._vhash = array("Q")
        self._first = array("l")
        self._order = array("Q") if groups else None
        self._codes: dict[str, dict[str, int]] = {key: {} for key in groups}
        self._groups = {key: array("i") for key in groups}
        self._picture: tuple[str | None, int] = (None, -1)

    def add(self, row: Measured) -> None:
        """Take the next draft in."""
        place = len(self._sentences)
        self._sentences.append(len(row.frames[0]) if row.frames else 0)
        if row.dhash is not None:
            # The faces of one picture follow each other.
            if row.picture is None or row.picture != self._picture[0]:
                self._picture = row.picture, place
            self._first.append(self._picture[1])
            self._dhash.append(int(row.dhash, 16))
            self._vhash.append(int(row.vhash or "0", 16))
        elif len(self._dhash):
            self._first.append(-1)
            self._dhash.append(0)
            self._vhash.append(0)
        if self._order is not None:
            self._order.append(id_digest(row.id))
        for key, codes in self._codes.items():
            value: str | None = getattr(row, key)
            self._groups[key].append(-1 if value is None else codes.setdefault(value, len(codes)))

    def sentences(self) -> NDArray[np.uint16]:
        """Sentences of every draft's first caption."""
        import numpy as np  # noqa: PLC0415

        return np.frombuffer(self._sentences, np.uint16)

    def pictures(self) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint64]]:
        """The place of the first draft of the same picture (-1: no picture), and both difference hashes by place."""
        import numpy as np  # noqa: PLC0415

        missing = len(self._sentences) - len(self._first)
        first = np.concatenate([np.full(missing, -1, np.int64), np.frombuffer(self._first, np.int64)])
        none = np.zeros(missing, np.uint64)
        across, down = (
            np.concatenate([none, np.frombuffer(hashes, np.uint64)]) for hashes in (self._dhash, self._vhash)
        )
        return first, across, down

    def group(self, key: str) -> NDArray[np.int32]:
        """Group number of every draft by label, subject or source; -1 where it has none."""
        import numpy as np  # noqa: PLC0415

        return np.frombuffer(self._groups[key], np.int32)

    def order(self) -> NDArray[np.uint64]:
        """`id_digest` of every draft; only where groups were asked for."""
        import numpy as np  # noqa: PLC0415

        return np.frombuffer(self._order or array("Q"), np.uint64)
