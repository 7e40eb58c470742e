"""Facial regions: which units belong where, what a region is called, and which neighbours share a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from fervlm.facs.units import action_units

REGION_UNITS: dict[str, tuple[int, ...]] = {
    "brow": (1, 2, 4),
    "eyes": (5, 7, 41, 42, 43, 44, 45, 46),
    "cheeks": (6, 11, 33, 34, 35, 36),
    "nose": (9, 38, 39, 40),
    "mouth": (12, 13, 14, 15, 20, 10, 16, 8, 18, 19, 22, 23, 24, 25, 28, 32, 37, 50),
    "chin": (17,),
    "jaw": (26, 27, 29, 30, 31),
    "neck": (21, 80, 82),
    "head": (51, 52, 53, 54, 55, 56, 57, 58, 84, 85),
    "gaze": (61, 62, 63, 64, 65, 66, 69),
}
"""Top to bottom; within a region in the order they are told."""


@dataclass(frozen=True, slots=True)
class RegionWords:
    """How a region is called. A place said before a noun ("the mouth region: a lift") could be heard as its subject, so
    sentences begin with the wider zone and end with the region."""

    name: str
    """After "the"."""
    zone: str
    """The part of the face it lies in, after "the"."""


REGION_WORDS: dict[str, RegionWords] = {
    "brow": RegionWords("brow region", "upper face"),
    "eyes": RegionWords("eye region", "upper face"),
    "cheeks": RegionWords("cheek region", "midface"),
    "nose": RegionWords("nose region", "midface"),
    "mouth": RegionWords("mouth region", "lower face"),
    "chin": RegionWords("chin region", "lower face"),
    "jaw": RegionWords("jaw region", "lower face"),
    "neck": RegionWords("neck region", "neck region"),
    "head": RegionWords("head position", "head position"),
    "gaze": RegionWords("gaze", "gaze"),
    "quality": RegionWords("record", "record"),
    "eyes+cheeks": RegionWords("eye and cheek region", "area around the eyes"),
    "cheeks+nose": RegionWords("midface", "midface"),
    "chin+jaw": RegionWords("chin and jaw region", "lower face"),
}

ORDER: tuple[str, ...] = (*REGION_UNITS, "quality")
MERGES: tuple[tuple[str, str], ...] = (("eyes", "cheeks"), ("cheeks", "nose"), ("chin", "jaw"))
"""Neighbours that share one sentence where they hold few units together."""
MERGED_AT_MOST = 3

TELLING: dict[str, dict[int, tuple[int, ...]]] = {
    "brow": {1: (2, 4), 2: (4, 1), 4: (1, 2)},
    "eyes": {5: (7,), 7: (5,)},
    "mouth": {12: (25, 15), 15: (12,), 25: (12,), 10: (12,), 20: (12,), 14: (12,), 23: (24,), 24: (23,)},
}
"""Region -> present AU -> measured absences worth telling beside it, the most telling first."""

MAIN: dict[str, tuple[int, ...]] = {
    "brow": (1, 2, 4),
    "mouth": (12, 15, 25),
    "eyes": (5, 7),
    "nose": (9,),
    "cheeks": (6,),
    "jaw": (26,),
    "chin": (17,),
    "neck": (21,),
}
"""Region -> the units without which nothing is said of it as a whole (at rest, the only change). In this order regions
at rest are worth telling."""
NEAR: dict[str, tuple[int, ...]] = {
    "mouth": (17, 21, 26, 27, 29, 30, 31, 33, 34, 35, 36, 11),
    "eyes": (6, 4),
    "cheeks": (7, 12, 14),
    "nose": (11,),
}
"""Units told in a neighbouring region that move this one as well; beside them it is not called at rest."""
TOLD_AT_REST = ("brow", "mouth", "eyes", "nose", "cheeks", "jaw")

_MOST_TELLING = (12, 9, 15, 10, 4, 1, 6, 5, 20, 24, 23, 27, 26, 14, 17, 7, 2, 43, 16, 22, 18, 34, 28, 32, 25, 11)
UPPER = frozenset({"brow", "eyes"})
MIDDLE = frozenset({"cheeks", "nose"})


@cache
def region_of(au: int) -> str:
    """The region `au` is told under; `quality` for codes that are no movement."""
    for region, units in REGION_UNITS.items():
        if au in units:
            return region
    row = action_units().get(au)
    return row.region if row is not None and row.region in REGION_UNITS else "quality"


@cache
def place_of(au: int) -> tuple[int, int]:
    """Sorting key of `au`: its region from the top of the face down, then its turn in the region."""
    region = region_of(au)
    units = REGION_UNITS.get(region, ())
    return ORDER.index(region), units.index(au) if au in units else 100 + au


@cache
def zone_of(au: int) -> str:
    """`upper face`, `midface` or `lower face`; `head` for what is not of the face."""
    region = region_of(au)
    if region in UPPER:
        return "upper face"
    if region in MIDDLE:
        return "midface"
    return "head" if region in {"head", "gaze", "quality"} else "lower face"


@cache
def telling_rank(au: int) -> int:
    """How early an overview names `au`, other things being equal."""
    return _MOST_TELLING.index(au) if au in _MOST_TELLING else 99
