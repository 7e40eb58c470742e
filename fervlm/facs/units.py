"""Action units: numbers, names, regions, and which cannot stand together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from fervlm.errors import FervlmError
from fervlm.facs import tables


@dataclass(frozen=True, slots=True)
class ActionUnit:
    """One row of `action_units.csv`."""

    au: int
    name: str
    kind: str
    """`AU`, `AD` (action descriptor), `head`, `gaze`, `visibility` or `legacy`."""
    region: str
    muscles: str
    laterality: str
    appearance: str
    exclusive: tuple[int, ...]
    """AUs that cannot be present at once, as far as the table states it without a condition."""


@cache
def action_units() -> dict[int, ActionUnit]:
    """Every row of the table by FACS number (1 to 85)."""
    return {
        int(row["au"]): ActionUnit(
            au=int(row["au"]),
            name=row["name"],
            kind=row["kind"],
            region=row["region"],
            muscles=row["muscles"],
            laterality=row["laterality"],
            appearance=row["appearance"],
            exclusive=tuple(int(part) for part in re.findall(r"\b\d+\b", row["mutually_exclusive_with"])),
        )
        for row in tables.rows("action_units")
    }


def action_unit(au: int) -> ActionUnit:
    """The AU numbered `au`; `FervlmError` where FACS has none."""
    try:
        return action_units()[au]
    except KeyError:
        raise FervlmError(f"FACS has no action unit {au}", hint="Numbers run from 1 to 85, with gaps.") from None


def excluded_by(au: int) -> tuple[int, ...]:
    """AUs that cannot be present together with `au` (same part of the face)."""
    return action_unit(au).exclusive


@cache
def movement_units() -> tuple[int, ...]:
    """AUs and action descriptors of face and neck that a detector could measure, ascending (no 40, 50, 80, 82)."""
    return tuple(a.au for a in action_units().values() if a.kind in {"AU", "AD"} and a.au not in {40, 50, 80, 82})


@cache
def not_measured_by(measured: tuple[int, ...]) -> tuple[int, ...]:
    """The movement units outside `measured`: what a detector with that list can say nothing about."""
    seen = frozenset(measured)
    return tuple(au for au in movement_units() if au not in seen)
