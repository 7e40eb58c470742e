"""The rule engine on AU evidence."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from eval.answer import Answer, failed
from eval.item import Benchmark, Item
from eval.predictors import Settings
from eval.predictors.recorded import recorded_answer
from fervlm import __version__
from fervlm.errors import FervlmError
from fervlm.facs.labels import label_set_from_words
from fervlm.predict.rules import Explainer
from fervlm.reasoning.answers import render
from fervlm.records import AUReading, AURecord, Prediction

CACHED = 4096


class Rules:
    """Explains each item's record, or the recording of a clip; an abstention stays one.

    Args:
        benchmark: its labels are chosen from.
        settings: whether texts are kept, and their seed.

    Raises:
        FervlmError: no label of the benchmark is known to the FACS tables.
    """

    name = "rules"
    version = __version__

    def __init__(self, benchmark: Benchmark, settings: Settings) -> None:
        labels = label_set_from_words(benchmark.labels) if benchmark.labels else "basic8"
        self._explainer = Explainer(labels, settings.seed, cache_size=CACHED, check=False)
        self._labels, self._settings = labels, settings
        self._labelled = bool(benchmark.labels)

    def answers(self, items: Sequence[Item]) -> Iterator[Answer]:
        """Items without evidence fail: there is nothing to reason from."""
        for item in items:
            began = time.perf_counter()
            if item.recording is not None:
                yield recorded_answer(item, self._labels, self._settings, labelled=self._labelled)
                continue
            if item.record is None:
                yield failed(item.id, "no AU evidence for this item")
                continue
            try:
                prediction = self._explainer.explain(item.record)
            except FervlmError as error:
                yield failed(item.id, str(error))
                continue
            yield self._answer(item, prediction, (time.perf_counter() - began) * 1000)

    def _answer(self, item: Item, prediction: Prediction, ms: float) -> Answer:
        caption = prediction.caption
        if caption is None:
            return failed(item.id, "no face in the evidence", ms)
        abstained = caption.conclusion.abstain
        scores, present, levels = told_units(prediction.evidence)
        return Answer(
            id=item.id,
            status="abstained" if self._labelled and prediction.label is None else "ok",
            reason=abstained,
            label=prediction.label if self._labelled else None,
            units=scores,
            present=present,
            levels=levels,
            valence=prediction.valence,
            arousal=prediction.arousal,
            text=render(caption, details=False) if self._settings.explain else None,
            ms=round(ms, 3),
        )


def told_units(record: AURecord) -> tuple[dict[int, float], tuple[int, ...], dict[int, float] | None]:
    """Scores, present AUs, and levels (None where the evidence has no true intensity) of a record; stronger side."""
    scores: dict[int, float] = {}
    present: set[int] = set()
    levels: dict[int, float] = {}
    for reading in record.readings:
        value = _number(reading)
        scores[reading.au] = max(value, scores.get(reading.au, value))
        if reading.state == "present":
            present.add(reading.au)
        if reading.scale == "intensity_0_5" and reading.value is not None:
            levels[reading.au] = max(reading.value, levels.get(reading.au, 0.0))
    return scores, tuple(sorted(present)), levels or None


def _number(reading: AUReading) -> float:
    return reading.value if reading.value is not None else float(reading.state == "present")
