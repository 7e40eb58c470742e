"""What format detection looks at: the header and the first rows, or the first JSON item; never the whole file."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import Literal

from fervlm.errors import ReadError
from fervlm.readers.json_items import first_item
from fervlm.readers.source import Origin
from fervlm.readers.table import delimiter_in, lines_in

ROWS = 8
PARQUET = b"PAR1"
BARE_AU = re.compile(r"AU_?0*([1-9]\d?)", re.IGNORECASE)
"""An AU column without any suffix: AU1, AU01, au_12."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a file."""

    kind: Literal["table", "json", "parquet"]
    header: tuple[str, ...] = ()
    """First row of a table, blanks stripped."""
    rows: tuple[tuple[str, ...], ...] = ()
    """The next complete rows, at most eight."""
    lines: tuple[str, ...] = ()
    """The same rows as they stand, without their ends."""
    item: object = None
    """First JSON item."""

    @property
    def names(self) -> frozenset[str]:
        """The header as a set."""
        return frozenset(self.header)

    @property
    def bare_aus(self) -> dict[str, int]:
        """Header names that are an AU number and nothing else."""
        found = ((name, BARE_AU.fullmatch(name)) for name in self.header)
        return {name: int(match[1]) for name, match in found if match}


def take(origin: Origin) -> Sample:
    """Look at the beginning of a file.

    Raises:
        ReadError: empty, cannot be opened, or binary.
    """
    if origin.head.startswith(PARQUET):
        return Sample("parquet")
    text, whole = origin.head_text()
    if origin.encoding != "utf-16" and _binary(text):
        raise ReadError(
            "this is neither text nor Parquet", file=origin.label, hint="Give the CSV or JSON that the AU tool wrote."
        )
    if text.lstrip()[:1] in {"[", "{"} and not text.lstrip().startswith("{'AU"):  # as GraphAU logs a Python set
        return Sample("json", item=first_item(origin))
    return _table(text, whole)


def _binary(text: str) -> bool:
    """Whether the first page has more than a tenth of signs that no text has."""
    page = text[:4096]
    strange = sum((c < " " and c not in "\t\r\n\f") or "\udc80" <= c <= "\udcff" for c in page)
    return strange > len(page) / 10


def _table(text: str, whole: bool) -> Sample:
    lines = lines_in(text)
    if not whole and len(lines) > 1:
        lines.pop()  # it may be half a row
    lines = [line for line in lines if line.strip() and not line.lstrip().startswith("#")][: ROWS + 1]
    if not lines:
        return Sample("table")
    try:
        rows = [tuple(cell.strip() for cell in row) for row in csv.reader(lines, delimiter=delimiter_in(lines[0]))]
    except csv.Error:
        return Sample("table")
    return Sample("table", rows[0], tuple(rows[1:]), tuple(line.strip() for line in lines))
