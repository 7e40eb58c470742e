"""Labels in the user's words: which are scored, by what; averaging, calibration, and faces that fit none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from fervlm.contrastive.calibrate import calibration_error, fit_temperature, fit_unit, sigmoid, softmax
from fervlm.contrastive.unit_prompts import unit_texts
from fervlm.contrastive.unknown import Looks, make_rule, measure_unknown, strangeness, told_apart, unknown_score
from fervlm.contrastive.zero_shot import LabelTexts, ask, ask_all
from fervlm.errors import FervlmError

SEEN = frozenset(
    word
    for line in (
        "happy happiness sad sadness anger angry neutral an expression of a face that shows the is this consistent",
        "with shown one brow brows raised lips pressed together corners pulled up are lowered lower lids tightened lip",
        "and inner outer upper parted stretched sideways rest at there no movement it",
    )
    for word in line.split()
)


def unknown_words(text: str) -> Sequence[str]:
    return tuple(word for word in text.replace(",", " ").split() if word not in SEEN)


def knows(text: str) -> bool:
    return not unknown_words(text)


def encode(texts: Sequence[str]) -> np.ndarray:
    """A feature of its own for each text."""
    rows = [np.random.default_rng(sum(map(ord, text))).normal(size=16) for text in texts]
    return np.stack([row / np.linalg.norm(row) for row in rows]).astype(np.float32)


# ---- which words are scored, and by what


def test_word_seen_in_training_is_filled_into_the_prompts() -> None:
    asked = ask("Happy", unknown_words, ("names", "expressions"))
    assert asked.way == "words"
    assert "happy" in asked.texts
    assert "an expression of happy" in asked.texts
    assert asked.note is None


def test_word_never_seen_goes_through_the_tables_and_says_so() -> None:
    asked = ask("delighted", unknown_words)
    assert (asked.way, asked.canonical) == ("table", "happiness")
    assert "happiness" in asked.texts
    assert not [text for text in asked.texts if "delighted" in text]
    assert asked.note is not None and "delighted" in asked.note and "happiness" in asked.note


def test_class_without_a_known_name_goes_by_its_movements() -> None:
    asked = ask("in pain", unknown_words)
    assert (asked.way, asked.canonical) == ("movements", "pain")
    assert all("brows are lowered" in text for text in asked.texts)


@pytest.mark.parametrize("word", ["sceptical", "счастье", "怒り", "xyzzy"])
def test_unknown_word_is_named_and_not_scored(word: str) -> None:
    asked = ask(word, unknown_words)
    assert (asked.way, asked.texts) == ("unknown", ())
    assert asked.note is not None and word in asked.note and "not scored" in asked.note


def test_description_of_the_user_is_used() -> None:
    asked = ask("sceptical", unknown_words, description="One brow raised, lips pressed")
    assert (asked.way, asked.texts) == ("described", ("one brow raised, lips pressed",))


def test_description_in_other_words_is_read_into_movements() -> None:
    asked = ask("sceptical", unknown_words, description="eyebrows hoisted, mouth squeezed, lips pressed")
    assert asked.way == "described"
    assert asked.texts == ("the inner brows are raised, the outer brows are raised and the lips are pressed together",)
    assert asked.note is not None and "'hoisted'" in asked.note


def test_description_without_a_known_movement_is_not_scored() -> None:
    asked = ask("sceptical", unknown_words, description="crossed arms")
    assert asked.texts == ()
    assert asked.note is not None and "'crossed'" in asked.note


def test_units_set_describes_the_class_by_its_movements() -> None:
    texts = unit_texts("happiness", knows)
    assert "the lip corners are pulled up" in texts
    assert not [text for text in texts if "brow" in text]
    asked = ask("happy", unknown_words, ("units",))
    assert asked.texts == texts
    assert unit_texts("neutral", knows) == ("the face is at rest", "there is no movement of the face")


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([], "empty"),
        ([""], "empty"),
        (["happy", " "], "blank"),
        (["happy", "happy"], "twice"),
        ([f"w{i}" for i in range(10_000)], "10,000 labels"),
        (["x" * 500], "500 letters"),
        (["счастье", "怒り"], "knows none"),
    ],
)
def test_bad_lists_are_one_sentence(labels: list[str], sentence: str) -> None:
    with pytest.raises(FervlmError, match=sentence) as caught:
        ask_all(labels, unknown_words)
    assert len(str(caught.value)) < 300


def test_description_of_no_label_is_refused() -> None:
    with pytest.raises(FervlmError, match="none of the labels"):
        ask_all(["happy"], unknown_words, descriptions={"odd": "lips pressed"})


def test_unknown_prompt_set_is_refused() -> None:
    with pytest.raises(FervlmError, match="no prompt set 'poems'"):
        ask("happy", unknown_words, ("poems",))


# ---- averaging


def test_averagings_follow_their_formulas() -> None:
    asked = ask_all(["happy", "delighted", "xyzzy"], unknown_words)
    faces = encode(["one", "two", "three"])
    for label, one in zip(("happy", "delighted"), asked, strict=False):
        features = encode(one.texts)
        mean = features.mean(axis=0)
        by_feature = LabelTexts(asked, encode, "embeddings")
        by_logit = LabelTexts(asked, encode, "logits")
        column = by_feature.labels.index(label)
        assert by_feature.similarities(faces)[:, column] == pytest.approx(
            faces @ (mean / np.linalg.norm(mean)), abs=1e-6
        )
        assert by_logit.similarities(faces)[:, column] == pytest.approx((faces @ features.T).mean(axis=1), abs=1e-6)
    assert by_feature.labels == ("happy", "delighted")
    assert by_feature.probabilities(faces, 0.05).sum(axis=1) == pytest.approx(np.ones(3), abs=1e-6)


# ---- calibration


def made(count: int, temperature: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Similarities whose true temperature is known: labels are drawn from softmax(similarity / temperature)."""
    rng = np.random.default_rng(seed)
    similarities = rng.normal(scale=0.2, size=(count, 5))
    shares = softmax(similarities / temperature)
    return similarities, np.array([rng.choice(5, p=row) for row in shares])


