"""Delimited text as a stream of rows, each checked for its width; cells that cannot be used are blamed by name."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from fervlm.errors import ReadError
from fervlm.readers.source import Origin, plain

CUT_OFF = "The file may have been cut off, or another file was appended."


class Table:
    """A table with its header read and its rows still to come."""

    def __init__(self, origin: Origin, *, has_header: bool = True) -> None:
        """Reads the header, past blank lines and lines that begin with `#`. The delimiter is found in it.

        Raises:
            ReadError: cannot be opened, or there is no row at all.
        """
        self.origin = origin
        self._reader = csv.reader(origin.lines(), delimiter=delimiter_in(origin.head_text()[0]))
        self.header: tuple[str, ...] = ()
        self.first: list[str] | None = None
        cells = self._next_row()
        if has_header:
            self.header = tuple(plain(name) or "" for name in cells)
        else:
            self.first = cells
        self._width = len(cells)
        self._index: dict[str, int] = {}
        self._twice: set[str] = set()
        for i, name in enumerate(self.header):
            if name in self._index:
                self._twice.add(name)
            else:
                self._index[name] = i

    def _next_row(self) -> list[str]:
        try:
            for cells in self._reader:
                if any(cell.strip() for cell in cells) and not cells[0].lstrip().startswith("#"):
                    return cells
        except csv.Error as error:
            raise self._broken(error) from None
        raise ReadError("the file holds no table", file=self.origin.label)

    def _broken(self, error: csv.Error) -> ReadError:
        return ReadError(
            f"this is not a table ({error})",
            file=self.origin.label,
            row=max(self._reader.line_num, 1),
            hint="Is a quotation mark left open, or is it another kind of file?",
        )

    def find(self, name: str) -> int | None:
        """Index of the column called `name` exactly, or None.

        Raises:
            ReadError: two columns carry that name.
        """
        if name in self._twice:
            raise ReadError("two columns carry this name", file=self.origin.label, row=1, column=name)
        return self._index.get(name)

    def find_any(self, names: Iterable[str]) -> int | None:
        """Index of the first of `names` that is there."""
        return next((i for i in map(self.find, names) if i is not None), None)

    def need(self, name: str) -> int:
        """Index of the column called `name`; `ReadError` where it is missing."""
        found = self.find(name)
        if found is None:
            raise ReadError("the column is missing", file=self.origin.label, row=1, column=name)
        return found

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """(line number, cells) of every row, blank ones left out.

        Raises:
            ReadError: a row is too short or too long, is no table row, or there is none.
        """
        width, reader, any_row = self._width, self._reader, False
        if self.first is not None:
            any_row = True
            yield reader.line_num, self.first
        try:
            for cells in reader:
                if len(cells) != width:
                    if not any(cell.strip() for cell in cells):
                        continue
                    self._fit(cells)
                any_row = True
                yield reader.line_num, cells
        except csv.Error as error:
            raise self._broken(error) from None
        if not any_row:
            raise ReadError(
                "there is a header but not one row",
                file=self.origin.label,
                hint="The tool found no face, or was stopped early.",
            )

    def _fit(self, cells: list[str]) -> None:
        """Take blank cells off the end of a row that is too long (some tools write a comma at the line's end)."""
        extra = cells[self._width :]
        if extra and not any(cell.strip() for cell in extra):
            del cells[self._width :]
            return
        raise ReadError(
            f"the row has {len(cells)} cells where the header has {self._width}",
            file=self.origin.label,
            row=self._reader.line_num,
            hint=CUT_OFF,
        )

    def value(self, cells: list[str], index: int, row: int) -> float:
        """The finite number in a cell; `ReadError` otherwise."""
        try:
            number = float(cells[index])
        except ValueError:
            raise self.blame(cells, index, row, "is not a number") from None
        if number - number != 0.0:
            raise self.blame(cells, index, row, "is not a finite number")
        return number

    def whole(self, cells: list[str], index: int, row: int) -> int:
        """The whole number, 0 or more, in a cell (`12` or `12.0`); `ReadError` otherwise."""
        number = self.value(cells, index, row)
        if number < 0 or number != int(number) or number > 1e15:
            raise self.blame(cells, index, row, "is not a whole number from 0 up")
        return int(number)

    def blame(self, cells: list[str], index: int, row: int, what: str) -> ReadError:
        """The error that names one cell."""
        text = cells[index].strip()
        shown = ascii(text if len(text) <= 40 else text[:37] + "...") if text else "an empty cell"
        name = self.header[index] if index < len(self.header) else f"{index + 1}"
        return ReadError(f"{shown} {what}", file=self.origin.label, row=row, column=name)


def lines_in(text: str) -> list[str]:
    """Lines with their ends as a file gives them: at line feeds and carriage returns only (`splitlines` knows more)."""
    return io.StringIO(text, newline="").readlines()


def delimiter_in(text: str) -> str:
    """Comma, semicolon or tab: whichever stands most often in the first line that is no comment."""
    lines = (line for line in lines_in(text) if line.strip() and not line.lstrip().startswith("#"))
    return max(",;\t", key=next(lines, "").count)


def missing(cell: str) -> bool:
    """Whether a cell says "no value": empty, or NaN in any spelling."""
    return cell.strip().lower() in {"", "nan", "na", "none", "null"}
