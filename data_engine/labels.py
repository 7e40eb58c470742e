"""Human labels from a CSV of their own; they supervise and never change an observation."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from data_engine.names import PictureNames, best_tail, is_tail, part, picture_name
from fervlm.errors import FervlmError

_COLUMNS = ("label", "split", "subject", "source")


class Given(NamedTuple):
    """What a labels file says of one picture."""

    label: str | None = None
    split: str | None = None
    subject: str | None = None
    source: str | None = None


class Labels:
    """The rows of a labels CSV by picture name, on disk; remembers which were asked for."""

    def __init__(self, csv_path: Path | None) -> None:
        self._db = sqlite3.connect("", isolation_level=None)  # a private file that the system removes
        self._db.execute("create table given (name text primary key, base text, label, split, subject, source, used)")
        self._empty = csv_path is None
        if csv_path is not None:
            self._db.execute("begin")
            self._db.executemany("insert into given values (?,?,?,?,?,?,0)", _rows(csv_path, self._db))
            self._db.execute("commit")
            self._db.execute("create index by_base on given (base)")

    def of(self, name: str, pictures: PictureNames) -> Given:
        """The row for a picture, by its whole name, else by the end of its path; empty where there is none.

        A row that could mean two pictures is given to neither.
        """
        if self._empty:
            return Given()
        row = self._row(name)
        if row is None:
            same = self._db.execute(
                "select name from given where base = ? limit 1000", (part(name, "base"),)
            ).fetchall()
            other = best_tail(name, [key for (key,) in same], "base")
            if other is None or not self._is_for(other, name, pictures):
                return Given()
            row = self._row(other)
        if row is None:
            return Given()
        self._db.execute("update given set used = 1 where name = ?", row[:1])
        return Given(*row[1:])

    def _row(self, name: str) -> tuple[str, ...] | None:
        select = "select name, label, split, subject, source from given where name = ?"
        row: tuple[str, ...] | None = self._db.execute(select, (name,)).fetchone()
        return row

    def _is_for(self, key: str, name: str, pictures: PictureNames) -> bool:
        rivals = pictures.rivals(name, "base")
        return rivals is not None and not any(
            is_tail(rival, key, "base") and self._row(rival) is None for rival in rivals
        )

    def left(self) -> Iterator[str]:
        """Names no picture asked for, in order."""
        for (name,) in self._db.execute("select name from given where not used order by name"):
            yield name


def _rows(path: Path, db: sqlite3.Connection) -> Iterator[tuple[str | None, ...]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            fields = [name.strip().lower() for name in reader.fieldnames or ()]
            for needed in ("file", "label"):
                if needed not in fields:
                    raise FervlmError(f"the labels have no column `{needed}`", file=path, row=1, hint="Add it.")
            reader.fieldnames = fields
            for number, row in enumerate(reader, 2):
                name = picture_name((row["file"] or "").strip())
                if db.execute("select 1 from given where name = ?", (name,)).fetchone():
                    raise FervlmError(f"'{name}' is labelled twice", file=path, row=number, hint="Keep one row for it.")
                yield (name, PurePosixPath(name).name, *((row.get(key) or "").strip() or None for key in _COLUMNS))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FervlmError("the labels cannot be read as CSV text", file=path, hint="Save it as UTF-8.") from error
