"""Near duplicates by two difference hashes, in bounded memory: which pictures repeat an earlier one.

One hash alone is not enough for faces: upright, evenly lit ones are so much alike that a quarter of the pairs it found
in FER2013 showed two people. The second hash, which compares downwards, tells them apart: of those pairs, the true ones
differed in at most 9 of its bits and the false ones mostly in 12 to 25.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LARGEST_GROUP = 512
"""Members of one band that are compared all with all; larger groups (flat pictures) only with their neighbours."""


_CONFIRMING_BITS = 6
"""The hash that confirms may differ in so many bits more."""


def near_duplicates(hashes: NDArray[np.uint64], confirming: NDArray[np.uint64], bits: int) -> NDArray[np.int64]:
    """For each picture the position of an earlier one that is nearly the same, or -1; shape (n,).

    Nearly the same: `hashes` differ in at most `bits` bits, `confirming` in at most `bits + 6`. Two hashes that differ
    in at most `bits` bits agree in one of `bits + 1` bands, so only members of equal bands are compared. Time is about
    n log n for photographs; memory 8 bytes a hash and band.
    """
    import numpy as np  # noqa: PLC0415

    none = len(hashes)
    earlier = np.full(len(hashes), none, dtype=np.int64)
    edges = [round(64 * k / (bits + 1)) for k in range(bits + 2)] if bits >= 0 else []
    for low, high in pairwise(edges):
        mask = np.uint64(((1 << (high - low)) - 1) << low)
        band = hashes & mask
        order = np.lexsort((np.arange(len(hashes)), hashes, band))
        starts = np.flatnonzero(np.r_[True, band[order][1:] != band[order][:-1]])
        for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
            if end - start > 1:
                _compare(hashes, confirming, order[start:end], bits, earlier)
    return np.where(earlier == none, -1, earlier)


def _compare(
    hashes: NDArray[np.uint64],
    confirming: NDArray[np.uint64],
    group: NDArray[np.int64],
    bits: int,
    earlier: NDArray[np.int64],
) -> None:
    import numpy as np  # noqa: PLC0415

    reach = len(group) - 1 if len(group) <= _LARGEST_GROUP else 8
    for gap in range(1, reach + 1):
        a, b = group[:-gap], group[gap:]
        close = np.bitwise_count(hashes[a] ^ hashes[b]) <= bits
        close &= np.bitwise_count(confirming[a] ^ confirming[b]) <= bits + _CONFIRMING_BITS
        np.minimum.at(earlier, np.maximum(a, b)[close], np.minimum(a, b)[close])
