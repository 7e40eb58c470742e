"""Differences and groups: a real one is found, chance is not, and the corrections are those of the papers."""

from __future__ import annotations

import random

import pytest

from fervlm import metrics
from fervlm.metrics.differences import compare, holm
from fervlm.metrics.groups import audit
from fervlm.metrics.resampling import intervals, tables, values


def answers(truth: list[str], right: float, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [t if draw.random() < right else "z" for t in truth]


TRUTH = ["a", "b"] * 150


def test_a_real_difference_is_told_from_chance() -> None:
    a, b, c = (answers(TRUTH, share, seed) for share, seed in ((0.6, 1), (0.8, 2), (0.6, 3)))
    real, chance = (compare("WAR", TRUTH, a, other, draws=400) for other in (b, c))
    assert real.real and real.p < 0.01 and real.change.low > 0
    assert not chance.real and chance.p > 0.05
    assert real.change.value == pytest.approx(metrics.war(TRUTH, b) - metrics.war(TRUTH, a))
    back = compare("WAR", TRUTH, b, a, draws=400)
    assert back.change.value == -real.change.value


def test_the_permutation_p_is_exact_on_three_rows() -> None:
    # A is right nowhere, B everywhere: of 8 swaps, 2 (all or none) are as extreme, so p is near 1/4.
    found = compare("WAR", ["a"] * 3, ["z"] * 3, ["a"] * 3, draws=4000)
    assert found.p == pytest.approx(0.25, abs=0.03)
    same = compare("WAR", ["a"] * 3, ["a"] * 3, ["a"] * 3, draws=50)
    assert same.p == 1 and not same.real


def test_rows_of_one_person_are_swapped_together() -> None:
    # 100 rows of one person are one observation: no test can call that real.
    truth = ["a"] * 100
    assert compare("WAR", truth, ["z"] * 100, truth, groups=["p"] * 100, draws=200).p == 1
    assert compare("WAR", truth, ["z"] * 100, truth, draws=200).p < 0.01


def test_lists_of_different_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="the same rows"):
        compare("WAR", ["a"], ["a"], ["a", "b"])


@pytest.mark.parametrize("by", [None, "persons"])
def test_counts_give_what_rows_give(by: str | None) -> None:
    draw = random.Random(7)
    truth = [draw.choice("aabc") for _ in range(200)]
    predicted = [draw.choice([t, "a", "d", None]) for t in truth]
    groups = [k % 23 for k in range(200)] if by else None
    found = intervals(truth, predicted, groups=groups, draws=3000)
    for name, metric in {"WAR": metrics.war, "UAR": metrics.uar, "macro-F1": metrics.macro_f1}.items():
        rows = metrics.bootstrap(metric, truth, predicted, groups=groups, draws=1500)
        told = found[name]  # type: ignore[index]
        assert told.value == pytest.approx(rows.value)
        assert (told.low, told.high) == pytest.approx((rows.low, rows.high), abs=0.012)


def test_a_resample_without_a_class_is_not_averaged_over_it() -> None:
    counts = tables(["a", "b"], ["a", "a"])
    assert values(counts[0])["UAR"] == 1  # only class a
    assert values(counts[1])["UAR"] == 0
    assert values(counts.sum(0))["macro-F1"] == pytest.approx(metrics.macro_f1(["a", "b"], ["a", "a"]))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_a_group_that_fares_worse_is_found_and_small_ones_are_only_named() -> None:
    truth = TRUTH + ["a"] * 5
    groups = ["one"] * 150 + ["two"] * 150 + ["few"] * 5
    predicted = answers(TRUTH[:150], 0.9, 1) + answers(TRUTH[150:], 0.6, 2) + ["z"] * 5
    found = audit(truth, predicted, groups, draws=300)
    assert [g.group for g in found.judged] == ["two", "one"]
    assert found.judged[0].p < 0.05 and found.judged[0].error.value > 0.3 > found.judged[1].error.value
    assert found.too_small == {"few": 5}
    assert found.gap == pytest.approx(found.judged[0].error.value - found.judged[1].error.value)
    assert found.judged[0].rest == pytest.approx(found.judged[1].error.value)


def test_labels_spread_unevenly_are_no_fault() -> None:
    # All of group "two" carries the hard label; within a label both groups fare alike.
    truth = ["easy"] * 200 + ["hard"] * 200
    groups = ["one"] * 180 + ["two"] * 20 + ["one"] * 20 + ["two"] * 180
    predicted = answers(truth[:200], 0.95, 1) + answers(truth[200:], 0.5, 2)
    found = audit(truth, predicted, groups, draws=300, least=30)
    assert found.gap is not None and found.gap > 0.2
    assert all(g.p > 0.05 for g in found.judged)


def test_one_group_alone_is_not_judged() -> None:
    found = audit(["a"] * 40, ["a"] * 40, ["x"] * 40)
    assert found.judged == () and found.gap is None and found.too_small == {"x": 40}
