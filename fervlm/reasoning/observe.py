"""First stage: readings become one finding per action unit, three-valued, with side and level where measured.

Everything later (interpretation, words, verification, drawing) looks at the `Evidence` made here and at nothing else,
so that one rule decides what "present", "left" or "strong" means.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

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
    value: float | None = None
    """The largest number read for it, on whatever scale."""

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


class _Side:
    """Readings of one AU on one side, merged."""

    __slots__ = ("confident", "disagree", "level", "present", "seen", "value")

    def __init__(self) -> None:
        self.seen = self.present = self.disagree = self.confident = False
        self.level: Level | None = None
        self.value: float | None = None

    def add(self, reading: AUReading, calibration: str | None) -> None:
        here = reading.state == "present"
        self.disagree = self.disagree or (self.seen and here != self.present)
        self.seen = True
        self.present = self.present or here
        if reading.value is not None and reading.scale != "presence":
            self.value = reading.value if self.value is None else max(self.value, reading.value)
            if reading.scale == "probability" and reading.value >= CONFIDENT_PROBABILITY:
                self.confident = True
        level = _level(reading, calibration)
        if level is not None and (self.level is None or level > self.level):
            self.level = level


def _merge(au: int, readings: list[AUReading], calibration: str | None) -> Unit:
    whole, left, right = _Side(), _Side(), _Side()
    for reading in readings:
        if reading.side == "left":
            left.add(reading, calibration)
        elif reading.side == "right":
            right.add(reading, calibration)
        elif reading.side == "both":
            left.add(reading, calibration)
            right.add(reading, calibration)
        else:
            whole.add(reading, calibration)
    sided = left.seen or right.seen
    side_present = left.present or right.present
    present = whole.present or side_present
    uncertain = whole.disagree or left.disagree or right.disagree
    if sided and whole.seen and side_present != whole.present:
        uncertain = True
    side: Side | None = None
    stronger: Literal["left", "right"] | None = None
    if side_present:
        side = "both" if left.present and right.present else "left" if left.present else "right"
        if side == "both" and left.level and right.level and left.level != right.level:
            stronger = "left" if left.level > right.level else "right"
    active = [s for s in (whole, left, right) if s.present]
    levels = [s.level for s in active if s.level is not None]
    values = [s.value for s in (active or (whole, left, right)) if s.value is not None]
    return Unit(
        au=au,
        state="present" if present else "absent",
        side=side,
        level=max(levels) if present and levels else None,
        stronger=stronger,
        uncertain=uncertain,
        confident=any(s.confident for s in active) and not uncertain,
        value=max(values) if values else None,
    )


def _single(reading: AUReading, calibration: str | None) -> Unit:
    present = reading.state == "present"
    return Unit(
        au=reading.au,
        state=reading.state,
        side=reading.side if present else None,
        level=_level(reading, calibration) if present else None,
        confident=present
        and reading.scale == "probability"
        and reading.value is not None
        and reading.value >= CONFIDENT_PROBABILITY,
        value=reading.value,
    )


def exclusive_pairs(present: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Pairs among `present` that FACS calls mutually exclusive, ascending."""
    here = sorted(present)
    seen = frozenset(here)
    return tuple((au, other) for au in here for other in excluded_by(au) if other > au and other in seen)


def observe(record: AURecord) -> Evidence:
    """One finding per measured AU. A record without a tracked face gives empty evidence with `tracked` false."""
    if record.quality.tracking != "ok":
        return Evidence({}, record.detector.trust, tracked=False)
    by_au: dict[int, list[AUReading]] = {}
    for reading in record.readings:
        by_au.setdefault(reading.au, []).append(reading)
    calibration = record.detector.calibration
    units = {
        au: _single(found[0], calibration) if len(found) == 1 else _merge(au, found, calibration)
        for au, found in sorted(by_au.items())
    }
    conflicts = exclusive_pairs(au for au, unit in units.items() if unit.state == "present")
    return Evidence(units, record.detector.trust, conflicts)
