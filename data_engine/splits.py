"""Which split a face belongs to: every person in one only."""

from __future__ import annotations

import hashlib
import re
from array import array
from bisect import bisect_left

from data_engine.columns import id_digest
from data_engine.config import AnnotateConfig
from data_engine.measure import Measured

VALIDATION_NAMES = frozenset({"val", "valid", "validation", "dev"})


def split_name(given: str) -> str:
    """A split's name as file names and `datasets` can bear it: letters, digits and underscores."""
    return re.sub(r"\W+", "_", given.strip(), flags=re.ASCII).strip("_") or "other"


class Splits:
    """Shown every draft once (`add`), then asked (`of`).

    A person, or what stands for one where the input names none (the recording, the picture), goes where the input first
    put it, else where a hash of it falls. Where all faces are of one person they are for training.
    """

    def __init__(self, config: AnnotateConfig) -> None:
        self._seed = config.seed
        self._share = config.val_share
        self._names: dict[str, int] = {}
        self._people = array("Q")
        self._splits = array("H")
        self._sorted = True
        self._first: str | None = None
        self._several = False

    def add(self, row: Measured) -> None:
        """Take note of a draft."""
        if not self._several:
            self._several = self._first is not None and self._first != row.group
            self._first = row.group
        if row.split is not None:
            self._people.append(id_digest(row.group))
            self._splits.append(self._names.setdefault(row.split, len(self._names)))
            self._sorted = False

    def of(self, row: Measured) -> str:
        """`train`, `validation`, or the input's own name for another split."""
        given = self._first_given(row.group)
        if given is not None:
            return "validation" if given.lower() in VALIDATION_NAMES else split_name(given)
        digest = hashlib.blake2b(f"{self._seed}:{row.group}".encode(), digest_size=8).digest()
        chosen = self._several and int.from_bytes(digest, "big") < self._share * 2**64
        return "validation" if chosen else "train"

    def _first_given(self, person: str) -> str | None:
        if not self._people:
            return None
        if not self._sorted:
            self._sort()
        digest = id_digest(person)
        place = bisect_left(self._people, digest)
        if place == len(self._people) or self._people[place] != digest:
            return None
        return list(self._names)[self._splits[place]]

    def _sort(self) -> None:
        """Each person once, by digest, with the first split given."""
        import numpy as np  # noqa: PLC0415

        people, first = np.unique(np.frombuffer(self._people, np.uint64), return_index=True)
        splits = np.frombuffer(self._splits, np.uint16)[first]
        self._people, self._splits = array("Q", people.tobytes()), array("H", splits.tobytes())
        self._sorted = True
