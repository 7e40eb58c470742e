"""Captions to be verified, line by line: predictions, captions with an id, `{id, text}`; joined to evidence by id."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fervlm.cli.sources import STDIN
from fervlm.errors import FervlmError, ReadError

if TYPE_CHECKING:
    from pydantic import ValidationError

    from fervlm.records import AURecord, Caption, Prediction

SHAPES = "a prediction, a caption with an id, or {id, text}"


@dataclass(frozen=True, slots=True)
class Claimed:
    """One line of the captions file."""

    id: str
    caption: Caption | str | None
    """None for a prediction without a face: nothing was claimed."""
    row: int
    prediction: Prediction | None = None
    """The line itself, where it is one."""

    @property
    def file(self) -> str | None:
        """The evidence file that a prediction names."""
        return None if self.prediction is None else self.prediction.source.file


def read_captions(path: str) -> Iterator[Claimed]:
    """Every line of a jsonl file (`-` is standard input), blank lines left out.

    Raises:
        ReadError: the file cannot be read, or a line is not JSON or of no known shape; with its row.
    """
    name = "<stdin>" if path == STDIN else path
    for row, line in _lines(path, name):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "too deep or not text"
            raise ReadError(f"this line is not JSON ({reason})", file=name, row=row) from None
        yield _claimed(data, name, row)


def _lines(path: str, name: str) -> Iterator[tuple[int, bytes]]:
    try:
        if path == STDIN:
            yield from enumerate(sys.stdin.buffer, start=1)
            return
        with Path(path).open("rb") as stream:
            yield from enumerate(stream, start=1)
    except OSError as error:
        raise ReadError(f"cannot be read ({error.strerror or error})", file=name) from None


def _claimed(data: object, name: str, row: int) -> Claimed:
    if not isinstance(data, dict):
        raise ReadError(f"a line must be a JSON object: {SHAPES}", file=name, row=row)
    identity = data.get("id")
    if not isinstance(identity, str | int) or isinstance(identity, bool):
        raise ReadError("the line has no id to find its evidence by", file=name, row=row, column="id")
    if isinstance(data.get("text"), str):
        return Claimed(str(identity), data["text"], row)
    if "evidence" in data and "backend" in data:
        return _prediction(data, name, row)
    if isinstance(data.get("caption"), str):
        return Claimed(str(identity), data["caption"], row)
    fields = data["caption"] if isinstance(data.get("caption"), dict) else {k: v for k, v in data.items() if k != "id"}
    return Claimed(str(identity), _caption(fields, name, row), row)


def _prediction(data: dict[str, object], name: str, row: int) -> Claimed:
    from pydantic import ValidationError

    from fervlm.records import Prediction

    try:
        found = Prediction.model_validate(data)
    except ValidationError as error:
        raise _misshaped(error, "prediction", name, row) from None
    return Claimed(found.id, found.caption, row, found)


def _caption(fields: dict[str, object], name: str, row: int) -> Caption:
    from pydantic import ValidationError

    from fervlm.records import Caption

    try:
        return Caption.model_validate(fields)
    except ValidationError as error:
        raise _misshaped(error, "caption", name, row) from None


def _misshaped(error: ValidationError, noun: str, name: str, row: int) -> ReadError:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return ReadError(
        f"the line is no valid {noun} ({first['msg'][0].lower()}{first['msg'][1:]})",
        file=name,
        row=row,
        column=where or None,
        hint=f"Each line is {SHAPES}.",
    )


class EvidenceById:
    """Evidence looked up by record id while it is read; what is no longer wanted is let go.

    Args:
        records: the evidence, in any order.
        wanted: how many lines will ask for each id; None where that cannot be known (captions from a pipe).
        several_files: ids may repeat between files, so that a line's file name counts too.
    """

    def __init__(self, records: Iterator[AURecord], wanted: Counter[str] | None, *, several_files: bool) -> None:
        self._records, self._wanted, self._several = records, wanted, several_files
        self._held: dict[str, list[AURecord]] = {}

    def find(self, claimed: Claimed) -> AURecord | None:
        """The record a line speaks of, or None where the evidence holds none.

        Raises:
            FervlmError: the evidence cannot be read, or records of several files fit and the line does not say which.
        """
        while self._several or not self._fitting(claimed):  # with several files, only all of them show what is unique
            record = next(self._records, None)
            if record is None:
                break
            if self._wanted is None or record.id in self._wanted:
                self._held.setdefault(record.id, []).append(record)
        fitting = self._fitting(claimed)
        if not fitting:
            return None
        if len({record.source.file for record in fitting}) > 1:
            files = " and ".join(record.source.file for record in fitting[:2])
            raise FervlmError(f"the id '{claimed.id}' stands in {files}", hint="Verify against one file at a time.")
        self._release(claimed.id)
        return fitting[0]

    def _fitting(self, claimed: Claimed) -> list[AURecord]:
        held = self._held.get(claimed.id, [])
        if not self._several or claimed.file is None:
            return held
        return [record for record in held if Path(record.source.file).name == Path(claimed.file).name]

    def _release(self, identity: str) -> None:
        if self._wanted is None:
            return
        self._wanted[identity] -= 1
        if self._wanted[identity] <= 0:
            del self._held[identity]
