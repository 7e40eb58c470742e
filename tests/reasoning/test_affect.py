"""Valence and arousal from supports, and the PSPI with what it needs."""

from __future__ import annotations

import pytest

from fervlm.facs import label_set, label_set_from_words
from fervlm.reasoning.affect import CLASSES, class_values, pain_score, valence_arousal
from fervlm.reasoning.conclude import conclude
from fervlm.reasoning.findings import Decision
from fervlm.reasoning.interpret import interpret
from fervlm.reasoning.observe import observe
from fervlm.records import AUReading, AURecord, Detector, Scale, Source, Trust

PSPI = (4, 6, 7, 9, 10)


def made(
    values: dict[int, float],
    scale: Scale = "intensity_0_5",
    *,
    trust: Trust = "medium",
    more: tuple[AUReading, ...] = (),
) -> AURecord:
    readings = tuple(
        AUReading(au=au, state="present" if v >= 1 else "absent", value=v, scale=scale, threshold=1.0)
        for au, v in values.items()
    )
    detector = Detector(name="made", trust=trust)
    return AURecord(id="r", source=Source(file="made.csv"), detector=detector, readings=readings + more)


def decided(record: AURecord, labels: str = "basic8") -> Decision:
    chosen, evidence = label_set(labels), observe(record)
    return conclude(evidence, interpret(evidence, chosen, record), chosen)


def support(**classes: float) -> tuple[float, ...]:
    return tuple(classes.get(name, 0.0) for name in CLASSES)


def test_every_basic_class_has_values() -> None:
    assert set(CLASSES) <= set(class_values())
    assert all(-1 <= v <= 1 and -1 <= a <= 1 for v, a in class_values().values())


def test_one_class_gives_its_own_values() -> None:
    assert valence_arousal(support(happiness=0.8)) == class_values()["happiness"]
    assert valence_arousal(support(sadness=0.2)) == class_values()["sadness"]


def test_two_classes_are_weighted_by_squared_support_and_weak_ones_do_not_count() -> None:
    (hv, ha), (sv, sa) = class_values()["happiness"], class_values()["surprise"]
    found = valence_arousal(support(happiness=0.8, surprise=0.6, fear=0.3))
    assert found == pytest.approx(((0.64 * hv + 0.36 * sv), (0.64 * ha + 0.36 * sa)), abs=1e-3)


def test_nothing_supported_gives_no_estimate() -> None:
    assert valence_arousal(support()) is None


def test_affect_does_not_depend_on_the_label_set() -> None:
    record = made({4: 3.2, 7: 2.6, 23: 3.0, 12: 0.0})
    evidence = observe(record)
    words = label_set_from_words(("bored", "furious"))
    found = interpret(evidence, words, record).affect
    assert found == interpret(evidence, label_set("basic8"), record).affect
    assert found is not None
    assert found[0] < -0.4
    assert found[1] > 0.4


def test_affect_has_a_source_and_is_null_without_evidence() -> None:
    smile = decided(made({6: 2.5, 12: 3.5, 25: 2.0, 4: 0.0}))
    assert smile.valence is not None
    assert smile.valence > 0.5
    assert smile.affect_source is not None
    assert "Russell" in smile.affect_source
    frown = decided(made({4: 3.0, 12: 0.0, 9: 0.0}))
    assert frown.abstain == "ambiguous"
    assert (frown.valence, frown.arousal, frown.affect_source) == (None, None, None)


def test_pspi_is_its_published_formula() -> None:
    record = made({4: 3.0, 6: 2.0, 7: 4.0, 9: 1.0, 10: 2.5})
    found = pain_score(record)
    assert found.score == 3.0 + 4.0 + 2.5
    assert (found.ceiling, found.missing) == (15.0, (43,))


def test_closed_eyes_join_the_pspi_where_measured() -> None:
    closed = AUReading(au=43, state="present", scale="presence")
    found = pain_score(made({4: 1.0, 6: 1.0, 7: 0.0, 9: 0.0, 10: 1.0}, more=(closed,)))
    assert (found.score, found.ceiling, found.missing) == (4.0, 16.0, ())


def test_values_below_presence_count_nothing() -> None:
    assert pain_score(made(dict.fromkeys(PSPI, 0.9))).score == 0.0


@pytest.mark.parametrize("scale", ["probability", "score", "coefficient"])
def test_no_pain_score_without_true_intensities(scale: Scale) -> None:
    found = pain_score(made(dict.fromkeys(PSPI, 1.0), scale))
    assert (found.score, found.ceiling) == (None, None)
    assert found.missing == (*PSPI, 43)


def test_a_missing_au_is_named() -> None:
    found = pain_score(made({4: 2.0, 6: 2.0, 9: 2.0}))
    assert (found.score, found.missing) == (None, (7, 10, 43))
    presence = AUReading(au=7, state="absent", scale="presence")
    assert pain_score(made({4: 2.0, 6: 2.0, 9: 2.0, 10: 0.0}, more=(presence,))).missing == (7, 43)


def test_what_a_human_coder_did_not_see_is_a_true_zero() -> None:
    presence = tuple(AUReading(au=au, state="absent", scale="presence") for au in (7, 9, 43))
    found = pain_score(made({4: 3.0, 6: 2.0, 10: 2.0}, trust="high", more=presence))
    assert (found.score, found.ceiling) == (7.0, 16.0)
    unlevelled = AUReading(au=7, state="present", scale="presence")
    assert pain_score(made({4: 3.0, 6: 2.0, 9: 0.0, 10: 2.0}, trust="high", more=(unlevelled,))).score is None


def test_a_laughing_face_is_marked_as_no_pain() -> None:
    laugh = decided(made({4: 0.0, 6: 4.0, 7: 3.0, 9: 0.0, 10: 3.0, 12: 4.5, 25: 4.0}))
    assert laugh.pain == 7.0
    assert laugh.pain_ceiling == 15.0
    assert laugh.pain_smile
    hurt = decided(made({4: 4.0, 6: 4.0, 7: 3.0, 9: 0.0, 10: 3.0, 12: 0.0, 25: 4.0}))
    assert hurt.pain == 11.0
    assert not hurt.pain_smile
