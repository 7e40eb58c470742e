"""Points and smooth curves through them: the one kind of shape the drawings are made of.

Shapes stay lists of points until the last moment, so that they can be moved by an action unit, flipped to the other
side, or bent onto a photograph, all in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

Point = tuple[float, float]
Points = Sequence[Point]
Placing = Callable[[Point], Point]
"""Takes a point of the canonical face to its place in a drawing."""


def lerp(a: Point, b: Point, t: float) -> Point:
    """The point a share `t` of the way from `a` to `b`."""
    return (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t)


def between(a: Points, b: Points, t: float) -> list[Point]:
    """The line a share `t` of the way from line `a` to line `b`, which have equally many points."""
    return [lerp(p, q, t) for p, q in zip(a, b, strict=True)]


def place(points: Points, placing: Placing) -> list[Point]:
    """Every point put where `placing` says."""
    return [placing(point) for point in points]


def _pair(point: Point) -> str:
    return f"{round(point[0], 1):g} {round(point[1], 1):g}"


def _segments(points: Points, closed: bool) -> Iterable[str]:
    """Catmull-Rom spline through the points as cubic Bezier segments."""
    n = len(points)
    for i in range(n if closed else n - 1):
        if closed:
            before, start, end, after = (points[(i + k) % n] for k in (-1, 0, 1, 2))
        else:
            before, start = points[max(i - 1, 0)], points[i]
            end, after = points[i + 1], points[min(i + 2, n - 1)]
        first = (start[0] + (end[0] - before[0]) / 6, start[1] + (end[1] - before[1]) / 6)
        second = (end[0] - (after[0] - start[0]) / 6, end[1] - (after[1] - start[1]) / 6)
        yield f"C{_pair(first)} {_pair(second)} {_pair(end)}"


def smooth(points: Points, *, closed: bool = False) -> str:
    """SVG path data of a smooth curve through `points`."""
    return f"M{_pair(points[0])}" + "".join(_segments(points, closed)) + ("Z" if closed else "")


def band(a: Points, b: Points) -> str:
    """SVG path data of the area between two smooth lines that run the same way."""
    back = list(reversed(b))
    return (
        f"M{_pair(a[0])}" + "".join(_segments(a, False)) + f"L{_pair(back[0])}" + "".join(_segments(back, False)) + "Z"
    )


def belly(a: Points, b: Points, round_by: float = 0.5) -> str:
    """Like `band`, its two ends rounded: a share `round_by` of half an end's width stands out."""
    first, last = lerp(a[0], b[0], 0.5), lerp(a[-1], b[-1], 0.5)
    before, after = lerp(a[1], b[1], 0.5), lerp(a[-2], b[-2], 0.5)
    start = _pushed(first, before, 0.5 * round_by * math.dist(a[0], b[0]))
    end = _pushed(last, after, 0.5 * round_by * math.dist(a[-1], b[-1]))
    return smooth([start, *a, end, *reversed(b)], closed=True)


def _pushed(point: Point, away_from: Point, by: float) -> Point:
    length = math.dist(point, away_from) or 1.0
    return (point[0] + (point[0] - away_from[0]) * by / length, point[1] + (point[1] - away_from[1]) * by / length)


def ring(outer: Points, inner: Points) -> str:
    """SVG path data of the area between two closed curves (to be filled by the even-odd rule)."""
    return smooth(outer, closed=True) + smooth(inner, closed=True)
