"""Whether two names mean the same picture, and whether a name could mean several."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Literal

Part = Literal["base", "stem"]
"""File name with or without its ending."""
_MANY = 1000
"""So many names with one file name are not looked through; they count as ambiguous."""


def picture_name(name: str) -> str:
    """A picture's name as it is joined by: forward slashes, no leading `./`; case is kept."""
    return str(PurePosixPath(name.replace("\\", "/")))


def part(name: str, by: Part) -> str:
    """The file name of a path, with its ending (`base`) or without (`stem`)."""
    path = PurePosixPath(name)
    return path.name if by == "base" else path.stem


def is_tail(one: str, other: str, by: Part) -> bool:
    """Whether one path is the end of the other (`b/1.jpg` of `a/b/1.jpg`); folders that contradict make it False."""
    a, b = PurePosixPath(one).parts[:-1], PurePosixPath(other).parts[:-1]
    length = min(len(a), len(b))
    return part(one, by) == part(other, by) and (not length or a[-length:] == b[-length:])


def best_tail(name: str, candidates: Iterable[str], by: Part) -> str | None:
    """The candidate that shares most folders with `name` and contradicts none; None where there is none."""
    fitting = [other for other in candidates if is_tail(name, other, by)]
    return max(fitting, key=lambda other: (min(other.count("/"), name.count("/")), -len(other), other), default=None)


class PictureNames:
    """All pictures of a run by name; listed only when the first name is not found as it stands."""

    def __init__(self, listing: Callable[[], Iterator[str]]) -> None:
        self._listing = listing
        self._db: sqlite3.Connection | None = None

    def rivals(self, name: str, by: Part) -> list[str] | None:
        """Other pictures with the same file name or stem; None where they are too many to tell apart."""
        if self._db is None:
            self._db = self._listed()
        rows = self._db.execute(
            f"select name from pictures where {by} = ? and name != ? limit {_MANY + 1}", (part(name, by), name)
        ).fetchall()
        return None if len(rows) > _MANY else [row[0] for row in rows]

    def _listed(self) -> sqlite3.Connection:
        db = sqlite3.connect("", isolation_level=None)  # a private file that the system removes
        db.execute("create table pictures (name text primary key, base text, stem text) without rowid")
        db.execute("begin")
        rows = ((name, part(name, "base"), part(name, "stem")) for name in self._listing())
        db.executemany("insert or ignore into pictures values (?,?,?)", rows)
        db.execute("create index by_base on pictures (base)")
        db.execute("create index by_stem on pictures (stem)")
        db.execute("commit")
        return db


NO_OTHERS = PictureNames(lambda: iter(()))
"""Where no other picture is known."""
