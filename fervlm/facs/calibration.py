"""Levels for rig coefficients, fitted on a reference population: `tables/levels_NAME.csv`, low trust by rule."""

from __future__ import annotations

from functools import cache

from fervlm.facs import tables

Cuts = tuple[float, float, float, float, float]
"""Lowest coefficient of levels A, B, C, D, E, ascending."""


@cache
def level_cuts(name: str) -> dict[int, Cuts]:
    """AU -> its five cuts in the calibration called `name`."""
    found: dict[int, Cuts] = {}
    for row in tables.rows(f"levels_{name}"):
        found[int(row["au"])] = (float(row["A"]), float(row["B"]), float(row["C"]), float(row["D"]), float(row["E"]))
    return found
