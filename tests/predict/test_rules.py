"""The rule backend: one record in, one checked prediction out, the same with and without a cache."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fervlm.errors import FervlmError
from fervlm.examples import recording
from fervlm.facs import label_set
from fervlm.predict.rules import Explainer, evidence_name, explain
from fervlm.readers import read
from fervlm.reasoning.observe import observe
from fervlm.reasoning.verify import Judge
from fervlm.records import AUReading, AURecord, Detector, Prediction, Quality, Source

LEVELS = {1: 2.2, 4: 3.1, 6: 2.0, 7: 1.7, 9: 1.2, 10: 1.1, 12: 0.2, 15: 2.0, 17: 1.6}


def record(values: dict[int, float] = LEVELS, number: int = 2, **fields: object) -> AURecord:
    readings = tuple(
        AUReading(
            au=au,
            state="present" if value >= 1 else "absent",
            value=value,
            scale="intensity_0_5",
            threshold=1.0,
        )
        for au, value in values.items()
    )
    given: dict[str, object] = {
        "id": f"clip#{number}",
        "source": Source(file="clip.csv", row=number),
        "detector": Detector(name="openface2", version="2.2.0", trust="medium"),
        "readings": readings,
        "face_id": "1",
        "frame": number,
    }
    return AURecord.model_validate({**given, **fields})


def test_a_prediction_carries_everything_of_its_record() -> None:
    made = explain(record())
    assert (made.id, made.face_id, made.frame, made.source.row) == ("clip#2", "1", 2, 2)
    assert made.evidence == record()
    assert made.caption is not None and made.label == made.caption.conclusion.label == "sadness"
    assert made.valence is not None and made.valence < 0 and made.arousal is not None and made.affect_source
    assert made.backend == "rules" and made.versions.detector == "2.2.0" and made.versions.engine.startswith("fervlm ")
    assert made.timing_ms is None and made.probabilities is None
    provenance = made.caption.provenance
    assert provenance is not None and provenance.detector == "openface2" and provenance.scales == ("intensity_0_5",)
    assert provenance.label_set == "basic8" and provenance.view == "blind"
    assert Prediction.model_validate_json(made.model_dump_json()) == made


def test_the_caption_is_verified_against_its_own_record() -> None:
    made = explain(record())
    assert made.verification is not None and made.verification.ok
    assert made.verification.scores.f1 == 1
    assert "clip.csv row 2" in made.verification.against and "OpenFace 2" in made.verification.against
    assert explain(record(), check=False).verification is None


def test_pain_comes_from_this_records_own_numbers() -> None:
    # Equal levels, so equal words; the score follows the values within the levels.
    explainer = Explainer(cache_size=10)
    low, high = explainer.explain(record({**LEVELS, 4: 2.6})), explainer.explain(record({**LEVELS, 4: 3.4}))
    assert low.caption == high.caption
    assert low.pain is not None and high.pain is not None and round(high.pain - low.pain, 6) == 0.8
    assert low.pain_ceiling == 15


def test_observe_only_gives_movements_and_nothing_derived_from_a_label() -> None:
    made = explain(record(), observe_only=True)
    assert made.label is None and made.caption is not None and made.caption.conclusion.abstain == "observe-only"
    assert made.valence is None and made.arousal is None and made.affect_source is None and made.pain is None
    assert made.verification is not None and made.verification.ok


def test_no_face_has_no_caption_and_a_lost_face_a_short_one() -> None:
    none = explain(record({}, quality=Quality(tracking="no_face")))
    assert none.caption is None and none.label is None and none.verification is None
    lost = explain(record({}, quality=Quality(tracking="failed")))
    assert lost.label is None and lost.caption is not None and lost.caption.conclusion.abstain == "not_tracked"
    assert lost.verification is not None and lost.verification.ok


@pytest.mark.parametrize("name", ["basic7", "compound", "affectnet8", "raer"])
def test_any_label_set_by_name(name: str) -> None:
    made = explain(record(), labels=name)
    assert made.label is None or made.label in label_set(name).labels


def test_an_unknown_label_set_is_one_sentence() -> None:
    with pytest.raises(FervlmError, match="no label set 'moods'"):
        explain(record(), labels="moods")


def stream(count: int) -> list[AURecord]:
    states = [{**LEVELS, 12: value, 1: 2.2 if value < 2 else 0.3} for value in (0.2, 1.2, 2.1, 3.3, 2.1, 1.2)]
    return [
        record(
            {au: value + 0.01 * (number % 7) for au, value in states[number % len(states)].items()},
            number,
            quality=Quality(confidence=0.9 + 0.01 * (number % 5), pose=(None, "turned")[number // 30 % 2]),
        )
        for number in range(2, count)
    ]


@pytest.mark.parametrize("observe_only", [False, True])
def test_a_cache_changes_nothing_but_speed(observe_only: bool) -> None:
    kept = Explainer("basic8", 3, observe_only, 8)
    bare = Explainer("basic8", 3, observe_only, 0)
    for item in stream(120):
        assert kept.explain(item) == bare.explain(item) == explain(item, seed=3, observe_only=observe_only)


def test_the_cache_is_bounded_and_keeps_what_was_used_last() -> None:
    explainer = Explainer(cache_size=2)
    items = [record({12: value}) for value in (1.2, 2.0, 3.0)]
    first = explainer.explain(items[0]).caption
    explainer.explain(items[1])
    assert explainer.explain(items[0]).caption is first
    explainer.explain(items[2])  # pushes out the second, not the first
    assert explainer.explain(items[0]).caption is first
    assert explainer.explain(items[2]).caption is not None
    assert len(explainer._kept) == 2


def test_equal_evidence_of_another_record_takes_the_kept_words_but_its_own_name() -> None:
    explainer = Explainer(cache_size=4)
    one, two = explainer.explain(record(number=2)), explainer.explain(record(number=9))
    assert one.caption is two.caption
    assert one.verification is not None and two.verification is not None
    assert one.verification.against.endswith("row 2") and two.verification.against.endswith("row 9")


def test_another_detector_or_pose_is_not_taken_for_equal() -> None:
    explainer = Explainer(cache_size=8)
    one = explainer.explain(record())
    other = explainer.explain(record(detector=Detector(name="libreface", trust="medium")))
    assert one.caption is not None and other.caption is not None
    assert other.caption.provenance != one.caption.provenance
    few = {6: 2.0, 12: 3.0, 4: 0.2}
    front, turned = explainer.explain(record(few)), explainer.explain(record(few, quality=Quality(pose="extreme")))
    assert front.caption is not None and turned.caption is not None
    assert "angle" not in front.caption.interpretation and turned.caption != front.caption


def test_a_judge_may_be_shared() -> None:
    judge = Judge(cache_size=100)
    assert explain(record(), judge=judge) == explain(record(), judge=judge) == explain(record())


def test_evidence_is_named_by_tool_file_and_row() -> None:
    assert evidence_name(record()).endswith("action units in clip.csv row 2")
    unknown = record(detector=Detector(name="mytool", trust="low"), source=Source(file="x.json"))
    assert evidence_name(unknown) == "mytool action units in x.json"


@pytest.mark.parametrize(
    "name",
    [
        "openface2/facsvatar_demo_raw.csv",
        "openface2/pyfeat_OpenFace_Test.csv",
        "pyfeat/v2_news_003.csv",
        "ckplus_facs_human/facs_codes.csv",
        "imotions_facet/iMotions_Test_v6.txt",
        "affectiva/sample_affectiva.json",
        "mediapipe/vsekai_image_blendshapes.json",
    ],
)
def test_real_files_are_explained_and_hold(name: str) -> None:
    data = os.environ.get("FERVLM_DATA")
    if not data:
        pytest.skip("FERVLM_DATA does not name the folder of real detector files")
    from fervlm.readers import read

    explainer = Explainer(cache_size=1000)
    for number, item in enumerate(read(Path(data) / "au" / name)):
        made = explainer.explain(item)
        present = {unit.au for unit in observe(item).active}
        if made.caption is not None:
            told = {mention.au for observation in made.caption.observations for mention in observation.units}
            assert told == present
            assert made.verification is not None and made.verification.ok, made.verification
        if number >= 150:
            break


def test_a_stream_reads_as_its_records_one_by_one_and_ends_where_reading_fails() -> None:
    records = list(read(recording()))[:40]

    def broken() -> Iterator[AURecord]:
        yield from records
        raise FervlmError("the file ends in the middle of a row")

    told: list[Prediction] = []
    with pytest.raises(FervlmError, match="in the middle of a row"):
        told.extend(Explainer(cache_size=8).explain_all(broken()))
    assert told == [Explainer().explain(record) for record in records]
