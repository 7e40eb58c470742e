"""Second stage: marks move the points of a canonical face.

One half of the face is described with x growing outward from the midline and y downward, eyes at y = -20, chin at 171;
each side is moved by its own marks. Amplitudes are the drawing's own: they follow what each FACS unit does, in pixels
chosen to be seen, and are no measurement.
"""

from __future__ import annotations

from dataclasses import dataclass

from fervlm.vision.curves import Point
from fervlm.vision.draw_marks import Mark

HEAD = (
    (0, -214), (46, -207), (84, -182), (108, -138), (116, -86), (115, -34), (112, 12), (107, 52),
    (98, 88), (82, 122), (58, 150), (30, 166), (0, 171),
)  # fmt: skip
EAR = ((113, -36), (121, -45), (130, -40), (132, -22), (127, 0), (121, 18), (111, 22))
UPPER_LID = ((21.5, -14.5), (31, -24.2), (46, -29.4), (60, -26.6), (70.5, -18.6))
LOWER_LID = ((21.5, -14.5), (33, -9.8), (47, -8.0), (60, -11.0), (70.5, -18.6))
BROW = ((18, -57), (37, -61), (59, -64), (84, -53))
MOUTH_Y = 95.0
MOUTH_X = 39.0
T = (0.0, 0.2, 0.45, 0.75, 1.0)
"""Stations from the middle of the mouth to its corner."""


def _amount(marks: dict[int, Mark], *aus: int) -> float:
    return max((marks[au].amount for au in aus if au in marks), default=0.0)


@dataclass(frozen=True, slots=True)
class Lips:
    """One half of the mouth as lines from the midline to the corner, with x outward."""

    top: tuple[Point, ...]
    upper_edge: tuple[Point, ...]
    lower_edge: tuple[Point, ...]
    bottom: tuple[Point, ...]

    @property
    def corner(self) -> Point:
        """Where the lips meet."""
        return self.top[-1]


@dataclass(frozen=True, slots=True)
class Shape:
    """One half of the moved face; every point with x outward."""

    marks: dict[int, Mark]
    brow: tuple[Point, ...]
    upper_lid: tuple[Point, ...]
    lower_lid: tuple[Point, ...]
    iris: Point
    lips: Lips
    jaw: float
    """Drop of the chin."""
    head: tuple[Point, ...]
    wing: float
    """Rise of the nose wing."""
    nostril: float
    """Flare of the nostril; negative where compressed."""

    def of(self, *aus: int) -> float:
        """The largest amplitude among some action units, 0 to 1."""
        return _amount(self.marks, *aus)


def _brow(marks: dict[int, Mark]) -> tuple[Point, ...]:
    inner, outer, low, nose, cheek = (_amount(marks, au) for au in (1, 2, 4, 9, 6))
    down = 1 - 0.75 * inner  # 1+4 knits the brows while their inner ends go up
    moves = (
        (-8 * low, -19 * inner - 3 * outer + 12 * low * down + 5 * nose),
        (-6 * low, -9 * inner - 8 * outer + 9.5 * low * down + 3 * nose),
        (-3 * low, -2 * inner - 17 * outer + 6 * low + 1.5 * cheek),
        (-1 * low, 1 * inner - 12 * outer + 2.5 * low + 3 * cheek),
    )
    return tuple((x + dx, y + dy) for (x, y), (dx, dy) in zip(BROW, moves, strict=True))


def _closure(marks: dict[int, Mark]) -> float:
    """How far the upper lid has come down, 0 open to 1 shut."""
    shut = max((marks[au].amount if marks[au].level else 1.0 for au in (43, 45, 46) if au in marks), default=0.0)
    return max(shut, 0.7 * _amount(marks, 42), 0.45 * _amount(marks, 41))


def _lids(marks: dict[int, Mark]) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    wide, tight, cheek, brow = _amount(marks, 5), _amount(marks, 7, 44), _amount(marks, 6), _amount(marks, 4)
    shut = _closure(marks)
    weight = (0.0, 0.72, 1.0, 0.8, 0.0)
    rise = 6.5 * tight + 4.5 * cheek
    lower = tuple((x, y - rise * w) for (x, y), w in zip(LOWER_LID, weight, strict=True))
    lift = 9.0 * wide - 3.0 * tight - 1.5 * cheek - 1.5 * brow
    opened = tuple((x, y - lift * w) for (x, y), w in zip(UPPER_LID, weight, strict=True))
    upper = tuple((p[0], p[1] + (q[1] - 0.6 * w - p[1]) * shut) for p, q, w in zip(opened, lower, weight, strict=True))
    return upper, lower


def _gap(marks: dict[int, Mark], parted: bool) -> float:
    """Distance between the lips at the midline."""
    if not parted:
        return 0.0
    gap = max(
        4 + 8 * _amount(marks, 25) if 25 in marks else 0.0,
        (6 + 18 * _amount(marks, 26)) if 26 in marks else 0.0,
        (16 + 30 * _amount(marks, 27)) if 27 in marks else 0.0,
        7 * _amount(marks, 22),
        9 * _amount(marks, 19, 37),
        5 * _amount(marks, 32),
    )
    gap += 5 * _amount(marks, 16) + 4 * _amount(marks, 10) if gap else 0.0
    return gap * (1 - 0.6 * _amount(marks, 8))


