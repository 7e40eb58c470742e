"""Numbers of the explanations of a run: against the items' evidence, against the answer, against reference texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from statistics import fmean
from typing import Any

from eval.answer import Answer
from eval.folder import Finished, Truth
from fervlm.facs.labels import LabelSet, canonical_label, label_set, label_set_from_words
from fervlm.metrics.events import order_score, told_events
from fervlm.metrics.explanations import Checked, affirmed, checked, consistency, faithfulness, implied_label
from fervlm.metrics.wording import rege, rouge_l
from fervlm.reasoning.verify import Judge
from fervlm.records import AURecord

COULD_SAY = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26)
"""AUs that a text without evidence could have named; those it does not affirm count as absent in the implied label."""
Pair = tuple[Truth, Answer]


def explanation_scores(done: Finished, pairs: Sequence[Pair]) -> dict[str, Any] | None:
    """All of it, as far as texts, evidence and references are there; None without texts."""
    told = [(truth, answer) for truth, answer in pairs if answer.text]
    if not told or all(truth.label is not None and answer.text == answer.label for truth, answer in told):
        return None
    found: dict[str, Any] = {"texts": len(told)}
    labels = _label_set(done.run.labels)
    found["faithfulness"] = _faithful(done, told, labels)
    if done.run.labels:
        found["consistency"] = _consistent(done, told, labels)
    references = [(t.text, a.text) for t, a in told if t.text and a.text]
    if references:
        found["references"] = _references(references, done, pairs)
    return found


def _label_set(labels: tuple[str, ...]) -> LabelSet:
    known = any(canonical_label(label) is not None for label in labels)
    return label_set_from_words(labels) if known else label_set("basic8")


def _faithful(done: Finished, told: Sequence[Pair], labels: LabelSet) -> dict[str, Any] | None:
    judge = Judge(20_000)
    kept: dict[tuple[object, ...], Checked] = {}
    found: list[Checked] = []
    detectors: set[str] = set()
    for truth, answer in told:
        record = done.evidence.get(truth.id)
        if record is None or record.quality.tracking != "ok":
            continue
        detectors.add(record.detector.name)
        key = (answer.text, _evidence_key(record))
        if key not in kept:
            kept[key] = checked(answer.text or "", record, labels=labels, judge=judge)
        found.append(kept[key])
    summary = faithfulness(found)
    return None if summary is None else {"against": ", ".join(sorted(detectors)), **asdict(summary)}


def _evidence_key(record: AURecord) -> tuple[object, ...]:
    return (record.readings, record.detector)


def _consistent(done: Finished, told: Sequence[Pair], labels: LabelSet) -> dict[str, Any] | None:
    """Whether the AUs that a text itself affirms point to its label; measured AUs are those of the evidence."""
    truth, predicted, implied = [], [], []
    for true, answer in told:
        if true.label not in done.run.labels:
            continue
        record = done.evidence.get(true.id)
        measured = COULD_SAY if record is None else tuple(sorted({reading.au for reading in record.readings}))
        aus = _affirmed_aus(answer.text or "")
        truth.append(str(true.label))
        predicted.append(answer.label)
        implied.append(_implied(aus, labels.labels, measured))
    found = consistency(truth, predicted, implied)
    return None if found is None else asdict(found)


@cache
def _affirmed_aus(text: str) -> frozenset[int]:
    return affirmed(text).aus


@cache
def _implied(aus: frozenset[int], labels: tuple[str, ...], measured: tuple[int, ...]) -> str | None:
    return implied_label(aus, _label_set(labels), measured)


def _references(texts: Sequence[tuple[str, str]], done: Finished, pairs: Sequence[Pair]) -> dict[str, Any]:
    rouge = fmean(rouge_l(reference, text) for reference, text in texts)
    order = [order_score(told_events(reference), told_events(text)).f1 for reference, text in texts]
    found: dict[str, Any] = {"texts": len(texts), "ROUGE-L": rouge, "event_order_F1": fmean(order)}
    labelled = [(t, a) for t, a in pairs if t.label is not None]
    if labelled and done.run.labels:
        accuracy = sum(t.label == a.label for t, a in labelled) / len(labelled)
        found["REGE"] = rege(100 * accuracy, 100 * rouge)
    return found
