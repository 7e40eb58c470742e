"""From a number on a known scale to an `AUReading`, checked for its range.

Readings are immutable, and detectors round their numbers, so the same reading comes back often: with `cache` on, one
object per column and raw text is shared by all records (at most `CACHED` a column).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fervlm.errors import ReadError
from fervlm.readers.table import Table
from fervlm.records import AUReading, Scale, Side

CACHED = 512
"""Kept readings per column: OpenFace 2 can write 501 different intensities."""
ROUNDING = 1e-6
"""How far beyond the scale a float32 may be rounded."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One column (or JSON key) of a detector's output: which AU, on which scale."""

    au: int
    scale: Scale
    threshold: float | None
    """Lowest value that means present, after `factor`."""
    side: Side | None = None
    low: float = 0.0
    high: float = 1.0
    """What the file may hold; anything outside is an error."""
    factor: float = 1.0
    clip: tuple[float, float] | None = None
    """Range the value is brought into, where the tool is known to overshoot."""

    def reading(self, number: float) -> AUReading:
        """The reading of one number.

        Raises:
            ValueError: outside the scale, or not finite; its text says so, as the end of a sentence.
        """
        if not self.low - ROUNDING <= number <= self.high + ROUNDING:
            raise ValueError(f"is outside the scale of this tool ({self.low:g} to {self.high:g})")
        if self.scale == "presence":
            return self._presence(number)
        value = min(max(number, self.low), self.high)
        if self.factor != 1.0:
            value = round(value * self.factor, 6)
        if self.clip is not None:
            value = min(max(value, self.clip[0]), self.clip[1])
        assert self.threshold is not None
        return AUReading(
            au=self.au,
            side=self.side,
            state="present" if value >= self.threshold else "absent",
            value=value,
            scale=self.scale,
            threshold=self.threshold,
        )

    def _presence(self, number: float) -> AUReading:
        if number not in {0.0, 1.0}:
            raise ValueError("is neither 0 nor 1")
        return AUReading(
            au=self.au, side=self.side, state="present" if number else "absent", scale="presence", threshold=None
        )


def intensity(au: int, side: Side | None = None) -> Channel:
    """A true intensity, 0 to 5, present from level A."""
    return Channel(au, "intensity_0_5", 1.0, side, high=5.0)


def presence(au: int, side: Side | None = None) -> Channel:
    """A bit."""
    return Channel(au, "presence", None, side)


class Columns:
    """Channels laid over the columns of a table."""

    def __init__(self, table: Table, places: Sequence[tuple[int, Channel]], *, cache: bool) -> None:
        self._table = table
        self._places = tuple(places)
        self._kept: tuple[dict[str, AUReading], ...] | None = tuple({} for _ in places) if cache else None
        self._walk = tuple(zip(self._kept or (), (index for index, _ in places), range(len(places)), strict=False))

    @property
    def measured(self) -> tuple[int, ...]:
        """AU numbers, ascending."""
        return tuple(sorted({channel.au for _, channel in self._places}))

    @property
    def indices(self) -> tuple[int, ...]:
        """Column indices."""
        return tuple(index for index, _ in self._places)

    def read(self, cells: list[str], row: int) -> tuple[AUReading, ...]:
        """One reading a column.

        Raises:
            ReadError: a cell is not a number, not finite, or outside its scale.
        """
        if self._kept is None:
            return tuple([self._make(place, cells, row) for place in range(len(self._places))])
        found = []
        for kept, index, place in self._walk:
            reading = kept.get(cells[index])
            if reading is None:
                reading = self._make(place, cells, row)
                if len(kept) >= CACHED:
                    kept.clear()
                kept[cells[index]] = reading
            found.append(reading)
        return tuple(found)

    def _make(self, place: int, cells: list[str], row: int) -> AUReading:
        index, channel = self._places[place]
        try:
            return channel.reading(float(cells[index]))
        except ValueError:
            raise self._blame(cells, index, row, channel) from None

    def _blame(self, cells: list[str], index: int, row: int, channel: Channel) -> ReadError:
        number = self._table.value(cells, index, row)
        try:
            channel.reading(number)
        except ValueError as error:
            return self._table.blame(cells, index, row, str(error))
        raise AssertionError("the cell is good")
