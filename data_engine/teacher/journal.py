"""Every teacher answer, stored before it is used, so that a killed run never pays for it twice."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """What came back for one request."""

    text: str
    tokens: int | None
    """Prompt and completion tokens together, as the server counted them."""


def request_key(request: dict[str, Any]) -> str:
    """A digest of everything that was sent; equal requests share one answer."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


class Journal:
    """Answers by request on disk (SQLite in WAL mode: a kill -9 loses at most the call that was in flight)."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.execute("create table if not exists answers (key text primary key, text text, tokens integer)")
        self._db.execute("create table if not exists asked (key text primary key, times integer not null)")

    def get(self, key: str) -> Answer | None:
        """The stored answer, if there is one."""
        row = self._db.execute("select text, tokens from answers where key = ?", (key,)).fetchone()
        return Answer(*row) if row else None

    def ask(self, key: str) -> None:
        """Note that a call goes out."""
        self._db.execute("insert into asked values (?, 1) on conflict (key) do update set times = times + 1", (key,))

    def put(self, key: str, answer: Answer) -> None:
        """Store an answer; the first one stays."""
        self._db.execute("insert or ignore into answers values (?, ?, ?)", (key, *answer))

    def totals(self) -> tuple[int, int, int]:
        """(answers stored, tokens paid for them, calls that went out more than once because a run was cut)."""
        answers, tokens = self._db.execute("select count(*), coalesce(sum(tokens), 0) from answers").fetchone()
        repeats = self._db.execute("select coalesce(sum(times - 1), 0) from asked").fetchone()[0]
        return int(answers), int(tokens), int(repeats)

    def close(self) -> None:
        """Fold the write-ahead log back into the file."""
        self._db.close()
