"""What all peers that look at single pictures share: one picture at a time, its clock, labels mapped by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from eval.answer import Answer, failed
from eval.item import Benchmark, Item
from eval.predictors.chat import picture_bytes
from fervlm.errors import FervlmError
from fervlm.facs.labels import canonical_label

Pixels = NDArray[np.uint8]
Look = Callable[[Pixels], Mapping[str, float]]


def decoded(item: Item) -> Pixels:
    """uint8 BGR [H, W, 3], as OpenCV reads it; `FervlmError` where it is no picture."""
    import cv2  # noqa: PLC0415

    data = np.frombuffer(picture_bytes(item.image()), np.uint8)
    found = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if found is None:
        raise FervlmError(f"the picture of '{item.id}' cannot be read")
    pixels: Pixels = found.astype(np.uint8)
    return pixels


def in_benchmark_words(scores: Mapping[str, float], benchmark: Benchmark) -> dict[str, float]:
    """A package's scores under the benchmark's labels, matched by what the words mean, and made to sum to 1.

    Labels that only one side knows are left out; a package is not punished for a class that the benchmark lacks.
    """
    meant = {canonical_label(label) or label.lower(): label for label in benchmark.labels}
    found: dict[str, float] = {}
    for word, value in scores.items():
        label = meant.get(canonical_label(word) or word.lower())
        if label is not None:
            found[label] = found.get(label, 0.0) + max(float(value), 0.0)
    total = sum(found.values())
    return {label: value / total for label, value in found.items()} if total else {}


def answered(items: Sequence[Item], look: Look, benchmark: Benchmark) -> Iterator[Answer]:
    """One answer per picture; whatever the package raises for a picture is that picture's failure."""
    for item in items:
        began = time.perf_counter()
        try:
            shares = in_benchmark_words(look(decoded(item)), benchmark)
        except Exception as error:  # other people's packages raise what they like
            told = (str(error).splitlines() or [""])[0]
            yield failed(item.id, f"{type(error).__name__}: {told}", _ms(began))
            continue
        if not shares:
            yield failed(item.id, "no score for any of these labels", _ms(began))
            continue
        best = max(shares, key=lambda label: shares[label])
        yield Answer(id=item.id, label=best, probabilities=shares, ms=_ms(began))


def _ms(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
