"""Third stage: which muscle shows an action unit, and where it lies.

Every muscle is an area between two lines, its fibres the lines in between, which is how an anatomical plate draws one.
Lines run from origin to insertion in half-face points (x outward), the insertion moving with the feature it pulls.
After the muscular basis in `facs/tables/action_units.csv`; outlines are schematic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from fervlm.vision.curves import Point, Points, between, lerp
from fervlm.vision.draw_shape import Shape


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


def _strip(name: str, a: Points, b: Points, *, fibres: int = 5, at: float = 0.5) -> Muscle:
    """A muscle between two lines of three or more points; the leader ends a share `at` of the way along it."""
    middle = between(a, b, 0.5)
    where = at * (len(middle) - 1)
    i = min(int(where), len(middle) - 2)
    return Muscle(name, a, b, fibres=fibres, anchor=lerp(middle[i], middle[i + 1], where - i))


def _oval(cx: float, cy: float, rx: float, ry: float, *, n: int = 16, tilt: float = 0.0) -> list[Point]:
    turn, found = math.radians(tilt), []
    for k in range(n):
        angle = 2 * math.pi * k / n
        x, y = rx * math.cos(angle), ry * math.sin(angle)
        found.append((cx + x * math.cos(turn) - y * math.sin(turn), cy + x * math.sin(turn) + y * math.cos(turn)))
    return found


def _frontalis_medial(s: Shape) -> Muscle:
    (x0, y0), (x1, y1) = s.brow[0], s.brow[1]
    return _strip(
        "frontalis, medial part",
        ((5, -139), (4, -108), (x0 - 9, y0 - 7)),
        ((35, -139), (37, -108), (x1 + 1, y1 - 7)),
        fibres=6,
        at=0.45,
    )


def _frontalis_lateral(s: Shape) -> Muscle:
    (x2, y2), (x3, y3) = s.brow[2], s.brow[3]
    return _strip(
        "frontalis, lateral part",
        ((42, -137), (45, -108), (x2 - 10, y2 - 6)),
        ((79, -122), (88, -100), (x3 - 1, y3 - 8)),
        fibres=7,
        at=0.45,
    )


def _corrugator(s: Shape) -> Muscle:
    (x0, y0), (x1, y1) = s.brow[0], s.brow[1]
    end = lerp(s.brow[1], s.brow[2], 0.55)
    return _strip(
        "corrugator supercilii",
        ((3, y0 + 2), (x0 + 6, y0 - 7), (x1, y1 - 8), end),
        ((5, y0 + 13), (x0 + 7, y0 + 9), (x1, y1 + 6), (end[0], end[1] + 2)),
        fibres=4,
        at=0.4,
    )


def _levator_palpebrae(s: Shape) -> Muscle:
    lid = s.upper_lid
    crease = [(x, y - h) for (x, y), h in zip(lid, (1, 8, 11, 9, 2), strict=True)]
    return _strip("levator palpebrae", crease, [(x, y - 1.5) for x, y in lid], fibres=3, at=0.62)


def _orbital(s: Shape) -> Muscle:
    lift = 3 * s.of(6)
    outer = _oval(51, -12 - lift, 42, 33, tilt=-8)
    inner = _oval(46, -19, 31, 20, tilt=-4)
    return Muscle("orbicularis oculi, orbital part", outer, inner, closed=True, fibres=4, anchor=(80, 6 - lift))


def _palpebral(s: Shape) -> Muscle:
    # Both rims run from the inner canthus over the upper lid to the outer one and back below, so they pair up.
    angles = [math.pi + 2 * math.pi * k / 16 for k in range(16)]
    outer = [(46.5 + 30 * math.cos(angle), -18.5 + 18 * math.sin(angle)) for angle in angles]
    inner = [*_along(s.upper_lid, 8), *_along(tuple(reversed(s.lower_lid)), 8)]
    return Muscle("orbicularis oculi, palpebral part", outer, inner, closed=True, fibres=3, anchor=(60, -5))


def _along(points: Points, n: int) -> list[Point]:
    """`n` points evenly along a line, without its last."""
    found = []
    for k in range(n):
        where = k / n * (len(points) - 1)
        i = int(where)
        found.append(lerp(points[i], points[i + 1], where - i))
    return found


def _alaeque(s: Shape) -> Muscle:
    rise = s.wing
    return _strip(
        "levator labii superioris alaeque nasi",
        ((9, -32), (12, 0), (19, 34 - rise), (15, s.lips.top[2][1] - 4)),
        ((17, -30), (21, 0), (30, 36 - rise), (25, s.lips.top[2][1] - 2)),
        fibres=4,
        at=0.45,
    )


def _levator_labii(s: Shape) -> Muscle:
    (x, y) = s.lips.top[2]
    return _strip(
        "levator labii superioris",
        ((28, 2), (29, 38), (x - 2, y - 3)),
        ((55, 4), (45, 40), (x + 13, y)),
        fibres=5,
        at=0.4,
    )


def _zygomaticus_minor(s: Shape) -> Muscle:
    (x, y) = lerp(s.lips.top[2], s.lips.corner, 0.45)
    return _strip(
        "zygomaticus minor", ((62, 16), (46, 48), (x - 3, y - 3)), ((74, 18), (54, 52), (x + 4, y)), fibres=4, at=0.35
    )


def _zygomaticus_major(s: Shape) -> Muscle:
    (x, y) = s.lips.corner
    return _strip(
        "zygomaticus major",
        ((78, 14), (66 + 0.1 * x, 46), (x - 2, y - 5)),
        ((98, 22), (76 + 0.12 * x, 56), (x + 3, y + 2)),
        fibres=6,
        at=0.42,
    )


def _levator_anguli(s: Shape) -> Muscle:
    (x, y) = s.lips.corner
    return _strip(
        "levator anguli oris", ((36, 26), (38, 56), (x - 5, y - 4)), ((54, 28), (50, 58), (x + 3, y - 2)), at=0.35
    )


def _buccinator(s: Shape) -> Muscle:
    (x, y) = s.lips.corner
    return _strip(
        "buccinator",
        ((x + 1, y - 3), (70, y - 15), (93, 66)),
        ((x + 1, y + 3), (70, y + 10), (89, 96)),
        fibres=6,
        at=0.62,
    )


def _risorius(s: Shape) -> Muscle:
    (x, y) = s.lips.corner
    return _strip(
        "risorius", ((x + 1, y - 2), (72, y - 2), (95, 82)), ((x + 1, y + 4), (72, y + 11), (90, 99)), fibres=4, at=0.7
    )


def _depressor_anguli(s: Shape) -> Muscle:
    (x, y) = s.lips.corner
    j = s.jaw
    return _strip(
        "depressor anguli oris",
        ((x - 4, y + 2), (36, 128 + j), (30, 157 + j)),
        ((x + 4, y + 1), (56, 122 + j), (66, 134 + j)),
        fibres=6,
        at=0.62,
    )


def _depressor_labii(s: Shape) -> Muscle:
    (x, y) = s.lips.bottom[2]
    j = s.jaw
    return _strip(
        "depressor labii inferioris",
        ((5, y + 7), (11, y + 20), (17, 152 + j)),
        ((x + 13, y - 2), (37, y + 20), (40, 144 + j)),
        fibres=5,
        at=0.5,
    )


def _mentalis(s: Shape) -> Muscle:
    top = s.lips.bottom[0][1] + 8
    j = s.jaw
    low = max(164 + j, top + 30)
    return _strip(
        "mentalis",
        ((2, top), (2, (top + low) / 2), (2, low)),
        ((9, top + 1), (18, (top + low) / 2), (17, low - 3)),
        fibres=4,
        at=0.62,
    )


def _orbicularis_oris(s: Shape) -> Muscle:
    """Half a ring around the lips, from the midline above to the midline below."""
    lips = s.lips
    (cx, cy) = lips.corner
    inner = [*lips.top[:-1], (cx + 2, cy), *reversed(lips.bottom[:-1])]
    n = len(inner)
    grow = (10, 10, 11, 12, 13, 12, 11, 11, 11)
    outer = []
    for i, (x, y) in enumerate(inner):
        angle = -math.pi / 2 + math.pi * i / (n - 1)
        outer.append((x + grow[i] * math.cos(angle), y + grow[i] * math.sin(angle)))
    outer[0] = (0, outer[0][1])
    outer[-1] = (0, outer[-1][1])
    return Muscle("orbicularis oris", outer, inner, fibres=3, anchor=lerp(outer[6], inner[6], 0.5))


def _masseter(s: Shape) -> Muscle:
    j = s.jaw
    return _strip(
        "masseter",
        ((82, 30), (72, 70 + 0.4 * j), (64, 112 + 0.9 * j)),
        ((102, 28), (100, 62 + 0.3 * j), (84, 102 + 0.8 * j)),
        fibres=7,
        at=0.55,
    )


def _digastric(s: Shape) -> Muscle:
    j = s.jaw
    return _strip(
        "digastric",
        ((4, 160 + j), (26, 158 + j), (54, 140 + j)),
        ((4, 186 + j), (34, 180 + j), (66, 152 + j)),
        fibres=5,
        at=0.6,
    )


def _pterygoids(s: Shape) -> Muscle:
    j = s.jaw
    return _strip(
        "pterygoids", ((78, 30), (80, 60), (84, 92 + j)), ((98, 30), (99, 60), (94, 88 + j)), fibres=4, at=0.4
    )


def _cheek(s: Shape) -> Muscle:
    out = 6 * s.of(33, 34)
    return _strip(
        "buccinator, cheek",
        ((54, 62), (74, 48), (95 + out, 58)),
        ((53, 92), (73, 108), (89 + out, 96)),
        fibres=7,
        at=0.6,
    )


def _dilator(s: Shape) -> Muscle:
    w = s.wing
    return _strip(
        "nasalis, alar part",
        ((17, 36 - w), (20, 46 - w), (16, 56 - w)),
        ((27, 36 - w), (32, 46 - w), (24, 57 - w)),
        fibres=3,
    )


def _compressor(s: Shape) -> Muscle:
    return _strip("nasalis, transverse part", ((1, 8), (10, 14), (24, 38)), ((1, 22), (10, 27), (18, 42)), fibres=4)


def _tongue(s: Shape) -> Muscle:
    y = s.lips.lower_edge[0][1]
    return _strip(
        "genioglossus", ((0, y - 2), (0, y + 5), (0, y + 12)), ((9, y - 2), (9, y + 5), (7, y + 11)), fibres=3
    )


def _platysma(s: Shape) -> Muscle:
    j = s.jaw
    return _strip(
        "platysma",
        ((18, 160 + j), (19, 196 + 0.5 * j), (24, 228)),
        ((70, 130 + j), (66, 180), (80, 216)),
        fibres=8,
        at=0.68,
    )


BEHIND_JAW = frozenset({"platysma", "digastric"})
"""Muscles drawn before the outline of the head, which covers their upper ends."""

MUSCLES: dict[int, Callable[[Shape], Muscle]] = {
    1: _frontalis_medial,
    2: _frontalis_lateral,
    4: _corrugator,
    5: _levator_palpebrae,
    6: _orbital,
    7: _palpebral,
    8: _orbicularis_oris,
    9: _alaeque,
    10: _levator_labii,
    11: _zygomaticus_minor,
    12: _zygomaticus_major,
    13: _levator_anguli,
    14: _buccinator,
    15: _depressor_anguli,
    16: _depressor_labii,
    17: _mentalis,
    18: _orbicularis_oris,
    19: _tongue,
    20: _risorius,
    21: _platysma,
    22: _orbicularis_oris,
    23: _orbicularis_oris,
    24: _orbicularis_oris,
    25: _depressor_labii,
    26: _masseter,
    27: _digastric,
    28: _orbicularis_oris,
    29: _pterygoids,
    30: _pterygoids,
    31: _masseter,
    32: _masseter,
    33: _cheek,
    34: _cheek,
    35: _cheek,
    36: _cheek,
    37: _tongue,
    38: _dilator,
    39: _compressor,
    41: _levator_palpebrae,
    42: _palpebral,
    43: _palpebral,
    44: _palpebral,
    45: _palpebral,
    46: _palpebral,
}
"""The muscle drawn for an action unit; head and gaze codes have none."""
