"""The muscles of cheeks, mouth, chin, jaw and neck, in half-face points; outlines are schematic."""

from __future__ import annotations

import math

from fervlm.vision.curves import lerp
from fervlm.vision.draw_shape import Shape
from fervlm.vision.muscle import Muscle, strip


def levator_labii(s: Shape) -> Muscle:
    """Raises the upper lip (AU 10)."""
    (x, y) = s.lips.top[2]
    return strip(
        "levator labii superioris",
        ((28, 2), (29, 38), (x - 2, y - 3)),
        ((55, 4), (45, 40), (x + 13, y)),
        fibres=5,
        at=0.4,
    )


def zygomaticus_minor(s: Shape) -> Muscle:
    """Deepens the nasolabial furrow (AU 11)."""
    (x, y) = lerp(s.lips.top[2], s.lips.corner, 0.45)
    return strip(
        "zygomaticus minor", ((62, 16), (46, 48), (x - 3, y - 3)), ((74, 18), (54, 52), (x + 4, y)), fibres=4, at=0.35
    )


def zygomaticus_major(s: Shape) -> Muscle:
    """Pulls the lip corner up and out (AU 12)."""
    (x, y) = s.lips.corner
    return strip(
        "zygomaticus major",
        ((78, 14), (66 + 0.1 * x, 46), (x - 2, y - 5)),
        ((98, 22), (76 + 0.12 * x, 56), (x + 3, y + 2)),
        fibres=6,
        at=0.42,
    )


def levator_anguli(s: Shape) -> Muscle:
    """Pulls the lip corner straight up (AU 13)."""
    (x, y) = s.lips.corner
    return strip(
        "levator anguli oris", ((36, 26), (38, 56), (x - 5, y - 4)), ((54, 28), (50, 58), (x + 3, y - 2)), at=0.35
    )


def buccinator(s: Shape) -> Muscle:
    """Draws the lip corner in (AU 14)."""
    (x, y) = s.lips.corner
    return strip(
        "buccinator",
        ((x + 1, y - 3), (70, y - 15), (93, 66)),
        ((x + 1, y + 3), (70, y + 10), (89, 96)),
        fibres=6,
        at=0.62,
    )


def risorius(s: Shape) -> Muscle:
    """Stretches the lips sideways (AU 20)."""
    (x, y) = s.lips.corner
    return strip(
        "risorius", ((x + 1, y - 2), (72, y - 2), (95, 82)), ((x + 1, y + 4), (72, y + 11), (90, 99)), fibres=4, at=0.7
    )


def depressor_anguli(s: Shape) -> Muscle:
    """Pulls the lip corner down (AU 15)."""
    (x, y) = s.lips.corner
    j = s.jaw
    return strip(
        "depressor anguli oris",
        ((x - 4, y + 2), (36, 128 + j), (30, 157 + j)),
        ((x + 4, y + 1), (56, 122 + j), (66, 134 + j)),
        fibres=6,
        at=0.62,
    )


def depressor_labii(s: Shape) -> Muscle:
    """Pulls the lower lip down (AU 16) and parts the lips (AU 25)."""
    (x, y) = s.lips.bottom[2]
    j = s.jaw
    return strip(
        "depressor labii inferioris",
        ((5, y + 7), (11, y + 20), (17, 152 + j)),
        ((x + 13, y - 2), (37, y + 20), (40, 144 + j)),
        fibres=5,
        at=0.5,
    )


def mentalis(s: Shape) -> Muscle:
    """Raises the chin (AU 17)."""
    top = s.lips.bottom[0][1] + 8
    j = s.jaw
    low = max(164 + j, top + 30)
    return strip(
        "mentalis",
        ((2, top), (2, (top + low) / 2), (2, low)),
        ((9, top + 1), (18, (top + low) / 2), (17, low - 3)),
        fibres=4,
        at=0.62,
    )


def orbicularis_oris(s: Shape) -> Muscle:
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


def masseter(s: Shape) -> Muscle:
    """Clenches the jaw (AU 31); relaxed, it drops (AU 26)."""
    j = s.jaw
    return strip(
        "masseter",
        ((82, 30), (72, 70 + 0.4 * j), (64, 112 + 0.9 * j)),
        ((102, 28), (100, 62 + 0.3 * j), (84, 102 + 0.8 * j)),
        fibres=7,
        at=0.55,
    )


def digastric(s: Shape) -> Muscle:
    """Opens the mouth wide (AU 27)."""
    j = s.jaw
    return strip(
        "digastric",
        ((4, 160 + j), (26, 158 + j), (54, 140 + j)),
        ((4, 186 + j), (34, 180 + j), (66, 152 + j)),
        fibres=5,
        at=0.6,
    )


def pterygoids(s: Shape) -> Muscle:
    """Move the jaw forward and sideways (AU 29, 30)."""
    j = s.jaw
    return strip("pterygoids", ((78, 30), (80, 60), (84, 92 + j)), ((98, 30), (99, 60), (94, 88 + j)), fibres=4, at=0.4)


def cheek(s: Shape) -> Muscle:
    """Puffed, sucked or bulged cheek (AU 33 to 36)."""
    out = 6 * s.of(33, 34)
    return strip(
        "buccinator, cheek",
        ((54, 62), (74, 48), (95 + out, 58)),
        ((53, 92), (73, 108), (89 + out, 96)),
        fibres=7,
        at=0.6,
    )


def tongue(s: Shape) -> Muscle:
    """Tongue shown or wiping the lips (AU 19, 37)."""
    y = s.lips.lower_edge[0][1]
    return strip("genioglossus", ((0, y - 2), (0, y + 5), (0, y + 12)), ((9, y - 2), (9, y + 5), (7, y + 11)), fibres=3)


def platysma(s: Shape) -> Muscle:
    """Tightens the neck (AU 21)."""
    j = s.jaw
    return strip(
        "platysma",
        ((18, 160 + j), (19, 196 + 0.5 * j), (24, 228)),
        ((70, 130 + j), (66, 180), (80, 216)),
        fibres=8,
        at=0.68,
    )
