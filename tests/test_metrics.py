"""Metrics against numbers worked out by hand."""

from __future__ import annotations

import random

import pytest

from fervlm import metrics

# Nine rows: a has 4 (3 right, 1 called b), b has 3 (1 right, 1 called a, 1 abstained), c has 2 (both called b).
TRUTH = ["a", "a", "a", "a", "b", "b", "b", "c", "c"]
GUESS = ["a", "a", "a", "b", "b", "a", None, "b", "b"]


def test_war_counts_abstentions_as_wrong() -> None:
    assert metrics.war(TRUTH, GUESS) == pytest.approx(4 / 9)


def test_uar_is_the_mean_of_class_recalls() -> None:
    assert metrics.class_recall(TRUTH, GUESS) == pytest.approx({"a": 3 / 4, "b": 1 / 3, "c": 0.0})
    assert metrics.uar(TRUTH, GUESS) == pytest.approx((3 / 4 + 1 / 3 + 0) / 3)


def test_per_class_precision_and_f1() -> None:
    scores = metrics.per_class(TRUTH, GUESS)
    # a: 3 of the 4 answers "a" are right; b: 1 of 4; c is never answered.
    assert scores["a"] == metrics.ClassScore(4, 0.75, 0.75, 0.75)
    assert scores["b"].precision == pytest.approx(1 / 4)
    assert scores["b"].f1 == pytest.approx(2 * (1 / 4) * (1 / 3) / (1 / 4 + 1 / 3))
    assert scores["c"] == metrics.ClassScore(2, 0.0, 0.0, 0.0)
    assert metrics.macro_f1(TRUTH, GUESS) == pytest.approx((0.75 + 2 / 7 + 0) / 3)


def test_a_class_that_never_occurs_is_not_averaged_over() -> None:
    assert metrics.uar(["a", "a"], ["a", "z"]) == 0.5
    assert metrics.macro_f1(["a", "a"], ["a", "z"]) == pytest.approx(2 * 1 * 0.5 / 1.5)


def test_confusion_has_every_row_once() -> None:
    matrix = metrics.confusion(TRUTH, GUESS, ["c", "b", "a"])
    assert matrix.rows == ("c", "b", "a")
    assert matrix.columns == ("c", "b", "a", metrics.ABSTAINED)
    assert matrix.counts == ((0, 2, 0, 0), (0, 1, 1, 1), (0, 1, 3, 0))
    assert sum(map(sum, matrix.counts)) == len(TRUTH)
    shown = str(matrix).splitlines()
    assert shown[0].split() == ["true", "c", "b", "a", "abstained"]
    assert shown[3].split() == ["a", "0", "1", "3", "0"]


def test_confusion_keeps_labels_outside_the_given_order() -> None:
    assert metrics.confusion(["a"], ["z"], ["a"]).columns == ("a", "z")


def test_bootstrap_interval_matches_theory_for_a_share() -> None:
    rng = random.Random(3)
    truth = ["a"] * 400
    guess = ["a" if rng.random() < 0.8 else "b" for _ in truth]
    found = metrics.bootstrap(metrics.war, truth, guess, draws=2000)
    share = metrics.war(truth, guess)
    spread = 1.96 * (share * (1 - share) / 400) ** 0.5
    assert found.value == share
    assert found.low == pytest.approx(share - spread, abs=0.012)
    assert found.high == pytest.approx(share + spread, abs=0.012)
    assert found == metrics.bootstrap(metrics.war, truth, guess, draws=2000)  # seeded


def test_bootstrap_over_groups_is_wider_where_persons_agree_with_themselves() -> None:
    truth = ["a"] * 100
    guess = ["a" if i // 10 % 2 else "b" for i in range(100)]
    rows = metrics.bootstrap(metrics.war, truth, guess)
    persons = metrics.bootstrap(metrics.war, truth, guess, groups=[i // 10 for i in range(100)])
    assert persons.high - persons.low > 1.5 * (rows.high - rows.low)


@pytest.mark.parametrize(("truth", "guess"), [([], []), (["a"], ["a", "b"])])
def test_unusable_input_is_refused(truth: list[str], guess: list[str]) -> None:
    with pytest.raises(ValueError, match="equally many"):
        metrics.war(truth, guess)


def test_groups_must_cover_the_rows() -> None:
    with pytest.raises(ValueError, match="one group per row"):
        metrics.bootstrap(metrics.war, ["a", "b"], ["a", "b"], groups=["x"])
