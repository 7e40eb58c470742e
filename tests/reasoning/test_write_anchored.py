"""The anchored view: the human label in overview and conclusion, observations and interpretation untouched."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from fervlm.facs import label_set
from fervlm.reasoning.conclude import conclude
from fervlm.reasoning.interpret import interpret
from fervlm.reasoning.observe import Evidence, observe
from fervlm.reasoning.write import anchored, write
from fervlm.records import AUReading, AURecord, Caption, Detector, Source

Faces = Callable[..., Iterator[AURecord]]

BASIC8 = label_set("basic8")


def blind(*aus: int, absent: tuple[int, ...] = ()) -> tuple[Caption, Evidence]:
    readings = [AUReading(au=au, state="present", scale="presence") for au in aus]
    readings += [AUReading(au=au, state="absent", scale="presence") for au in absent]
    record = AURecord(
        id="a", source=Source(file="f"), detector=Detector(name="d", trust="high"), readings=tuple(readings)
    )
    evidence = observe(record)
    interpretation = interpret(evidence, BASIC8, record)
    decision = conclude(evidence, interpretation, BASIC8)
    return write(record, evidence, interpretation, decision, labels=BASIC8), evidence


def test_observations_and_interpretation_are_untouched(faces: Faces) -> None:
    for number, record in enumerate(faces(300, 50)):
        evidence = observe(record)
        interpretation = interpret(evidence, BASIC8, record)
        decision = conclude(evidence, interpretation, BASIC8)
        caption = write(record, evidence, interpretation, decision, labels=BASIC8, seed=number)
        label = BASIC8.labels[number % len(BASIC8.labels)]
        bound = anchored(caption, label, evidence, BASIC8)
        assert bound.observations == caption.observations
        assert bound.interpretation == caption.interpretation
        assert bound.conclusion.label == label and bound.conclusion.abstain is None
        assert "nnotators" in bound.overview and "nnotators" in bound.conclusion.text
        assert bound.provenance is not None and bound.provenance.view == "anchored"
        assert caption.provenance is not None and caption.provenance.view == "blind"
        assert bound.overview.lower().endswith(caption.overview.lower())


def test_a_label_that_the_movements_bear_out() -> None:
    caption, evidence = blind(6, 12, 25)
    bound = anchored(caption, "happiness", evidence, BASIC8)
    assert "little support" not in bound.conclusion.text
    assert bound.conclusion.confidence == caption.conclusion.confidence
    assert bound.conclusion.alternatives[0].label == "happiness"


def test_a_label_that_the_movements_do_not_bear_out() -> None:
    caption, evidence = blind(6, 12, 25, absent=(1, 4, 5, 9, 15, 23))
    bound = anchored(caption, "anger", evidence, BASIC8)
    assert "little support" in bound.conclusion.text
    assert "happiness" in bound.conclusion.text
    assert bound.conclusion.confidence == "low"
    assert bound.conclusion.alternatives[0].label == "anger"


def test_a_label_outside_the_set_is_held_against_the_evidence_too() -> None:
    caption, evidence = blind(4, 6, 7, 9, 10)
    bound = anchored(caption, "pain", evidence, BASIC8)
    assert bound.conclusion.label == "pain"
    assert bound.conclusion.alternatives[0].label == "pain" and bound.conclusion.alternatives[0].units_for


def test_a_label_without_a_pattern() -> None:
    caption, evidence = blind(12)
    bound = anchored(caption, "sleepwalking", evidence, BASIC8)
    assert 'the label "sleepwalking"' in bound.conclusion.text
    assert "pattern" in bound.conclusion.text


def test_nothing_measured_supports_no_label() -> None:
    caption, evidence = blind()
    bound = anchored(caption, "fear", evidence, BASIC8)
    assert "nothing was measured" in bound.conclusion.text


@pytest.mark.parametrize("label", BASIC8.labels)
def test_the_same_label_and_evidence_give_the_same_words(label: str) -> None:
    caption, evidence = blind(1, 4, 15, 17)
    assert anchored(caption, label, evidence, BASIC8) == anchored(caption, label, evidence, BASIC8)
