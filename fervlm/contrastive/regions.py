"""Where each AU shows on a face: a canonical map, in units of the distance between the eyes.

Places follow the muscles named in `facs/tables/action_units.csv` (column `muscles`; sources S01 to S03 there) and what
their pull changes (column `appearance`). The default layout is the mean face of the face pack's crops (MediaPipe
landmarks of 38,695 faces): eye centres at x .325 and .675, y .39. A test holds the map against those landmarks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from fervlm.facs.units import action_unit

SAMPLES = 5
"""Points a cell along each side: small places must not fall between the middles of cells."""


@dataclass(frozen=True, slots=True)
class FaceLayout:
    """How an upright face lies in a picture; all in widths (x, unit) and heights (y) of a square picture."""

    x: float = 0.5
    """Middle between the eyes' centres."""
    y: float = 0.39
    unit: float = 0.35
    """Distance between the eyes' centres."""


FACE_PACK = FaceLayout()

PLACES: dict[str, tuple[float, float, float, float]] = {
    # x (0: on the midline; else one on each side), y, half width, half height; from between the eyes, y down.
    "forehead, inner": (0.18, -0.42, 0.20, 0.17),
    "forehead, outer": (0.68, -0.40, 0.26, 0.16),
    "brow, inner": (0.28, -0.31, 0.24, 0.11),
    "glabella": (0.00, -0.20, 0.16, 0.18),
    "lid, upper": (0.50, -0.06, 0.26, 0.10),
    "lids": (0.50, 0.01, 0.27, 0.11),
    "lid, lower": (0.50, 0.08, 0.26, 0.10),
    "eye corner, outer": (0.86, 0.06, 0.14, 0.18),
    "cheek, upper": (0.58, 0.34, 0.28, 0.17),
    "cheek": (0.66, 0.76, 0.22, 0.26),
    "cheek, lower": (0.68, 1.05, 0.22, 0.24),
    "nose, root": (0.00, 0.15, 0.20, 0.22),
    "nose, side": (0.17, 0.45, 0.14, 0.18),
    "nose, wing": (0.25, 0.66, 0.13, 0.12),
    "furrow": (0.36, 0.76, 0.13, 0.20),
    "lip, upper": (0.00, 0.96, 0.34, 0.11),
    "lips": (0.00, 1.10, 0.40, 0.20),
    "lip, lower": (0.00, 1.28, 0.30, 0.13),
    "mouth corner": (0.43, 1.07, 0.17, 0.16),
    "below mouth corner": (0.44, 1.24, 0.17, 0.18),
    "beside mouth": (0.58, 1.10, 0.18, 0.18),
    "chin": (0.00, 1.55, 0.28, 0.20),
    "jaw": (0.00, 1.42, 0.45, 0.28),
    "jaw angle": (0.86, 1.15, 0.18, 0.30),
    "neck": (0.00, 1.95, 0.70, 0.25),
}

SHOWN_AT: dict[int, tuple[str, ...]] = {
    1: ("forehead, inner",),  # frontalis, medial
    2: ("forehead, outer",),  # frontalis, lateral
    4: ("brow, inner", "glabella"),  # corrugator, depressor supercilii, procerus
    5: ("lid, upper",),  # levator palpebrae
    6: ("cheek, upper", "eye corner, outer"),  # orbicularis oculi, orbital
    7: ("lid, lower", "lids"),  # orbicularis oculi, palpebral
    8: ("lips",),
    9: ("nose, root", "nose, side"),  # levator labii superioris alaeque nasi
    10: ("lip, upper", "furrow", "nose, wing"),  # levator labii superioris
    11: ("furrow",),  # zygomaticus minor
    12: ("mouth corner", "cheek"),  # zygomaticus major
    13: ("mouth corner", "cheek"),  # levator anguli oris
    14: ("mouth corner", "beside mouth"),  # buccinator
    15: ("mouth corner", "below mouth corner"),  # depressor anguli oris
    16: ("lip, lower",),  # depressor labii inferioris
    17: ("chin", "lip, lower"),  # mentalis
    18: ("lips",),
    19: ("lips",),
    20: ("mouth corner", "beside mouth"),  # risorius, platysma
    21: ("neck",),  # platysma
    22: ("lips",),
    23: ("lips",),
    24: ("lips",),
    25: ("lips",),
    26: ("lips", "jaw"),
    27: ("lips", "jaw"),
    28: ("lips",),
    29: ("jaw", "chin"),
    30: ("jaw",),
    31: ("jaw angle",),  # masseter
    32: ("lip, lower",),
    33: ("cheek", "cheek, lower"),
    34: ("cheek", "cheek, lower"),
    35: ("cheek", "cheek, lower"),
    36: ("cheek, lower", "lips"),
    37: ("lips",),
    38: ("nose, wing",),  # nasalis, alar part
    39: ("nose, wing",),  # nasalis, transverse part
    43: ("lids",),
    45: ("lids",),
    46: ("lids",),
}
"""AU -> its places. AUs, gaze and head codes that are not here show nowhere in particular."""


def au_region_prior(aus: Iterable[int], grid: int, layout: FaceLayout = FACE_PACK) -> Tensor:
    """Where the AUs show, as weights [grid * grid], row by row, that sum to 1; fp32.

    Each AU weighs the same, its place a bell around the muscle's pull on both sides of the face. Without an AU that has
    a place it is the same everywhere.

    Raises:
        FervlmError: a number that FACS does not know.
        ValueError: a grid below 1.
    """
    if grid < 1:
        raise ValueError(f"a grid has at least one cell a side, not {grid}")
    return _prior(tuple(sorted({action_unit(au).au for au in aus} & SHOWN_AT.keys())), grid, layout).clone()


@lru_cache(maxsize=4096)
def _prior(aus: tuple[int, ...], grid: int, layout: FaceLayout) -> Tensor:
    if not aus:
        return torch.full((grid * grid,), 1 / grid**2)
    maps = torch.stack([_bells(au, grid, layout) for au in aus])
    # A place outside the crop (the neck) leaves nothing to look at.
    sums = maps.sum(1, keepdim=True)
    return torch.where(sums > 1e-12, maps / sums.clamp_min(1e-12), 1 / grid**2).mean(0).float()


def _bells(au: int, grid: int, layout: FaceLayout) -> Tensor:
    """Height of the AU's bells over the cells, float64 [grid * grid]."""
    points = (torch.arange(grid * SAMPLES, dtype=torch.float64) + 0.5) / (grid * SAMPLES)
    x, y = (points[None, :] - layout.x) / layout.unit, (points[:, None] - layout.y) / layout.unit
    total = torch.zeros(grid * SAMPLES, grid * SAMPLES, dtype=torch.float64)
    for name in SHOWN_AT[au]:
        middle, down, wide, high = PLACES[name]
        for side in {middle, -middle}:
            total += torch.exp(-0.5 * (((x - side) / wide) ** 2 + ((y - down) / high) ** 2))
    cells = total.view(grid, SAMPLES, grid, SAMPLES).mean((1, 3))
    return cells.flatten()
