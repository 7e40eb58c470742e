"""What the card says, as numbers: counted from the finished tables, column by column, in constant memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from data_engine.finished import Part, batches, parts
from data_engine.people import People
from fervlm.facs.units import movement_units
from fervlm.records import Record

if TYPE_CHECKING:
    import pyarrow as pa

Counts = dict[str, int]
OPEN = "open"
"""Where the engine's own conclusion names no label."""
SUPPORT_BINS = 10
TEXTS = ("overview", "interpretation", "summary", "blind", "anchored")
"""Columns whose words are counted; `summary` is the conclusion, `blind` the whole text."""


class Numbers(Record):
    """The set in numbers. Splits, labels and codes are keys; counts are samples unless said otherwise."""

    samples: Counts = Field(description="By split.")
    flipped: int = 0
    labels: dict[str, Counts] = Field(description="Human labels by split; `none` where there is none.")
    engine_labels: dict[str, Counts] = Field(description="The conclusion from the AUs by split; `open` on abstention.")
    sources: dict[str, Counts] = Field(description="Collections by split.")
    detectors: Counts
    engines: Counts = Field(description="What wrote the blind texts.")
    subjects: Counts = Field(description="Distinct persons by split, where the input names them.")
    subjects_shared: int = Field(0, description="Persons that stand in more than one split.")
    without_subject: Counts = Field(description="Samples whose person is not known, by split.")
    units: dict[int, tuple[int, int, int]] = Field(description="AU: present, absent, not measured.")
    present_per_face: dict[int, int] = Field(description="Number of present AUs: samples.")
    words: dict[str, dict[int, int]] = Field(description="Text: number of words: samples.")
    confusion: dict[str, Counts] = Field(description="Human label: engine label or `open`: samples.")
    abstained: Counts = Field(description="By reason.")
    confidence: Counts
    support: dict[str, tuple[int, ...]] = Field(description="Human label: tenths of p(label | AUs).")
    support_mean: dict[str, float]
    regions: Counts = Field(description="Observation sentences by region.")
    negatives: Counts = Field(description="Hard negatives by edit.")
    conversations: dict[str, Counts] = Field(description="Kind: view: conversations.")


def count(folder: Path) -> Numbers:
    """Count a finished set."""
    tally = _Tally()
    for part in parts(folder, "data"):
        for batch in batches(part, _COLUMNS):
            tally.add(part, batch)
    kinds: dict[str, Counter[str]] = {}
    for part in parts(folder, "chat"):
        for batch in batches(part, ["kind", "view"]):
            for kind, view in zip(*(batch.column(k).to_pylist() for k in range(2)), strict=True):
                kinds.setdefault(kind, Counter())[view] += 1
    return tally.numbers({kind: ordered(views) for kind, views in sorted(kinds.items())})


_COLUMNS = [
    *("label", "engine_label", "confidence", "abstain", "support", "subject", "source", "detector", "engine"),
    *("flipped", "regions", "au_vector", "negatives", *TEXTS),
]


def ordered(counts: Counter[Any]) -> dict[Any, int]:
    """Counts by key, so that equal sets give equal bytes."""
    return {key: int(counts[key]) for key in sorted(counts)}


