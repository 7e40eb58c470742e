"""Numbers of labels and of captions, each with an interval where faces were drawn anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.answer import Answer
from eval.item import Item
from fervlm.errors import FervlmError
from fervlm.facs.labels import LabelSet, canonical_label, label_set_from_words
from fervlm.metrics.calibration import ece
from fervlm.metrics.collapse import majority_alarm
from fervlm.metrics.differences import compare
from fervlm.metrics.explanations import Checked, affirmed, checked, faithfulness, implied_label
from fervlm.metrics.resampling import drawn, intervals, quantiles
from fervlm.reasoning.answers import parse
from fervlm.reasoning.verify import Judge
from fervlm.records import AURecord, Caption

DRAWS = 2000
Numbers = dict[str, Any]
Floats = NDArray[np.float64]


def of_labels(items: Sequence[Item], answers: Mapping[str, Answer], labels: tuple[str, ...], seed: int) -> Numbers:
    """WAR, UAR and macro-F1 with 95 % intervals, calibration error, share of the commonest answer."""
    truth = [str(item.label) for item in items]
    told = [answers[item.id].label for item in items]
    found: Numbers = {
        name: [round(v, 4) for v in (one.value, one.low, one.high)]
        for name, one in intervals(truth, told, draws=DRAWS, seed=seed).items()
    }
    rows = [answers[item.id].probabilities for item in items]
    if all(row is not None and len(row) == len(labels) for row in rows):
        shares = np.array([[(row or {})[label] for label in labels] for row in rows], np.float64)
        total = shares.sum(1, keepdims=True)
        found["ECE"] = round(float(ece(shares / total, np.array([labels.index(name) for name in truth]))), 4)
    found["abstained"] = round(sum(one is None for one in told) / len(told), 4)
    alarm = majority_alarm(truth, told)
    found["alarm"] = None if alarm is None else str(alarm)
    found["ms"] = _mean([answers[item.id].ms for item in items])
    return found


def apart(items: Sequence[Item], first: Mapping[str, Answer], second: Mapping[str, Answer], seed: int) -> Numbers:
    """UAR of the second minus that of the first, on the same faces."""
    truth = [str(item.label) for item in items]
    one, other = ([rows[item.id].label for item in items] for rows in (first, second))
    gap = compare("UAR", truth, one, other, draws=DRAWS, seed=seed)
    return {"UAR": [round(v, 4) for v in (gap.change.value, gap.change.low, gap.change.high)], "p": round(gap.p, 4)}


def of_captions(
    items: Sequence[Item], answers: Mapping[str, Answer], direct: Mapping[str, Answer] | None, seed: int
) -> Numbers:
    """Strict parse rate, mentions against the evidence and the best constant caption, leaks, agreement, passes.

    Args:
        items: with evidence.
        answers: with texts; one that cannot be parsed is read as plain text and never passes.
        direct: the labels that the same model gives at once.
        seed: of the draws.
    """
    labels = label_set_from_words(tuple(sorted({str(item.label) for item in items})))
    judge, rows, whole, agreed, same = Judge(4096), [], [], [], []
    for item in items:
        assert item.record is not None
        text = answers[item.id].text or "-"
        caption = read_caption(text)
        rows.append(checked(caption or text, item.record, labels=labels, judge=judge))
        whole.append(caption is not None)
        if caption is not None:
            agreed.append(_agrees(caption, item.record, labels))
            if direct is not None:
                same.append(_same(caption.conclusion.label, direct[item.id].label))
    summary = faithfulness(rows)
    assert summary is not None
    weights = drawn(len(rows), DRAWS, seed)
    f1, constant = float(f1_of(counts_of(rows).sum(0))), float(f1_of(_constant(items, rows).sum(0)))
    f1s, constants = (f1_of(weights @ counts) for counts in (counts_of(rows), _constant(items, rows)))
    return {
        "texts": len(rows),
        "strict_parse_rate": with_interval(np.array(whole, np.float64), weights),
        "mentions": {"precision": summary.precision, "recall": summary.recall},
        "mention_F1": [_round(f1), *map(_round, quantiles(f1s))],
        "constant_F1": _round(constant),
        "over_constant": [_round(f1 - constant), *map(_round, quantiles(f1s - constants))],
        "leak_rate": with_interval(np.array([row.leaks > 0 for row in rows], np.float64), weights),
        "agreement": _mean([float(one) for one in agreed]),
        "as_direct": _mean([float(one) for one in same]),
        "pass_rate": with_interval(
            np.array([row.ok and good for row, good in zip(rows, whole, strict=True)], np.float64), weights
        ),
        "ms": _mean([answers[item.id].ms for item in items]),
        "faithfulness": asdict(summary),
    }


def read_caption(text: str) -> Caption | None:
    """The caption that the text is; None where it has not the form."""
    try:
        return parse(text)
    except FervlmError:
        return None


def _agrees(caption: Caption, record: AURecord, labels: LabelSet) -> bool:
    """The label that the caption's own units imply is its conclusion's; both may be open."""
    implied = implied_label(affirmed(caption).aus, labels, sorted({reading.au for reading in record.readings}))
    told = caption.conclusion.label
    return (implied is None and told is None) or _same(implied, told)


def _same(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    return (canonical_label(one) or one) == (canonical_label(other) or other)


def counts_of(rows: Sequence[Checked]) -> Floats:
    """[N, 3]: right, wrong, present."""
    return np.array([(row.right, row.wrong, row.present) for row in rows], np.float64)


def _constant(items: Sequence[Item], rows: Sequence[Checked]) -> Floats:
    """[N, 3] counts of the same set of units named on every face: the set that does best on these very faces."""
    present = [{r.au for r in item.record.readings if r.state == "present"} for item in items if item.record]
    units = sorted({au for one in present for au in one}, key=lambda au: (-sum(au in one for one in present), au))
    total = np.array([row.present for row in rows], np.float64)
    best = np.zeros((len(rows), 3))
    for size in range(1, len(units) + 1):
        named = set(units[:size])
        right = np.array([len(named & one) for one in present], np.float64)
        counts = np.stack([right, size - right, total], 1)
        if f1_of(counts.sum(0)) > f1_of(best.sum(0)):
            best = counts
    return best


def f1_of(counts: Floats) -> Floats:
    """[...] of counts [..., 3]."""
    right, wrong, present = counts[..., 0], counts[..., 1], counts[..., 2]
    return np.asarray(2 * right / np.maximum(right + wrong + present, 1e-9))


def with_interval(values: Floats, weights: Floats) -> list[float]:
    """Mean of [N], and its 95 % interval over the faces that `weights` [draws, N] drew."""
    means = weights @ values / len(values)
    return [_round(float(values.mean())), *map(_round, quantiles(means))]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _round(sum(known) / len(known)) if known else None


def _round(value: float) -> float:
    return round(float(value), 4)
