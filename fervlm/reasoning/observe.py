"""First stage: readings become one finding per action unit, three-valued, with side and level where measured.

Everything later (interpretation, words, verification, drawing) looks at the `Evidence` made here and at nothing else,
so that one rule decides what "present", "left" or "strong" means.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

from fervlm.facs.calibration import level_cuts
from fervlm.facs.units import excluded_by
from fervlm.records import AUReading, AURecord, Side, State, Trust

Level = Literal[1, 2, 3, 4, 5]
"""FACS A to E as 1 to 5."""

LEVEL_LETTERS = "ABCDE"
INTENSITY_CUTS = (1.0, 1.5, 2.5, 3.5, 4.5)
"""Lowest value of levels A to E on the 0-5 scale (facs/intensity.yaml, engineering bins)."""
CONFIDENT_PROBABILITY = 0.8
"""A probability from here on may be called "confidently detected" (facs/intensity.yaml, pyfeat_v1)."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What the evidence says of one AU."""

    au: int
    state: State
    side: Side | None = None
    """`left`/`right` where sides were measured and only one is present, `both` where both are, None: not by side."""
    level: Level | None = None
    """FACS level, only where a true intensity or a stated calibration allows one; of the stronger side."""
    stronger: Literal["left", "right"] | None = None
    """The stronger side where both are present and differ by at least one level."""
    uncertain: bool = False
    """The tool's own readings of this AU disagree."""
    confident: bool = False
    """A probability of at least 0.8."""

    @property
    def present(self) -> bool:
        """Whether the detector called it present."""
        return self.state == "present"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Every measured AU of one face by number; what is missing from `units` was not measured."""

    units: dict[int, Unit]
    trust: Trust
    conflicts: tuple[tuple[int, int], ...] = ()
    """Pairs reported present together that FACS calls exclusive."""
    tracked: bool = True
    """False where tracking failed or no face was found: nothing can be said."""

    def measured(self, au: int) -> bool:
        """Whether the detector can see `au` at all."""
        return au in self.units

    def present(self, au: int) -> bool:
        """Whether `au` was measured and is present."""
        unit = self.units.get(au)
        return unit is not None and unit.state == "present"

    def absent(self, au: int) -> bool:
        """Whether `au` was measured and is absent; an unmeasured AU is neither present nor absent."""
        unit = self.units.get(au)
        return unit is not None and unit.state == "absent"

    @property
    def active(self) -> tuple[Unit, ...]:
        """The present units in FACS order."""
        return tuple(unit for unit in self.units.values() if unit.state == "present")

    @property
    def signature(self) -> tuple[object, ...]:
        """Equal for evidence that must read the same; a key for seeds and caches."""
        return (
            self.trust,
            self.tracked,
            tuple((u.au, u.state, u.side, u.level, u.stronger, u.uncertain, u.confident) for u in self.units.values()),
        )


def level_of(value: float, cuts: tuple[float, ...] = INTENSITY_CUTS) -> Level | None:
    """FACS level of a number given the lowest value of each level; None below A."""
    found = bisect_right(cuts, value)
    return None if found == 0 else min(found, 5)  # type: ignore[return-value]


def _level(reading: AUReading, calibration: str | None) -> Level | None:
    if reading.value is None:
        return None
    if reading.scale == "intensity_0_5":
        return level_of(reading.value)
    if reading.scale == "coefficient" and calibration is not None:
        cuts = level_cuts(calibration).get(reading.au)
        return level_of(reading.value, cuts) if cuts else None
    return None


class _Merged(NamedTuple):
    """Readings of one AU on one side (or of the whole face), merged."""

    present: bool
    disagree: bool
    level: Level | None
    """Of the present readings."""
    confident: bool


_UNITS: dict[tuple[object, ...], Unit] = {}
"""Every unit met so far; there are a few thousand at most, and equal ones are one object."""


def _merge(readings: list[AUReading], calibration: str | None) -> _Merged:
    """Present where any reading says so; the readings disagree where not all do."""
    said = 0
    level: Level | None = None
    confident = False
    for reading in readings:
        if reading.state == "present":
            said += 1
            found = _level(reading, calibration)
            if found is not None and (level is None or found > level):
                level = found
            value = reading.value
            if reading.scale == "probability" and value is not None and value >= CONFIDENT_PROBABILITY:
                confident = True
    return _Merged(said > 0, 0 < said < len(readings), level, confident)


def _unit(au: int, readings: list[AUReading], calibration: str | None) -> Unit:
    """One AU's readings, at least one of them present, as one unit."""
    whole = [reading for reading in readings if reading.side is None]
    if len(whole) == len(readings):
        merged = _merge(whole, calibration)
        return _interned(au, merged.present, None, merged.level, None, merged.disagree, merged.confident)
    left = [reading for reading in readings if reading.side in {"left", "both"}]
    right = [reading for reading in readings if reading.side in {"right", "both"}]
    return _sided(au, *(_merge(found, calibration) if found else None for found in (whole, left, right)))


def _sided(au: int, whole: _Merged | None, left: _Merged | None, right: _Merged | None) -> Unit:
    on_left, on_right = left is not None and left.present, right is not None and right.present
    side: Side | None = None
    stronger: Literal["left", "right"] | None = None
    if on_left or on_right:
        side = "both" if on_left and on_right else "left" if on_left else "right"
    if left and right and side == "both" and left.level and right.level and left.level != right.level:
        stronger = "left" if left.level > right.level else "right"
    parts = [part for part in (whole, left, right) if part is not None]
    uncertain = any(part.disagree for part in parts) or (whole is not None and whole.present != (on_left or on_right))
    levels = [part.level for part in parts if part.level is not None]
    return _interned(
        au,
        any(part.present for part in parts),
        side,
        max(levels) if levels else None,
        stronger,
        uncertain,
        any(part.confident for part in parts) and not uncertain,
    )


def _interned(
    au: int,
    present: bool,
    side: Side | None,
    level: Level | None,
    stronger: Literal["left", "right"] | None,
    uncertain: bool,
    confident: bool,
) -> Unit:
    key = (au, present, side, level, stronger, uncertain, confident)
    found = _UNITS.get(key)
    if found is None:
        state: State = "present" if present else "absent"
        found = _UNITS[key] = Unit(au, state, side, level, stronger, uncertain, confident and not uncertain)
    return found


@cache
def _absent(au: int) -> Unit:
    """A unit without any present reading: most of a face's are such."""
    return _interned(au, False, None, None, None, False, False)


def exclusive_pairs(present: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Pairs among `present` that FACS calls mutually exclusive, ascending."""
    here = sorted(present)
    seen = frozenset(here)
    return tuple((au, other) for au in here for other in excluded_by(au) if other > au and other in seen)


def observe(record: AURecord) -> Evidence:
    """One finding per measured AU. A record without a tracked face gives empty evidence with `tracked` false."""
    if record.quality.tracking != "ok":
        return Evidence({}, record.detector.trust, tracked=False)
    present = {reading.au for reading in record.readings if reading.state == "present"}
    by_au: dict[int, list[AUReading]] = {au: [] for au in present}
    for reading in record.readings:
        if reading.au in present:
            by_au[reading.au].append(reading)
    calibration = record.detector.calibration
    units = {
        au: _unit(au, by_au[au], calibration) if au in present else _absent(au)
        for au in sorted({reading.au for reading in record.readings})
    }
    return Evidence(units, record.detector.trust, exclusive_pairs(present))
