"""Calibration, ranking, continuous and AU measures against scikit-learn or numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fervlm.metrics.calibration import brier, ece, reliability, risk_coverage
from fervlm.metrics.collapse import histogram, majority_alarm
from fervlm.metrics.continuous import ccc, icc31, mae, rmse, sign_agreement
from fervlm.metrics.maps import overlap
from fervlm.metrics.ranking import auroc, fpr_at_tpr, recall_at
from fervlm.metrics.units import intensity_scores, mean_f1, never_told, unit_scores
from fervlm.metrics.wording import rege, rouge_l

sklearn = pytest.importorskip("sklearn.metrics", reason="needs the extra 'dev'")


def drawn(n: int = 500, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    p = rng.dirichlet(np.ones(k), n)
    return p, np.array([rng.choice(k, p=row) for row in p])


def test_ece_of_four_answers_by_hand() -> None:
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    # Bin of 0.9: 1 of 2 right, so |0.5 - 0.9|; bin of 0.6: both right, so |1 - 0.6|.
    assert ece(p, np.array([0, 1, 0, 1]), bins=10) == pytest.approx(0.4)
    bins = reliability(p, np.array([0, 1, 0, 1]), bins=10)
    assert [(b.count, b.accuracy) for b in bins] == [(2, 1.0), (2, 0.5)]
    assert [b.confidence for b in bins] == pytest.approx([0.6, 0.9])


def test_ece_is_small_for_honest_probabilities_and_large_for_boasting_ones() -> None:
    p, t = drawn(4000)
    assert ece(p, t) < 0.03
    sharp = p**6 / (p**6).sum(1, keepdims=True)
    assert ece(sharp, t) > 0.2


def test_brier_is_twice_that_of_scikit_learn_for_two_classes() -> None:
    p, t = drawn(k=2)
    assert brier(p, t) == pytest.approx(2 * sklearn.brier_score_loss(t, p[:, 1]))


def test_probabilities_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        ece(np.array([[0.9, 0.9]]), np.array([0]))
    with pytest.raises(ValueError, match="true classes"):
        brier(np.array([[0.5, 0.5]]), np.array([0, 1]))


def test_risk_coverage_by_hand_and_without_luck_in_ties() -> None:
    curve = risk_coverage(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, True]))
    assert curve.risk.tolist() == pytest.approx([0, 1 / 2, 1 / 3, 1 / 4])
    assert curve.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert (curve.at(0.25), curve.at(0.3), curve.at(1.0)) == pytest.approx((0, 1 / 2, 1 / 4))
    tied = risk_coverage(np.ones(4), np.array([True, True, True, False]))
    assert tied.risk.tolist() == pytest.approx([1 / 4] * 4)
    assert tied.area == risk_coverage(np.ones(4), np.array([False, True, True, True])).area


def test_auroc_and_fpr95_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    yes = rng.random(600) < 0.4
    scores = np.round(rng.normal(size=600) + yes, 1)  # many ties
    assert auroc(scores, yes) == pytest.approx(sklearn.roc_auc_score(yes, scores))
    fpr, tpr, _ = sklearn.roc_curve(yes, scores, drop_intermediate=False)
    assert fpr_at_tpr(scores, yes) == pytest.approx(fpr[np.argmax(tpr >= 0.95)])
    assert auroc(scores, np.ones(600, bool)) is None
    assert fpr_at_tpr(scores, np.zeros(600, bool)) is None


def test_retrieval_gets_nothing_from_ties() -> None:
    similar = np.array([[0.9, 0.1, 0.5], [0.2, 0.2, 0.2]])
    assert recall_at(similar, [{0}, {1}], 1) == 0.5
    assert recall_at(similar, [{2}, set()], 1) == 0.0
    assert recall_at(similar, [{2}, set()], 2) == 1.0
    assert recall_at(similar, [{0}, {1}], 3) == 1.0


def test_ccc_by_hand_and_where_nothing_varies() -> None:
    t, p = np.array([1.0, 2, 3]), np.array([2.0, 3, 4])
    assert ccc(t, p) == pytest.approx(2 * (2 / 3) / (2 / 3 + 2 / 3 + 1))
    assert ccc(t, t) == 1
    assert ccc(t, -t + 4) == pytest.approx(-1)
    assert ccc(np.ones(3), np.ones(3)) == 1
    assert ccc(np.ones(3), np.zeros(3)) == 0


def test_errors_agree_with_scikit_learn() -> None:
    t, p = np.random.default_rng(2).normal(size=(2, 40))
    assert rmse(t, p) == pytest.approx(sklearn.mean_squared_error(t, p) ** 0.5)
    assert mae(t, p) == pytest.approx(sklearn.mean_absolute_error(t, p))
    assert sign_agreement(np.array([1.0, -1, 0, 2]), np.array([3.0, 1, 0, -2])) == 0.5


def test_icc31_of_two_raters_is_twice_the_covariance_over_the_variances() -> None:
    t, p = np.random.default_rng(3).normal(size=(2, 30)) + np.linspace(0, 3, 30)
    expected = 2 * np.cov(t, p)[0, 1] / (t.var(ddof=1) + p.var(ddof=1))
    assert icc31(t, p) == pytest.approx(expected)
    assert icc31(t, t + 5) == pytest.approx(1)  # consistency, not agreement
    assert icc31(np.ones(4), np.ones(4)) is None


def test_unit_scores_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(4)
    yes, score = rng.random(200) < 0.3, rng.random(200)
    said = score + yes * 0.3 > 0.6
    truth = [{12: bool(y)} for y in yes]
    told = [{12: bool(s)} for s in said]
    found = unit_scores(truth, told, [{12: float(v)} for v in score])[12]
    assert found.f1 == pytest.approx(sklearn.f1_score(yes, said))
    assert found.precision == pytest.approx(sklearn.precision_score(yes, said))
    assert found.auc == pytest.approx(sklearn.roc_auc_score(yes, score))


def test_an_uncoded_unit_does_not_count_and_an_untold_one_is_absent() -> None:
    truth = [{1: True, 4: True}, {1: False}, {4: False}]
    told = [{1: True}, {1: True}, {}]
    found = unit_scores(truth, told)
    assert (found[1].coded, found[1].precision, found[1].recall) == (2, 0.5, 1.0)
    assert (found[4].coded, found[4].present, found[4].f1) == (2, 1, 0.0)
    assert mean_f1(found) == pytest.approx((2 / 3 + 0) / 2)
    assert never_told(truth, told) == (4,)
    levels = intensity_scores([{6: 2.0}, {6: 4.0}], [{6: 2.0}, {}])
    assert (levels[6].coded, levels[6].mae) == (2, 2.0)


def test_the_majority_alarm() -> None:
    truth = ["a"] * 4 + ["b"] * 3 + ["c"] * 3
    assert majority_alarm(truth, ["a"] * 10) == "every answer is 'a'"
    assert majority_alarm(truth, ["a"] * 8 + ["b", "c"]) == "'a' is 80% of the answers and 40% of the truth"
    assert majority_alarm(truth, ["a"] * 4 + [None] * 5 + ["b"]) is not None  # of the answers given
    assert majority_alarm(truth, truth) is None
    assert majority_alarm(["a"] * 9 + ["b"], ["a"] * 9 + ["b"]) is None  # the truth itself is lopsided
    assert majority_alarm(["a"] * 5, ["a"] * 5) is None
    found = histogram(truth, [*(["a"] * 8), "b", None])
    assert found.never_answered == ("c",)
    assert found.abstained == 1


def test_heat_on_and_off_a_region() -> None:
    region = np.zeros((4, 4))
    region[0, :2] = 1
    on = overlap(region * 3, region)
    assert (on.iou, on.inside, on.chance) == (1, 1, 2 / 16)
    assert on.correlation == pytest.approx(1)
    off = overlap(np.flipud(region), region)
    assert (off.iou, off.inside) == (0, 0)
    assert off.correlation is not None and off.correlation < 0
    even = overlap(np.ones((4, 4)), region)
    assert even.inside == even.chance and even.correlation is None
    with pytest.raises(ValueError, match="zeros"):
        overlap(np.zeros((2, 2)), np.ones((2, 2)))


def test_rouge_l_by_hand() -> None:
    # Lin's example: "police killed the gunman" / "police kill the gunman" share 3 of 4 words in order.
    assert rouge_l("police killed the gunman", "police kill the gunman") == 0.75
    assert rouge_l("police killed the gunman", "the gunman kill police") == 0.5
    assert rouge_l("a b", "") == 0
    assert rege(64.5, 31.7) == pytest.approx(96.2)
