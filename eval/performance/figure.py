"""One measured number beside its target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """A measurement; `target` is the least (or most, as `better` says) that is wanted."""

    name: str
    value: float
    unit: str
    target: float | None = None
    better: Literal["higher", "lower"] = "higher"
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without one."""
        if self.target is None:
            return None
        return self.value >= self.target if self.better == "higher" else self.value <= self.target

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {**asdict(self), "met": self.met}


def as_table(figures: Sequence[Figure]) -> str:
    """One line per figure, columns aligned."""
    rows = [("figure", "value", "target", "", "note")]
    for f in figures:
        sign = ">=" if f.better == "higher" else "<="
        target = "" if f.target is None else f"{sign} {f.target:,.6g}"
        verdict = {True: "met", False: "MISSED", None: ""}[f.met]
        shown = f"{f.value:,.0f}" if abs(f.value) >= 100 else f"{f.value:.3g}"
        rows.append((f.name, f"{shown} {f.unit}", target, verdict, f.note))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