class _Tally:
    def __init__(self) -> None:
        self._by_split: dict[str, dict[str, Counter[str]]] = {
            name: {} for name in ("label", "engine_label", "source", "without_subject")
        }
        self._samples: Counter[str] = Counter()
        self._simple: dict[str, Counter[str]] = {
            name: Counter() for name in ("detector", "engine", "abstain", "confidence", "region", "edit", "flipped")
        }
        self._units = [[0, 0, 0] for _ in movement_units()]
        self._present: Counter[int] = Counter()
        self._words: dict[str, Counter[int]] = {name: Counter() for name in (*TEXTS, "observations")}
        self._confusion: dict[str, Counter[str]] = {}
        self._support: dict[str, Counter[int]] = {}
        self._support_sum: Counter[str] = Counter()
        self._people = People()

    def add(self, part: Part, batch: pa.RecordBatch) -> None:
        column = {name: batch.column(k).to_pylist() for k, name in enumerate(batch.schema.names) if name not in _NESTED}
        split, n = part.split, batch.num_rows
        self._samples[split] += n
        labels = [label or "none" for label in column["label"]]
        concluded = [label or OPEN for label in column["engine_label"]]
        self._split("label", split).update(labels)
        self._split("engine_label", split).update(concluded)
        self._split("source", split).update(source or "unnamed" for source in column["source"])
        self._split("without_subject", split)["n"] += sum(subject is None for subject in column["subject"])
        for name in ("detector", "engine", "abstain", "confidence"):
            self._simple[name].update(value for value in column[name] if value is not None)
        self._simple["flipped"]["n"] += sum(column["flipped"])
        for human, engine in zip(column["label"], concluded, strict=True):
            if human is not None:
                self._confusion.setdefault(human, Counter())[engine] += 1
        self._add_support(column["label"], column["support"])
        self._add_subjects(split, column["subject"])
        self._add_words(column, batch)
        self._add_units(batch)

    def _split(self, name: str, split: str) -> Counter[str]:
        return self._by_split[name].setdefault(split, Counter())

    def _add_support(self, labels: Iterable[str | None], support: Iterable[float | None]) -> None:
        for label, value in zip(labels, support, strict=True):
            if label is not None and value is not None:
                self._support.setdefault(label, Counter())[min(int(value * SUPPORT_BINS), SUPPORT_BINS - 1)] += 1
                # Whole ten-thousandths, as stored: a sum that does not depend on the order.
                self._support_sum[label] += round(value * 10_000)

    def _add_subjects(self, split: str, subjects: Iterable[str | None]) -> None:
        for subject in subjects:
            if subject is not None:
                self._people.add(split, subject)

    def _add_words(self, column: dict[str, list[Any]], batch: pa.RecordBatch) -> None:
        for name in TEXTS:
            self._words[name].update(len(text.split()) for text in column[name] if text is not None)
        regions = batch.column("regions")
        lengths = [len(text.split()) for text in regions.flatten().field("text").to_pylist()]
        start = 0
        for sentences in regions.value_lengths().to_pylist():
            self._words["observations"][sum(lengths[start : start + sentences])] += 1
            start += sentences
        self._simple["region"].update(regions.flatten().field("region").to_pylist())
        edits = batch.column("negatives").flatten().field("edit").to_pylist()
        self._simple["edit"].update(edits)

    def _add_units(self, batch: pa.RecordBatch) -> None:
        import numpy as np  # noqa: PLC0415

        vectors = batch.column("au_vector").flatten().to_numpy(zero_copy_only=False).reshape(batch.num_rows, -1)
        for k, states in enumerate((vectors == value).sum(axis=0) for value in (1, 0, -1)):
            for unit, found in zip(self._units, states, strict=True):
                unit[k] += int(found)
        sizes, times = np.unique((vectors == 1).sum(axis=1), return_counts=True)
        self._present.update(dict(zip(sizes.tolist(), times.tolist(), strict=True)))

    def numbers(self, conversations: dict[str, Counts]) -> Numbers:
        """Everything counted so far."""
        by_split = {
            name: {split: ordered(counts) for split, counts in sorted(splits.items())}
            for name, splits in self._by_split.items()
        }
        totals = {label: sum(bins.values()) for label, bins in self._support.items()}
        return Numbers(
            samples=ordered(self._samples),
            flipped=self._simple["flipped"]["n"],
            labels=by_split["label"],
            engine_labels=by_split["engine_label"],
            sources=by_split["source"],
            detectors=ordered(self._simple["detector"]),
            engines=ordered(self._simple["engine"]),
            subjects={split: self._people.count(split) for split in sorted(self._samples)},
            subjects_shared=self._people.shared(),
            without_subject={split: counts["n"] for split, counts in by_split["without_subject"].items()},
            units={au: (u[0], u[1], u[2]) for au, u in zip(movement_units(), self._units, strict=True)},
            present_per_face=ordered(self._present),
            words={name: ordered(counts) for name, counts in self._words.items()},
            confusion={label: ordered(counts) for label, counts in sorted(self._confusion.items())},
            abstained=ordered(self._simple["abstain"]),
            confidence=ordered(self._simple["confidence"]),
            support={
                label: tuple(bins[k] for k in range(SUPPORT_BINS)) for label, bins in sorted(self._support.items())
            },
            support_mean={
                label: round(self._support_sum[label] / totals[label] / 10_000, 4) for label in sorted(totals)
            },
            regions=ordered(self._simple["region"]),
            negatives=ordered(self._simple["edit"]),
            conversations=conversations,
        )


_NESTED = frozenset({"regions", "au_vector", "negatives"})
