"""Explanations: denials are no mentions, sides and strengths are judged, counterfactuals are held to account."""

from __future__ import annotations

import pytest

from fervlm.facs import label_set
from fervlm.metrics.events import Span, iou, order_score, spotting_score, told_events
from fervlm.metrics.explanations import affirmed, checked, consistency, faithfulness, implied_label
from fervlm.metrics.follow_through import Trial, follow_through
from fervlm.records import AUReading, AURecord, Detector, Source

MEASURED = (1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 17, 20, 23, 25, 26)


def record(**levels: float) -> AURecord:
    """AU number -> left and right level, 0 to 5: `au12_left=3`; the rest is absent."""
    readings = []
    for au in MEASURED:
        for side in ("left", "right"):
            value = levels.get(f"au{au}_{side}", levels.get(f"au{au}", 0.0))
            state = "present" if value >= 1 else "absent"
            readings.append(AUReading(au=au, side=side, state=state, value=value, scale="intensity_0_5", threshold=1.0))
    return AURecord(
        id="x", source=Source(file="t"), detector=Detector(name="au_table", trust="high"), readings=tuple(readings)
    )


def test_a_denial_is_no_mention() -> None:
    found = checked("The lip corners are pulled up. The brows are not lowered.", record(au12=3, au6=2))
    assert (found.right, found.wrong, found.present) == (1, 0, 2)
    wrong = checked("The lip corners are pulled up. The brows are lowered.", record(au12=3, au6=2))
    assert (wrong.right, wrong.wrong, wrong.contradicted) == (1, 1, 1)


def test_sides_and_strengths_are_judged_where_the_evidence_has_them() -> None:
    one_sided = record(au12_left=3, au12_right=0)
    right = checked("The left lip corner is pulled up.", one_sided)
    wrong = checked("The right lip corner is pulled up.", one_sided)
    assert (right.side_claims, right.side_right) == (1, 1)
    assert (wrong.side_claims, wrong.side_right) == (1, 0)
    strong = record(au4=5)
    assert checked("The brows are strongly lowered.", strong).level_right == 1
    weak = checked("The brows are slightly lowered.", strong)
    assert (weak.level_claims, weak.level_right) == (1, 0)
    assert checked("The brows are slightly lowered.", record(au12=3)).level_claims == 0  # absent: no level to be right


def test_faithfulness_sums_before_it_divides() -> None:
    good = checked("The lip corners are pulled up and the cheeks are raised.", record(au12=3, au6=2))
    bad = checked("The brows are lowered.", record(au12=5))
    found = faithfulness([good, bad])
    assert found is not None
    assert (found.precision, found.recall) == pytest.approx((2 / 3, 2 / 3))
    assert found.f1 == pytest.approx(2 / 3)
    assert found.omission_rate == 1  # AU12 at level E is left out of the one text on a face with a strong AU
    assert found.contradiction_rate == 0.5
    assert found.side_agreement is None
    assert faithfulness([]) is None
    weak = faithfulness([good])
    assert weak is not None and weak.omission_rate is None  # nothing strong to leave out


def test_a_leak_is_an_emotion_word_among_observations() -> None:
    text = (
        "Key observations: The happy face shows raised lip corners.\nInterpretation: A smile.\nConclusion: happiness."
    )
    found = faithfulness([checked(text, record(au12=3))])
    assert found is not None and found.leak_rate == 1


def test_what_a_text_affirms_without_evidence() -> None:
    found = affirmed(
        "The inner brows are raised and the lip corners are pulled down; there is no smile. The conclusion is sadness."
    )
    assert found.aus == {1, 15} and 12 in found.denied and found.label == "sadness"


def test_the_label_that_an_explanation_implies() -> None:
    labels = label_set("basic8")
    assert implied_label({1, 4, 15}, labels, MEASURED) == "sadness"
    assert implied_label({6, 12}, labels, MEASURED) == "happiness"
    assert implied_label((), labels, MEASURED) == "neutral"


def test_consistency_by_hand() -> None:
    truth = ["a", "a", "b", "b"]
    predicted = ["a", "a", "b", "a"]
    implied = ["a", "b", None, "a"]
    found = consistency(truth, predicted, implied)
    assert found is not None
    assert found.explanation_accuracy == 1 / 4
    assert found.explanation_answer == 2 / 4
    assert found.both_right == 1 / 4
    assert found.right_reason == pytest.approx(1 / 3)  # three right answers, one for the right reason
    assert found.open == 1 / 4
    assert consistency([], [], []) is None


def trial(**given: object) -> Trial:
    base: dict[str, object] = {
        "au": 12, "appeared": False, "told_before": True, "told_after": False, "label_before": "happiness",
        "label_after": "neutral", "should_before": "happiness", "should_after": "neutral",
    }  # fmt: skip
    return Trial(**{**base, **given})  # type: ignore[arg-type]


def test_follow_through_tells_a_rationaliser() -> None:
    honest = follow_through([trial(), trial(au=1, should_after="happiness", label_after="happiness")])
    assert honest is not None
    assert (honest.sentence, honest.moved_when_due, honest.stayed_when_due) == (1, 1, 1)
    stuck = follow_through([trial(told_after=True, label_after="happiness"), trial(au=1)])
    assert stuck is not None
    assert stuck.sentence == 0.5 and stuck.moved_when_due == 0.5 and stuck.by_unit == {1: 1.0, 12: 0.0}
    jumpy = follow_through([trial(should_after="happiness")])
    assert jumpy is not None and jumpy.stayed_when_due == 0 and jumpy.moved_when_due is None


def test_follow_through_ignores_what_was_never_told_and_reads_numbers() -> None:
    unseen = follow_through([trial(told_before=False)])
    assert unseen is not None and unseen.sentence is None
    came = follow_through([trial(appeared=True, told_before=False, told_after=True, score_change=0.2)])
    assert came is not None and came.sentence == 1 and came.direction == 1
    wrong_way = follow_through([trial(score_change=0.2), trial(score_change=0.0)])
    assert wrong_way is not None and wrong_way.direction == 0


def test_events_are_read_in_the_order_they_are_told() -> None:
    told = told_events("The brows are raised (AU1, AU2), then the lip corners are pulled up. The jaw drops.")
    assert told == [{1, 2}, {12}, {26}]


def test_order_counts() -> None:
    one, two, three = (frozenset(s) for s in ({1, 2}, {12}, {26}))
    assert order_score([one, two, three], [one, two, three]).f1 == 1
    swapped = order_score([one, two, three], [three, two, one])
    assert swapped.hits == 1 and swapped.f1 == pytest.approx(2 / 6)
    assert order_score([one], [frozenset({1})]).hits == 1  # half of the union is enough
    assert order_score([one], [frozenset({1, 4, 5})]).hits == 0
    assert order_score([], []).f1 == 1


def test_spotting_by_hand() -> None:
    assert iou(Span(0, 10), Span(5, 15)) == pytest.approx(5 / 15)
    assert iou(Span(0, 1), Span(2, 3)) == 0
    wanted = [[Span(0, 10, "a"), Span(20, 30, "b")], [Span(0, 4)]]
    got = [[Span(1, 10, "a"), Span(0, 10, "a"), Span(20, 30, "a")], []]
    found = spotting_score(wanted, got)
    assert (found.hits, found.precision, found.recall) == (1, 1 / 3, 1 / 3)  # each span is used once, kinds must fit
