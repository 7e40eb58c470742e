"""Answers that were made elsewhere: CSV with `id` and `label` (and a column per label), or JSON lines of `Answer`."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from eval.answer import Answer, failed
from eval.item import Benchmark, Item
from fervlm.errors import FervlmError


class FromFile:
    """Looks answers up by id; an item without one fails.

    Args:
        benchmark: its labels are the columns looked for.
        path: `.csv`, or JSON lines with the fields of `Answer` (`id` and `label` are enough).

    Raises:
        FervlmError: no such file, a row that cannot be read, an id twice.
    """

    version = "file"

    def __init__(self, benchmark: Benchmark, path: str) -> None:
        self.name = f"file {Path(path).name}"
        self._path = Path(path)
        self._labels = benchmark.labels
        if not self._path.is_file():
            raise FervlmError("there is no such file of answers", file=path)
        self._found: dict[str, Answer] = {}
        for row, answer in self._csv() if self._path.suffix == ".csv" else self._lines():
            if answer.id in self._found:
                raise FervlmError(f"the id '{answer.id}' comes twice", file=path, row=row)
            self._found[answer.id] = answer

    def answers(self, items: Sequence[Item]) -> Iterator[Answer]:
        """One per item; `FervlmError` where none of the items is in the file."""
        if not any(item.id in self._found for item in items):
            raise FervlmError(
                f"it answers none of these items, for example '{items[0].id}'",
                file=self._path,
                hint="Are they answers to another benchmark?",
            )
        for item in items:
            yield self._found.get(item.id) or failed(item.id, "no answer in the file")

    def _csv(self) -> Iterator[tuple[int, Answer]]:
        with self._path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            if not {"id", "label"} <= set(reader.fieldnames or ()):
                raise FervlmError("the columns 'id' and 'label' are missing", file=self._path, row=1)
            scored = [label for label in self._labels if label in (reader.fieldnames or ())]
            for row, cells in enumerate(reader, start=2):
                label = cells["label"] or None
                try:
                    shares = {name: float(cells[name]) for name in scored} if len(scored) > 1 else None
                    answer = Answer(
                        id=cells["id"], label=label, probabilities=shares, status="ok" if label else "abstained"
                    )
                except (ValueError, TypeError):
                    raise FervlmError("a probability is no number from 0 to 1", file=self._path, row=row) from None
                yield row, answer

    def _lines(self) -> Iterator[tuple[int, Answer]]:
        with self._path.open(encoding="utf-8") as handle:
            for row, line in enumerate(handle, start=1):
                if not line.strip():
                    continue
                try:
                    answer = Answer.model_validate(json.loads(line))
                except (ValidationError, ValueError) as error:
                    told = str(error).splitlines()[0]
                    raise FervlmError(f"the line is no answer ({told})", file=self._path, row=row) from None
                if answer.label is None and answer.status == "ok" and answer.units is None and answer.text is None:
                    answer = answer.model_copy(update={"status": "abstained"})
                yield row, answer
