"""One muscle as an area of the face.

Every muscle is an area between two lines, its fibres the lines in between, which is how an anatomical plate draws one.
Lines run from origin to insertion in half-face points (x outward), the insertion moving with the feature it pulls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fervlm.vision.curves import Point, Points, between, lerp


@dataclass(frozen=True, slots=True)
class Muscle:
    """One muscle's area on one half of the face."""

    name: str
    a: Points
    b: Points
    closed: bool = False
    """A ring: `a` is its outer and `b` its inner rim."""
    fibres: int = 5
    anchor: Point = (0.0, 0.0)
    """Where a leader line ends."""

    def lines(self) -> list[list[Point]]:
        """The fibres."""
        return [between(self.a, self.b, (k + 0.5) / self.fibres) for k in range(self.fibres)]


def strip(name: str, a: Points, b: Points, *, fibres: int = 5, at: float = 0.5) -> Muscle:
    """A muscle between two lines of three or more points; the leader ends a share `at` of the way along it."""
    middle = between(a, b, 0.5)
    where = at * (len(middle) - 1)
    i = min(int(where), len(middle) - 2)
    return Muscle(name, a, b, fibres=fibres, anchor=lerp(middle[i], middle[i + 1], where - i))


def oval(cx: float, cy: float, rx: float, ry: float, *, n: int = 16, tilt: float = 0.0) -> list[Point]:
    """`n` points around an ellipse, turned by `tilt` degrees."""
    turn, found = math.radians(tilt), []
    for k in range(n):
        angle = 2 * math.pi * k / n
        x, y = rx * math.cos(angle), ry * math.sin(angle)
        found.append((cx + x * math.cos(turn) - y * math.sin(turn), cy + x * math.sin(turn) + y * math.cos(turn)))
    return found
