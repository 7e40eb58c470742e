"""The lines that a movement leaves in the skin: where each runs on one half of the face, and how plain it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fervlm.vision.curves import Points, lerp
from fervlm.vision.draw_shape import Shape


class Furrow(NamedTuple):
    """One line of the skin."""

    points: Points
    strength: float
    """0 (not drawn) to 1."""
    pen: float = 1.1


def _forehead(s: Shape) -> Iterator[Furrow]:
    middle, peak = s.brow[1][1], s.brow[2][1]
    inner, outer, low = s.of(1), s.of(2), s.of(4)
    for height in (14, 26, 38):
        top = -64 - height - 13 * inner
        yield Furrow(((0, top), (18, top - 2), (37, top + 1 + 7 * inner)), 0.85 * inner)
        yield Furrow(((44, middle - height + 2), (60, peak - height), (80, peak - height + 9)), 0.85 * outer)
    yield Furrow(((7 - 1.5 * low, -42), (6 - 2 * low, -54), (8 - 2 * low, -66)), low, 1.4)
    yield Furrow(((15 - 4 * low, -62), (13 - 4 * low, -68), (14 - 3 * low, -76)), 0.7 * low)


def _nose_and_eyes(s: Shape) -> Iterator[Furrow]:
    wrinkle, cheek, tight = s.of(9), s.of(6), s.of(7, 44)
    yield Furrow(((3, -30), (9, -27), (15, -31)), wrinkle, 1.2)
    yield Furrow(((3, -20), (10, -16), (17, -20)), wrinkle, 1.2)
    yield Furrow(((4, -10), (11, -5), (18, -8)), 0.8 * wrinkle)
    yield Furrow(((76, -24), (86, -30), (95, -33)), cheek)
    yield Furrow(((77, -18), (88, -19), (97, -18)), cheek)
    yield Furrow(((76, -12), (86, -9), (95, -3)), cheek)
    bag = ((27, 2 - 2 * cheek), (45, 11 - 4 * cheek), (66, 7 - 4 * cheek), (80, -4 - 3 * cheek))
    yield Furrow(bag, 0.16 + 0.7 * cheek)
    yield Furrow(((30, -4 - 3 * tight), (46, -1 - 4 * tight), (62, -5 - 3 * tight)), 0.18 + 0.6 * tight, 1.0)


def _cheeks(s: Shape) -> Iterator[Furrow]:
    x, y = s.lips.corner
    shares = {12: 0.9, 11: 1.0, 10: 0.8, 9: 0.6, 13: 0.5, 14: 0.35, 15: 0.4}
    fold = max(share * s.of(au) for au, share in shares.items())
    wing, end = (31, 40 - s.wing), (max(x + 10, 46), y - 3)
    middle = lerp(wing, end, 0.52)
    yield Furrow((wing, (middle[0] + 5, middle[1] - 5), end), 0.22 + 0.75 * fold, 1.2)
    yield Furrow(((58, 52), (84, 48), (98, 74), (88, 102), (64, 108)), 0.5 * s.of(33, 34, 36), 1.2)
    hollow = s.of(35)
    yield Furrow(((92, 44), (76, 66), (68, 96)), 0.8 * hollow, 1.3)
    yield Furrow(((84, 42), (70, 62), (62, 88)), 0.5 * hollow)


def _corners(s: Shape) -> Iterator[Furrow]:
    x, y = s.lips.corner
    dimple, pull = s.of(14), s.of(20)
    yield Furrow(((x + 5, y - 8), (x + 8.5, y), (x + 5, y + 8)), dimple, 1.6)
    yield Furrow(((x + 10, y - 6), (x + 12.5, y), (x + 10, y + 6)), 0.6 * dimple)
    yield Furrow(((x + 6, y - 9), (x + 9, y + 1), (x + 7, y + 11)), 0.8 * pull, 1.2)
    yield Furrow(((x + 13, y - 8), (x + 16, y + 2), (x + 14, y + 13)), 0.5 * pull)
    yield Furrow(((x + 3, y + 6), (x + 6, y + 14), (x + 3, y + 22)), 0.9 * s.of(15), 1.2)


def _lips(s: Shape) -> Iterator[Furrow]:
    x = s.lips.corner[0]
    above, below = s.lips.top[1][1], s.lips.bottom[0][1]
    yield Furrow(((3.6, 63), (4.4, s.lips.top[0][1] - 7)), 0.28, 0.9)
    press = 0.7 * s.of(24)
    yield Furrow(((x * 0.3, above - 5), (x * 0.6, above - 5), (x * 0.9, above + 1)), press)
    yield Furrow(((x * 0.2, below + 4), (x * 0.55, below + 4), (x * 0.9, below - 2)), press)
    purse = max(s.of(18), 0.8 * s.of(23), 0.5 * s.of(28))
    for k in (0.25, 0.6, 0.9):
        yield Furrow(((x * k, above - 4 + 5 * k * k), (x * k * 1.12, above - 10 + 6 * k * k)), 0.7 * purse, 1.0)
        yield Furrow(((x * k, below + 3 - 6 * k * k), (x * k * 1.1, below + 8 - 6 * k * k)), 0.5 * purse, 1.0)


def _chin_and_neck(s: Shape) -> Iterator[Furrow]:
    below, chin, jaw = s.lips.bottom[0][1], s.of(17), s.jaw
    yield Furrow(((0, below + 9 + 1.5 * chin), (11, below + 8), (22, below + 11)), 0.25 + 0.7 * chin, 1.2)
    middle = (below + 178 + jaw) / 2
    for x, y, share in ((3, -3, 0.8), (9, 6, 0.7), (1, 10, 0.6), (13, -7, 0.6)):  # the chin's golf-ball pattern
        yield Furrow(((x, middle + y), (x + 3, middle + y + 4), (x + 7, middle + y + 1)), share * chin, 1.0)
    neck, thrust = s.of(21), s.of(29)
    for k in range(3):
        cord = ((24 + 18 * k, 182 - 6 * k + 0.5 * jaw), (24 + 19 * k, 204), (30 + 24 * k, 228))
        yield Furrow(cord, 0.8 * neck, 1.3)
    yield Furrow(((36 + 10 * thrust, 158 + jaw), (20, 163 + jaw), (0, 164 + jaw)), 0.8 * thrust, 1.2)


def furrows_of(s: Shape) -> Iterator[Furrow]:
    """Every line of one half, those of the face at rest included, from the forehead down."""
    for part in (_forehead, _nose_and_eyes, _cheeks, _corners, _lips, _chin_and_neck):
        yield from part(s)
