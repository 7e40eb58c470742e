"""The muscles of brow, eyes and nose, in half-face points; outlines are schematic."""

from __future__ import annotations

import math

from fervlm.vision.curves import Point, Points, lerp
from fervlm.vision.draw_shape import Shape
from fervlm.vision.muscle import Muscle, oval, strip


def frontalis_medial(s: Shape) -> Muscle:
    """Raises the inner brow (AU 1)."""
    (x0, y0), (x1, y1) = s.brow[0], s.brow[1]
    return strip(
        "frontalis, medial part",
        ((5, -139), (4, -108), (x0 - 9, y0 - 7)),
        ((35, -139), (37, -108), (x1 + 1, y1 - 7)),
        fibres=6,
        at=0.45,
    )


def frontalis_lateral(s: Shape) -> Muscle:
    """Raises the outer brow (AU 2)."""
    (x2, y2), (x3, y3) = s.brow[2], s.brow[3]
    return strip(
        "frontalis, lateral part",
        ((42, -137), (45, -108), (x2 - 10, y2 - 6)),
        ((79, -122), (88, -100), (x3 - 1, y3 - 8)),
        fibres=7,
        at=0.45,
    )


def corrugator(s: Shape) -> Muscle:
    """Lowers and knits the brows (AU 4)."""
    (x0, y0), (x1, y1) = s.brow[0], s.brow[1]
    end = lerp(s.brow[1], s.brow[2], 0.55)
    return strip(
        "corrugator supercilii",
        ((3, y0 + 2), (x0 + 6, y0 - 7), (x1, y1 - 8), end),
        ((5, y0 + 13), (x0 + 7, y0 + 9), (x1, y1 + 6), (end[0], end[1] + 2)),
        fibres=4,
        at=0.4,
    )


def levator_palpebrae(s: Shape) -> Muscle:
    """Raises the upper lid (AU 5); relaxed, it droops (AU 41)."""
    lid = s.upper_lid
    crease = [(x, y - h) for (x, y), h in zip(lid, (1, 8, 11, 9, 2), strict=True)]
    return strip("levator palpebrae", crease, [(x, y - 1.5) for x, y in lid], fibres=3, at=0.62)


def orbital(s: Shape) -> Muscle:
    """Outer ring of the eye: raises the cheek (AU 6)."""
    lift = 3 * s.of(6)
    outer = oval(51, -12 - lift, 42, 33, tilt=-8)
    inner = oval(46, -19, 31, 20, tilt=-4)
    return Muscle("orbicularis oculi, orbital part", outer, inner, closed=True, fibres=4, anchor=(80, 6 - lift))


def palpebral(s: Shape) -> Muscle:
    """Inner ring of the eye: tightens and closes the lids (AU 7, 42 to 46)."""
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


def alaeque(s: Shape) -> Muscle:
    """Wrinkles the nose (AU 9)."""
    rise = s.wing
    return strip(
        "levator labii superioris alaeque nasi",
        ((9, -32), (12, 0), (19, 34 - rise), (15, s.lips.top[2][1] - 4)),
        ((17, -30), (21, 0), (30, 36 - rise), (25, s.lips.top[2][1] - 2)),
        fibres=4,
        at=0.45,
    )


def dilator(s: Shape) -> Muscle:
    """Flares the nostril (AU 38)."""
    w = s.wing
    return strip(
        "nasalis, alar part",
        ((17, 36 - w), (20, 46 - w), (16, 56 - w)),
        ((27, 36 - w), (32, 46 - w), (24, 57 - w)),
        fibres=3,
    )


def compressor(s: Shape) -> Muscle:
    """Narrows the nostril (AU 39)."""
    return strip("nasalis, transverse part", ((1, 8), (10, 14), (24, 38)), ((1, 22), (10, 27), (18, 42)), fibres=4)
