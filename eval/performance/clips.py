"""OpenFace 2 files of any length to measure on: written from random movements, or a real clip repeated."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from fervlm.examples.make import INTENSITIES, PRESENCES, header

RATE = 30.0
ONSETS_PER_SECOND = 0.25
"""How often an AU that is at rest begins to move."""


class _Movement:
    """One AU's signal: at rest, then a rise and a fall of random height and length."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._left = 0
        self._step = 0.0
        self.level = 0.0

    def advance(self) -> float:
        """The next frame's intensity, 0 to 5, with a detector's jitter."""
        if self._left == 0:
            if self.level > 0.05:
                self._left = self._dice.randint(8, 30)
                self._step = -self.level / self._left
            elif self._dice.random() < ONSETS_PER_SECOND / RATE:
                self._left = self._dice.randint(6, 20)
                self._step = self._dice.uniform(0.6, 4.6) / self._left
            else:
                return max(0.0, self._dice.gauss(0.05, 0.05))
        self._left -= 1
        self.level = max(0.0, self.level + self._step)
        return min(5.0, max(0.0, self.level + self._dice.gauss(0, 0.05)))


def synthetic_lines(rows: int, seed: int = 1) -> Iterator[str]:
    """Header and `rows` lines in OpenFace 2's layout; every AU moves on its own, so few frames are alike."""
    dice = random.Random(seed)
    moving = {au: _Movement(dice) for au in INTENSITIES}
    rest = ", ".join(["0.09", "0.26", "-0.96", "-0.11", "0.26", "-0.96", "0.010", "0.282"])
    pose = ", ".join(["4.0", "18.0", "480.0", "0.060", "0.030", "-0.010"])
    yield header()
    for frame in range(1, rows + 1):
        levels = {au: signal.advance() for au, signal in moving.items()}
        values = ", ".join(f"{level:.2f}" for level in levels.values())
        bits = ", ".join("1" if levels.get(au, 0.0) >= 1.0 else "0" for au in PRESENCES)
        yield f"{frame}, 0, {(frame - 1) / RATE:.3f}, 0.98, 1, {rest}, {pose}, {values}, {bits}"


def write_synthetic(path: Path, rows: int, seed: int = 1) -> None:
    """Write a synthetic recording of `rows` frames."""
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in synthetic_lines(rows, seed))


def write_repeated(source: Path, path: Path, times: int) -> int:
    """Write `source` with its rows repeated (frame and time renumbered) and return the number of rows."""
    head, *rows = source.read_text(encoding="utf-8").splitlines()
    names = [name.strip() for name in head.split(",")]
    frame_at, time_at = names.index("frame"), names.index("timestamp")
    written = 0
    with path.open("w", encoding="utf-8") as stream:
        stream.write(head + "\n")
        for line in (row for _ in range(times) for row in rows):
            cells = line.split(",")
            written += 1
            cells[frame_at], cells[time_at] = str(written), f"{(written - 1) / RATE:.3f}"
            stream.write(",".join(cells) + "\n")
    return written
