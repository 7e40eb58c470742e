"""What is counted: verdicts, labels, abstentions, and how far the labels drifted."""

from __future__ import annotations

import re
from collections import Counter

import fervlm
from fervlm.examples import recording
from fervlm.serve.metrics import WINDOW, Metrics, distance


def _value(metrics: Metrics, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", metrics.text().decode(), re.MULTILINE)
    assert found is not None, name
    return float(found[1])


def test_distance_is_total_variation() -> None:
    assert distance(Counter(a=1, b=1), Counter(a=2, b=2)) == 0
    assert distance(Counter(a=3), Counter(b=9)) == 1
    assert distance(Counter(a=1, b=3), Counter(a=3, b=1)) == 0.5
    assert distance(Counter(), Counter(a=1)) == 0


def test_labels_drift_and_abstentions_are_counted() -> None:
    rows = list(fervlm.read(recording()))
    smile, rest = fervlm.explain(rows[54]), fervlm.explain(rows[0])
    assert smile.label == "happiness"
    own = smile.model_copy(update={"label": "a word of the user's own"})
    none = rest.model_copy(update={"label": None})
    metrics = Metrics()
    metrics.told([smile] * WINDOW)
    assert _value(metrics, "fervlm_label_drift") == 0
    metrics.told([none] * (WINDOW // 4))
    assert _value(metrics, "fervlm_label_drift") == 0.25
    assert _value(metrics, "fervlm_abstain_rate") == 0.25
    metrics.told([own])
    assert _value(metrics, 'fervlm_labels_total{label="other"}') == 1
    assert _value(metrics, "fervlm_abstained_total") == WINDOW // 4
    assert "a word of" not in metrics.text().decode()  # no word of a user's becomes a label of a metric


def test_verdicts_and_failures_are_counted() -> None:
    record = list(fervlm.read(recording()))[54]
    metrics = Metrics()
    metrics.checked(fervlm.verify("The brows are lowered. The lip corners are pulled up.", record))
    metrics.checked(fervlm.verify("The lip corners are pulled up.", record))
    assert _value(metrics, 'fervlm_claims_total{verdict="contradicted"}') == 1
    assert _value(metrics, 'fervlm_claims_total{verdict="supported"}') == 2
    assert _value(metrics, "fervlm_verification_failures_total") == 1
