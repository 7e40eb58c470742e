"""p(label | AUs): the optimum is reached, the numbers are probabilities, any number of labels and faces will do."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from data_engine import support as module
from data_engine.measure import Measured
from data_engine.shards import shard_path, write_rows
from data_engine.support import Labelled, Support, feature_row, fit, support_of
from fervlm.facs.units import movement_units

AUS = (1, 2, 4, 5, 6, 7, 9, 12, 15, 17, 25)
SHOWN = {"happiness": (6, 12, 25), "anger": (4, 5, 7), "sadness": (1, 4, 15), "neutral": ()}


def faces(count: int, seed: int = 0) -> Iterator[Labelled]:
    """Faces that show three quarters of their label's AUs and a tenth of the others; some AUs unmeasured."""
    draw = random.Random(seed)
    for _ in range(count):
        label = draw.choice(tuple(SHOWN))
        seen = [au for au in AUS if draw.random() > 0.1]
        present = [au for au in seen if draw.random() < (0.75 if au in SHOWN[label] else 0.1)]
        yield label, present, [au for au in seen if au not in present], draw.getrandbits(64)


def probability(model: Support, label: str, present: tuple[int, ...], absent: tuple[int, ...]) -> float:
    row = np.frombuffer(feature_row(present, absent), np.int8)[None]
    return float(model.of(row, np.array([model.labels.index(label)]))[0])


@pytest.fixture(scope="module")
def model() -> Support:
    found = fit(faces(4000))
    assert found is not None
    return found


def test_it_is_the_optimum(model: Support) -> None:
    """The gradient of the ridge-penalised loss, written down anew, is as good as zero."""
    rows = list(faces(4000))
    x = np.array([[*np.frombuffer(feature_row(p, a), np.int8), 1] for _, p, a, _ in rows], np.float64)
    w = np.hstack([np.array(model.weights), np.array(model.bias)[:, None]]).T
    z = x @ w
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    target = np.array([[label == name for name in model.labels] for label, *_ in rows], np.float64)
    gradient = x.T @ (p - target) / len(rows) + 1e-3 * w
    assert np.abs(gradient).max() < 1e-4
    assert model.n == 4000
    assert model.accuracy == pytest.approx((p.argmax(axis=1) == target.argmax(axis=1)).mean())
    assert model.accuracy > 0.75


def test_movements_speak_for_their_label(model: Support) -> None:
    assert model.aus == movement_units()
    weight = {
        label: dict(zip(model.aus, row, strict=True)) for label, row in zip(model.labels, model.weights, strict=True)
    }
    assert weight["happiness"][12] > 0.3 > 0 > weight["anger"][12]
    assert probability(model, "happiness", (6, 12, 25), (1, 2, 4, 5, 7, 9, 15, 17)) > 0.9
    assert probability(model, "happiness", (4, 5, 7), (1, 2, 6, 9, 12, 15, 17, 25)) < 0.05
    assert sum(probability(model, label, (4,), (12,)) for label in model.labels) == pytest.approx(1)
    # What was not measured says nothing: an AU that nobody measured has no weight at all.
    assert {weight["anger"][au] for au in model.aus if au not in AUS} == {0.0}


def test_equal_faces_give_equal_numbers() -> None:
    assert fit(faces(500)) == fit(faces(500))
    assert fit(iter([*faces(500)] * 2)).weights == fit(faces(500)).weights  # type: ignore[union-attr]


def test_one_label_is_nothing_to_fit() -> None:
    assert fit(iter(())) is None
    assert fit(face for face in faces(100) if face[0] == "anger") is None


def test_hundreds_of_labels() -> None:
    made = fit((f"label {k % 300}", (AUS[k % 11],), (AUS[(k // 11) % 11],), k) for k in range(3000))
    assert made is not None
    assert len(made.labels) == 300


def test_a_large_set_is_fitted_on_a_part_that_the_digests_choose(
    monkeypatch: pytest.MonkeyPatch, model: Support
) -> None:
    monkeypatch.setattr(module, "_MOST", 1000)
    part = fit(faces(4000))
    assert part is not None
    assert 1000 <= part.n < 2000
    assert part.labels == model.labels
    assert np.abs(np.array(part.weights) - np.array(model.weights)).max() < 0.4


def test_drafts_are_judged_shard_by_shard(model: Support, tmp_path: Path) -> None:
    told = [("happiness", (6, 12), (4,)), (None, (12,), ()), ("contempt", (14,), ()), ("anger", (4, 7), (12,))]
    rows = [
        Measured(n=k, id=str(k), group=str(k), label=label, present=present, absent=absent, words=(), frames=())
        for k, (label, present, absent) in enumerate(told)
    ]
    write_rows(shard_path(tmp_path, 0), rows[:3])
    write_rows(shard_path(tmp_path, 1), rows[3:])
    found = support_of(model, [shard_path(tmp_path, 0), shard_path(tmp_path, 1)])
    assert found[0] == pytest.approx(probability(model, "happiness", (6, 12), (4,)))
    assert found[1] == -1
    assert found[2] == 0  # a label that the train split does not hold
    assert found[3] == pytest.approx(probability(model, "anger", (4, 7), (12,)))
