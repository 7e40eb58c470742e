"""A run's numbers as CSV: `OUT/steps.csv` and `OUT/scores.csv`."""

from __future__ import annotations

import csv
from pathlib import Path


class CsvLog:
    """Rows of one run; after a resume, rows behind the saved step are dropped, for the run writes them anew."""

    def __init__(self, out: Path, step: int) -> None:
        self._out = out
        self._rows = {
            kind: [r for r in _read(out / f"{kind}.csv") if r["step"] <= step] for kind in ("steps", "scores")
        }

    def add(self, kind: str, row: dict[str, float]) -> None:
        """One row of `steps` or `scores`; the first column is `step`."""
        rows = self._rows[kind]
        rows.append(row)
        names = list(dict.fromkeys(name for r in rows for name in r))
        path = self._out / f"{kind}.csv"
        part = path.with_suffix(".part")
        with part.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows({k: f"{v:.8g}" for k, v in r.items()} for r in rows)
        part.replace(path)


def _read(path: Path) -> list[dict[str, float]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(handle)]