def test_temperature_is_found_and_calibrates_other_faces() -> None:
    similarities, truth = made(4000, 0.1, 0)
    found = fit_temperature(similarities, truth)
    assert found == pytest.approx(0.1, rel=0.1)
    other, labels = made(4000, 0.1, 1)
    assert calibration_error(softmax(other / found), labels) < 0.03
    assert calibration_error(softmax(other / 0.01), labels) > 0.2


def test_calibration_error_of_a_known_case() -> None:
    sure = np.tile([0.9, 0.1], (10, 1))
    assert calibration_error(sure, np.array([0] * 6 + [1] * 4)) == pytest.approx(0.3)


def test_unit_line_and_threshold_are_found() -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(size=6000) * 3
    truth = rng.random(6000) < sigmoid(0.7 * logits - 1.0)
    fit = fit_unit(logits, truth)
    assert fit.slope == pytest.approx(0.7, abs=0.08)
    assert fit.offset == pytest.approx(-1.0, abs=0.12)
    called = sigmoid(fit.slope * logits + fit.offset) >= fit.threshold
    best = 2 * (called & truth).sum() / (called.sum() + truth.sum())
    for other in (0.2, 0.5, 0.7):
        also = sigmoid(fit.slope * logits + fit.offset) >= other
        assert best >= 2 * (also & truth).sum() / (also.sum() + truth.sum())


def test_head_that_tells_nothing_is_not_turned_round() -> None:
    rng = np.random.default_rng(4)
    logits = rng.normal(size=500)
    assert fit_unit(logits, logits + rng.normal(size=500) * 0.1 < 0).slope > 0


# ---- what fits no label


def looks(count: int, pull: float, noise: float, seed: int) -> Looks:
    """`pull`: similarity to the nearest label; `noise`: difference between the two looks."""
    rng = np.random.default_rng(seed)
    similarities = rng.normal(scale=0.05, size=(count, 4))
    similarities[np.arange(count), rng.integers(0, 4, count)] += pull
    other = similarities + rng.normal(scale=noise, size=similarities.shape)
    looked = rng.dirichlet(np.ones(9), size=(count, 3))
    turned = np.abs(looked + rng.normal(scale=noise / 2, size=looked.shape))
    return Looks(similarities, other, looked, turned / turned.sum(-1, keepdims=True))


def test_each_score_grows_with_strangeness() -> None:
    near, far = strangeness(looks(400, 0.5, 0.02, 0), 0.1), strangeness(looks(400, 0.1, 0.3, 1), 0.1)
    assert set(near) == {"probability", "energy", "distance", "flip", "attention"}
    for name in near:
        assert told_apart(near[name], far[name]).auroc > 0.6, name
    same = looks(5, 0.5, 0.0, 0)
    assert strangeness(same, 0.1)["flip"] == pytest.approx(np.zeros(5), abs=1e-6)


def test_auroc_and_fpr95_of_known_cases() -> None:
    known = np.arange(100.0)
    assert told_apart(known, known + 1000).auroc == 1.0
    assert told_apart(known, known + 1000).fpr95 == 0.0
    assert told_apart(known, known).auroc == pytest.approx(0.5)
    assert told_apart(known, known).fpr95 == pytest.approx(0.95)


def test_rule_is_measured_on_faces_it_was_not_chosen_on() -> None:
    known, strange = looks(600, 0.4, 0.05, 2), looks(600, 0.2, 0.15, 3)
    rule, numbers = measure_unknown(known, strange, 0.1)
    assert rule.auroc == numbers["+".join(rule.parts)].auroc
    assert rule.auroc > numbers["probability"].auroc - 0.02
    fresh = unknown_score(strangeness(looks(2000, 0.4, 0.05, 4), 0.1), rule)
    assert (fresh > rule.threshold).mean() == pytest.approx(0.05, abs=0.03)


def test_rule_of_one_part_keeps_its_order() -> None:
    parts = strangeness(looks(50, 0.4, 0.05, 5), 0.1)
    rule = make_rule(parts, ["energy"])
    assert np.array_equal(np.argsort(unknown_score(parts, rule)), np.argsort(parts["energy"]))
