"""How many people a set shows, and how many stand in two of its splits: eight bytes a person, however many faces."""

from __future__ import annotations

import hashlib
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FEW = 65_536


class People:
    """Shown every face's person by split; counts each once."""

    def __init__(self) -> None:
        self._seen: dict[str, array[int]] = {}
        self._limit: dict[str, int] = {}

    def add(self, split: str, person: str) -> None:
        """Take note of a person in a split."""
        seen = self._seen.setdefault(split, array("Q"))
        seen.append(int.from_bytes(hashlib.blake2b(person.encode(), digest_size=8).digest(), "big"))
        if len(seen) >= self._limit.get(split, _FEW):
            self._seen[split] = array("Q", self._once(split).tobytes())
            self._limit[split] = 2 * max(len(self._seen[split]), _FEW // 2)

    def count(self, split: str) -> int:
        """Different people of a split."""
        return len(self._once(split))

    def shared(self) -> int:
        """People who stand in more than one split."""
        import numpy as np  # noqa: PLC0415

        if not self._seen:
            return 0
        _, splits = np.unique(np.concatenate([self._once(split) for split in self._seen]), return_counts=True)
        return int((splits > 1).sum())

    def _once(self, split: str) -> NDArray[np.uint64]:
        import numpy as np  # noqa: PLC0415

        return np.unique(np.array(self._seen.get(split, array("Q")), np.uint64))
