"""A long signal as a line no finer than the pixels it is drawn on: per pixel column its least and largest value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Flags = NDArray[np.bool_]


def runs(flags: Flags) -> list[tuple[int, int]]:
    """First index and one past the last of every unbroken run of True."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def thinned(x: Floats, y: Floats, columns: int) -> tuple[Floats, Floats]:
    """A line through (x, y) with at most two points a pixel column.

    Args:
        x: ascending, in pixels from 0 to `columns`.
        y: finite values, as many.
        columns: width in pixels.

    Returns:
        The points themselves where they are few; else each column's extremes in the order they occur.
    """
    import numpy as np

    if len(x) <= 2 * columns:
        return x, y
    column = np.clip(x.astype(np.int64), 0, columns)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    low, high = np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)
    # Whether a column's line goes up or down is told by its first value: nearer the low or the high end.
    rising = (y[starts] - low) <= (high - y[starts])
    places = np.repeat(column[starts].astype(np.float64) + 0.5, 2)
    values = np.empty(2 * len(starts))
    values[0::2] = np.where(rising, low, high)
    values[1::2] = np.where(rising, high, low)
    return places, values


def merged(spans: Sequence[tuple[float, float]], least: float = 0.8) -> Iterator[tuple[float, float]]:
    """Spans in ascending order, those closer than `least` pixels drawn as one, none narrower than `least`."""
    current: tuple[float, float] | None = None
    for start, end in sorted(spans):
        stop = max(end, start + least)
        if current is not None and start - current[1] < least:
            current = (current[0], max(current[1], stop))
            continue
        if current is not None:
            yield current
        current = (start, stop)
    if current is not None:
        yield current
