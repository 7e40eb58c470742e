"""Rejects as a stage file that grows in constant memory and appears only when its stage is done."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from data_engine.items import Reason, Reject


class RejectFile:
    """Collects rejects beside `path`; `commit` makes them the stage's file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.name}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handle: IO[bytes] = self._temporary.open("wb")

    def add(self, key: str, code: Reason, detail: str | None = None) -> None:
        """One picture, record or label that did not join."""
        reject = Reject(id=key, stage="ingest", code=code, detail=detail)
        self._handle.write(reject.model_dump_json(exclude_defaults=True).encode() + b"\n")

    def commit(self) -> None:
        """Publish the file, whole."""
        self._handle.close()
        self._temporary.replace(self._path)
