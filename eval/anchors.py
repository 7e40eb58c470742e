"""Published numbers beside which ours are shown; `anchors.csv` names the source of each and how it was read."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PATH = Path(__file__).parent / "anchors.csv"


@dataclass(frozen=True, slots=True)
class Anchor:
    """One published number, in the unit its paper uses (mostly percent)."""

    model: str
    benchmark: str
    metric: str
    value: float
    setting: str
    source: str
    read: str

    @property
    def off_a_chart(self) -> bool:
        """Read by eye from a figure's bars, not from a table."""
        return self.read.startswith("chart")


@cache
def anchors() -> tuple[Anchor, ...]:
    """Every row, in the file's order."""
    with PATH.open(encoding="utf-8", newline="") as handle:
        return tuple(Anchor(**{**row, "value": float(row["value"])}) for row in csv.DictReader(handle))  # type: ignore[arg-type]


def anchors_for(benchmark: str) -> tuple[Anchor, ...]:
    """Those of one benchmark, best first within a metric and setting."""
    mine = [one for one in anchors() if one.benchmark == benchmark]
    return tuple(sorted(mine, key=lambda one: (one.metric, one.setting, -one.value)))
