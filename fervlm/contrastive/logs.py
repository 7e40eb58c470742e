"""A run's numbers as CSV and TensorBoard, and its learning curves as a PNG."""

from __future__ import annotations

import csv
from pathlib import Path

from fervlm.contrastive.curves import draw_curves


class RunLogs:
    """Rows of one run in `OUT/steps.csv` and `OUT/scores.csv`, drawn in `OUT/curves.png`.

    After a resume, rows behind the saved step are dropped: the run writes them anew, with the same numbers.
    """

    def __init__(self, out: Path, step: int) -> None:
        self.out = out
        self.steps = [row for row in _read(out / "steps.csv") if row["step"] <= step]
        self.scores = [row for row in _read(out / "scores.csv") if row["step"] <= step]
        self._board = _board(out / "tensorboard", step)

    def add(self, kind: str, row: dict[str, float]) -> None:
        """One row of `steps` or `scores`; the first is `step`."""
        rows = self.steps if kind == "steps" else self.scores
        rows.append(row)
        _write(self.out / f"{kind}.csv", rows)
        if self._board is not None:
            for name, value in row.items():
                if name != "step":
                    self._board.add_scalar(f"{kind}/{name}", value, int(row["step"]))
        if kind == "scores":
            draw_curves(self.steps, self.scores, self.out / "curves.png")

    def close(self) -> None:
        """Flush what TensorBoard holds."""
        if self._board is not None:
            self._board.close()


def _board(folder: Path, step: int):  # type: ignore[no-untyped-def]  # noqa: ANN202 - the class exists with the extra only
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step + 1 if step else None)


def _read(path: Path) -> list[dict[str, float]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(handle)]


def _write(path: Path, rows: list[dict[str, float]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: f"{v:.8g}" for k, v in row.items()} for row in rows)
    part.replace(path)