def _corner(marks: dict[int, Mark], jaw: float) -> Point:
    smile, sharp, dimple, down = (_amount(marks, au) for au in (12, 13, 14, 15))
    stretch, pucker, funnel, tight, wide = (_amount(marks, au) for au in (20, 18, 22, 23, 27))
    x = MOUTH_X + 15 * smile + 2 * sharp + 6 * dimple + 2 * down + 14 * stretch
    x -= 17 * pucker + 9 * funnel + 4 * tight + 4 * wide
    y = MOUTH_Y - 16 * smile - 16 * sharp - 2 * dimple + 12 * down + 3 * stretch + 0.42 * jaw
    return (max(x, 21.0), y)


def _lips(marks: dict[int, Mark], jaw: float, parted: bool) -> Lips:
    corner = _corner(marks, jaw)
    gap = _gap(marks, parted)
    raised, chin, lowered = _amount(marks, 10), _amount(marks, 17), _amount(marks, 16)
    thin = 1 - 0.55 * _amount(marks, 23) - 0.6 * _amount(marks, 24) - 0.85 * _amount(marks, 28)
    thin = max(thin - 0.2 * _amount(marks, 12, 14) - 0.3 * _amount(marks, 20) - 0.15 * chin, 0.1)
    thick = 1 + 0.25 * _amount(marks, 18) + 0.3 * _amount(marks, 22)
    middle = MOUTH_Y - 6 * chin - 2.5 * raised - 3 * _amount(marks, 12) + (0.42 * jaw if not gap else 0.0)
    up = gap * (0.28 if jaw else 0.4)
    rounder = max(_amount(marks, 18), _amount(marks, 22))  # pursed lips are full to the corner
    bow = [h + rounder * more for h, more in zip((9.5, 12.8, 9.2, 4.2, 0.0), (0, -1.5, 1.5, 3.6, 0), strict=True)]
    pad = [h + rounder * more for h, more in zip((15.5, 15.2, 12.4, 6.6, 0.0), (-2.5, -2, -0.5, 2.4, 0), strict=True)]
    share = (1.0, 0.98, 0.86, 0.55, 0.0)
    lift = (0.55, 0.85, 1.0, 0.55, 0.0)
    lines: tuple[list[Point], ...] = ([], [], [], [])
    for i, t in enumerate(T):
        bend = t**1.9
        x, seam = corner[0] * t, middle + (corner[1] - middle) * bend
        wave = (0.9, 0.4, -0.5, -0.6, 0.0)[i] * (1 if not gap else 0)
        upper = seam + wave - up * share[i] - (3 if gap else 0) * raised * lift[i]
        lower = seam + wave + (gap - up) * share[i]
        lines[0].append((x, upper - bow[i] * thin * thick - 6.5 * raised * lift[i]))
        lines[1].append((x, upper))
        lines[2].append((x, lower))
        lines[3].append((x, lower + pad[i] * thin * thick + (2.5 * chin + 2 * lowered) * share[i]))
    return Lips(*(tuple(line) for line in lines))


def _head(marks: dict[int, Mark], jaw: float, aside: float) -> tuple[Point, ...]:
    """The outline, the lower part dropped by `jaw` and pushed outward by `aside`."""
    puff = 11 * _amount(marks, 33, 34) + 5 * _amount(marks, 36) - 9 * _amount(marks, 35)
    smile = 3.5 * _amount(marks, 12, 6) + 3 * _amount(marks, 31)
    out = []
    for x, y in HEAD:
        low = min(max((y - 40) / 110, 0.0), 1.0)
        cheek = max(1 - abs(y - 78) / 48, 0.0)
        side = 1.0 if x else 0.0
        out.append((x + side * cheek * (puff + smile) + aside * low - side * 0.12 * jaw * low, y + jaw * low))
    return tuple(out)


def _jaw(marks: dict[int, Mark]) -> float:
    drop = 7 + 13 * _amount(marks, 26) if 26 in marks else 0.0
    stretch = 14 + 24 * _amount(marks, 27) if 27 in marks else 0.0
    return max(drop, stretch)


def _gaze(marks: dict[int, Mark], outward: int) -> Point:
    """Where the iris looks; `outward` is +1 where the subject's left is this half's outside."""
    left, right, up, down = (_amount(marks, au) for au in (61, 62, 63, 64))
    x = outward * (left - right) * 8 + 5 * _amount(marks, 65) - 7 * _amount(marks, 66)
    return (46 + x, -20 - 6 * up + 5 * down)


def shape_of(marks: dict[int, Mark], *, lips_may_part: bool = True, left: bool = True, aside: float = 0.0) -> Shape:
    """Half a face moved by the marks of its side.

    Args:
        marks: present action units of this side.
        lips_may_part: False where the detector says that the lips are closed (AU 25 measured and absent).
        left: whether this is the subject's left half.
        aside: sideways shift of the jaw, outward of this half.
    """
    jaw = _jaw(marks)
    upper, lower = _lids(marks)
    return Shape(
        marks=marks,
        brow=_brow(marks),
        upper_lid=upper,
        lower_lid=lower,
        iris=_gaze(marks, 1 if left else -1),
        lips=_lips(marks, jaw, lips_may_part),
        jaw=jaw,
        head=_head(marks, jaw, aside),
        wing=6 * _amount(marks, 9) + 3.5 * _amount(marks, 10) + 1.5 * _amount(marks, 11, 12),
        nostril=3.5 * _amount(marks, 38) - 3 * _amount(marks, 39),
    )
