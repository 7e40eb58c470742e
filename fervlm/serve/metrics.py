"""What Prometheus reads at /metrics: latency, queue, labels, abstentions, verification, drift."""

from __future__ import annotations

from collections import Counter as Tally
from collections import deque
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from fervlm.facs.labels import canonical_label
from fervlm.records import Prediction, Verification

WINDOW = 500
"""Labels that drift is told from, and as many before them that it is told against."""
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_OTHER = "other"


class Metrics:
    """One server's numbers, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self.requests = Counter("fervlm_requests", "Requests answered.", ["route", "status"], registry=own)
        self.seconds = Histogram(
            "fervlm_request_seconds", "Time to the last byte.", ["route"], buckets=_BUCKETS, registry=own
        )
        self.open = Gauge("fervlm_requests_open", "Requests being answered.", registry=own)
        self.queue = Gauge("fervlm_queue", "Requests that wait for a worker.", registry=own)
        self.predictions = Counter("fervlm_predictions", "Faces told of.", ["backend"], registry=own)
        self.labels = Counter(
            "fervlm_labels", "Labels given; the user's own words count as other.", ["label"], registry=own
        )
        self.abstained = Counter("fervlm_abstained", "Faces that got no label.", registry=own)
        self.abstain_rate = Gauge("fervlm_abstain_rate", "Share of the last faces without a label.", registry=own)
        self.claims = Counter("fervlm_claims", "Claims checked, by verdict.", ["verdict"], registry=own)
        self.failures = Counter("fervlm_verification_failures", "Answers with a sentence at fault.", registry=own)
        self.drift = Gauge(
            "fervlm_label_drift",
            f"Total variation distance, 0 to 1, of the last {WINDOW} labels to the first.",
            registry=own,
        )
        self.ready = Gauge("fervlm_backend_ready", "1 where the backend answers.", registry=own)
        self.restarts = Counter("fervlm_backend_restarts", "Starts of vLLM after a crash.", registry=own)
        self._first: Tally[str] = Tally()
        self._last: deque[str] = deque(maxlen=WINDOW)

    def told(self, predictions: Iterable[Prediction]) -> None:
        """Count what was answered."""
        for prediction in predictions:
            self.predictions.labels(prediction.backend).inc()
            self.checked(prediction.verification)
            self._label(prediction.label)

    def checked(self, verification: Verification | None) -> None:
        """Count one verification."""
        if verification is None:
            return
        for sentence in verification.sentences:
            for claim in sentence.claims:
                self.claims.labels(claim.verdict).inc()
        if not verification.ok:
            self.failures.inc()

    def _label(self, label: str | None) -> None:
        name = "none" if label is None else canonical_label(label) or _OTHER
        self.labels.labels(name).inc()
        if label is None:
            self.abstained.inc()
        if self._first.total() < WINDOW:
            self._first[name] += 1
        self._last.append(name)
        self.abstain_rate.set(self._last.count("none") / len(self._last))
        self.drift.set(distance(self._first, Tally(self._last)))

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)


def distance(one: Tally[str], other: Tally[str]) -> float:
    """Total variation distance of two counts taken as distributions; 0 where either is empty."""
    first, second = one.total(), other.total()
    if not first or not second:
        return 0.0
    return sum(abs(one[name] / first - other[name] / second) for name in one.keys() | other.keys()) / 2
