"""A run's folder: `run.json` (what was asked), `truth.jsonl`, `evidence.jsonl`, `predictions.jsonl`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from eval.answer import Answer
from eval.item import Benchmark, Item
from fervlm.errors import FervlmError
from fervlm.records import AURecord, Record

RUN, TRUTH, EVIDENCE, PREDICTIONS, SCORES = (
    "run.json",
    "truth.jsonl",
    "evidence.jsonl",
    "predictions.jsonl",
    "scores.json",
)


class Truth(Record):
    """What is true of an item, kept beside the answers so that scoring needs no data."""

    id: str
    label: str | None = None
    units: dict[int, bool] | None = None
    levels: dict[int, float] | None = None
    valence: float | None = None
    arousal: float | None = None
    text: str | None = None
    spans: tuple[tuple[float, float, str | None], ...] | None = None
    subject: str | None = None
    groups: dict[str, str] = Field(default_factory=dict)
    subsets: tuple[str, ...] = ()


class Run(Record):
    """What was asked of whom."""

    schema_version: Literal["1"] = "1"
    benchmark: str
    split: str
    fold: int | None
    data: str = Field(description="The folder as the user gave it.")
    labels: tuple[str, ...]
    held_out: tuple[str, ...] = Field((), description="Labels that the predictor was not offered.")
    limit: int | None = Field(None, description="Only so many items, every k-th.")
    predictor: str
    predictor_version: str
    settings: dict[str, Any] = Field(description="What differs from the usual ones.")
    evidence: str | None
    items: int
    expected: int | None = Field(None, description="The published number of items.")
    digest: str = Field(description="Of all ids, labels and crops.")


@dataclass(frozen=True, slots=True)
class Finished:
    """A folder read back: truths, evidence and answers by id, in the benchmark's order."""

    folder: Path
    run: Run
    truth: dict[str, Truth]
    evidence: dict[str, AURecord]
    answers: dict[str, Answer]

    @property
    def missing(self) -> list[str]:
        """Ids without an answer."""
        return [item for item in self.truth if item not in self.answers]


def truth_of(item: Item) -> Truth:
    """The part of an item that scoring needs."""
    spans = None if item.spans is None else tuple((s.start, s.end, _kind(s.kind)) for s in item.spans)
    return Truth(
        id=item.id,
        label=item.label,
        units=None if item.units is None else dict(item.units),
        levels=None if item.levels is None else dict(item.levels),
        valence=item.valence,
        arousal=item.arousal,
        text=item.text,
        spans=spans,
        subject=item.subject,
        groups=dict(item.groups),
        subsets=item.subsets,
    )


def _kind(kind: object) -> str | None:
    return None if kind is None else str(kind)


def digest_of(items: Iterable[Item]) -> str:
    """16 hex digits over ids, labels and whether pictures are crops, in order."""
    total = hashlib.sha256()
    for item in items:
        total.update(f"{item.id}\t{item.label}\t{item.crop}\n".encode())
    return total.hexdigest()[:16]


def begin(folder: Path, run: Run, items: list[Item]) -> None:
    """Make the folder, or go on in one that holds the very same run.

    Raises:
        FervlmError: it holds another run, or something else.
    """
    path = folder / RUN
    if path.is_file():
        held = read_run(folder)
        if held != run:
            odd = [name for name in Run.model_fields if getattr(held, name) != getattr(run, name)]
            told = ", ".join(f"{name}: {getattr(held, name)}" for name in odd[:2])
            raise FervlmError(f"holds another run ({told})", file=folder, hint="Give another --out.")
        return
    begun = {TRUTH, EVIDENCE, "truth.part", "evidence.part"}
    if folder.exists() and (not folder.is_dir() or any(p.name not in begun for p in folder.iterdir())):
        raise FervlmError("is not empty and holds no run", file=folder, hint="Give another --out.")
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(folder / TRUTH, (truth_of(item).model_dump_json(exclude_defaults=True) for item in items))
    records = [(item.id, item.record) for item in items if item.record is not None]
    if records:
        lines = (
            json.dumps({"id": name, "record": record.model_dump(mode="json", exclude_defaults=True)})
            for name, record in records
        )
        write_lines(folder / EVIDENCE, lines)
    write_text(path, run.model_dump_json(indent=2) + "\n")


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """All lines or no file."""
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as handle:
        handle.writelines(f"{line}\n" for line in lines)
    part.replace(path)


def write_text(path: Path, text: str) -> None:
    """The whole text or no file."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def read_run(folder: Path) -> Run:
    """`run.json`; `FervlmError` where there is none."""
    path = folder / RUN
    if not path.is_file():
        raise FervlmError(
            "holds no run", file=folder, hint="Make one: fervlm eval run --benchmark B --predictor P --out DIR."
        )
    try:
        return Run.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError:
        raise FervlmError("is damaged or of another version", file=path) from None


def answers_in(folder: Path, known: Mapping[str, object]) -> dict[str, Answer]:
    """The answers so far, by id.

    Raises:
        FervlmError: a line that is none, an answer to an item of another benchmark, an id twice.
    """
    path = folder / PREDICTIONS
    found: dict[str, Answer] = {}
    if not path.is_file():
        return found
    with path.open(encoding="utf-8") as handle:
        for row, line in enumerate(handle, start=1):
            try:
                answer = Answer.model_validate_json(line)
            except ValidationError:
                raise FervlmError(
                    "the line is no answer", file=path, row=row, hint="Remove it and run again."
                ) from None
            if answer.id not in known:
                raise FervlmError(
                    f"'{answer.id}' is no item of this benchmark",
                    file=path,
                    row=row,
                    hint="Are these another's answers?",
                )
            if answer.id in found:
                raise FervlmError(f"the id '{answer.id}' comes twice", file=path, row=row)
            found[answer.id] = answer
    return found


def cut_last_line(folder: Path) -> None:
    """Drop a last line that a killed run left half-written."""
    path = folder / PREDICTIONS
    if not path.is_file():
        return
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        path.write_bytes(data[: data.rfind(b"\n") + 1])


def read_folder(folder: str | Path) -> Finished:
    """A run's folder with everything in it.

    Raises:
        FervlmError: no run there, or a damaged one.
    """
    where = Path(folder)
    run = read_run(where)
    with (where / TRUTH).open(encoding="utf-8") as handle:
        truths = [Truth.model_validate_json(line) for line in handle]
    truth = {one.id: one for one in truths}
    evidence: dict[str, AURecord] = {}
    if (where / EVIDENCE).is_file():
        with (where / EVIDENCE).open(encoding="utf-8") as handle:
            for line in handle:
                row = json.loads(line)
                evidence[row["id"]] = AURecord.model_validate(row["record"])
    return Finished(where, run, truth, evidence, answers_in(where, truth))


def labels_offered(benchmark: Benchmark, held_out: Iterable[str]) -> tuple[str, ...]:
    """The benchmark's labels without those held out; `FervlmError` where one is not its own."""
    gone = set(held_out)
    unknown = gone - set(benchmark.labels)
    if unknown:
        raise FervlmError(
            f"{benchmark.name} has no label '{min(unknown)}'", hint=f"It has: {', '.join(benchmark.labels)}."
        )
    return tuple(label for label in benchmark.labels if label not in gone)
