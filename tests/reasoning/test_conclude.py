"""Conclusions: abstention with its reason, confidence, forced choice, own words, and the CK+ target."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fervlm.facs import LabelSet, canonical_label, label_set, label_set_from_words, label_set_names
from fervlm.facs.labels import near_synonyms, shade_of
from fervlm.reasoning.conclude import conclude
from fervlm.reasoning.findings import Decision
from fervlm.reasoning.interpret import interpret
from fervlm.reasoning.observe import Evidence, Unit, exclusive_pairs
from fervlm.reasoning.prototypes import known_classes
from fervlm.records import AURecord, Detector, Head, Quality, Source, Trust

HUMAN = (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27)
EIGHT = (1, 2, 4, 6, 9, 12, 25, 26)
CODE = re.compile(r"([LR]?)(\d+)([A-E]?)(\??)")
WORDS = ("low", "moderate", "high")
ROOT = Path(__file__).parents[2]


def face(codes: str, measured: tuple[int, ...] = HUMAN, trust: Trust = "high", sided: bool = False) -> Evidence:
    units = {au: Unit(au, "absent") for au in measured}
    for code in filter(None, codes.split("+")):
        found = CODE.fullmatch(code)
        assert found is not None, code
        side, number, letter, disputed = found.groups()
        where = {"L": "left", "R": "right", "": "both" if sided else None}[side]
        level = " ABCDE".index(letter) if letter else None
        units[int(number)] = Unit(int(number), "present", where, level, uncertain=bool(disputed))  # type: ignore[arg-type]
    return Evidence(dict(sorted(units.items())), trust, exclusive_pairs(a for a, u in units.items() if u.present))


def decide(
    codes: str, labels: str | tuple[str, ...] = "basic8", record: AURecord | None = None, **how: object
) -> Decision:
    chosen = label_set(labels) if isinstance(labels, str) else label_set_from_words(labels)
    evidence = face(codes, **how)  # type: ignore[arg-type]
    return conclude(evidence, interpret(evidence, chosen, record), chosen)


def record(quality: Quality | None = None, head: Head | None = None) -> AURecord:
    detector = Detector(name="made", trust="high")
    return AURecord(id="r", source=Source(file="made.csv"), detector=detector, quality=quality or Quality(), head=head)


# --- abstention -----------------------------------------------------------------------------------------------------


def test_no_tracking_and_no_measurement_are_said_apart() -> None:
    labels = label_set("basic8")
    for evidence, code in (
        (Evidence({}, "high", tracked=False), "not_tracked"),
        (Evidence({}, "high"), "nothing_measured"),
    ):
        decision = conclude(evidence, interpret(evidence, labels), labels)
        assert (decision.label, decision.abstain, decision.confidence) == (None, code, "low")
        assert decision.alternatives == ()
        assert decision.valence is None


@pytest.mark.parametrize("codes", ["4", "7", "14", "17", "25+26", "4+7", "4+17", "14+17+25"])
def test_ambiguous_units_alone_give_no_label(codes: str) -> None:
    decision = decide(codes)
    assert (decision.label, decision.abstain) == (None, "ambiguous")
    assert decision.valence is None


def test_ambiguous_units_may_complete_a_pattern_of_the_user_s_words() -> None:
    decision = decide("4+7", ("confused", "neutral", "bored"))
    assert (decision.label, decision.confidence) == ("confused", "low")
    assert "ambiguous" in decision.lowered_by
    # Frustration has no core to complete; two complete patterns cannot be told apart.
    assert decide("4+7", ("frustrated", "neutral")).abstain == "ambiguous"


def test_without_neutral_the_choice_is_forced_but_not_from_nothing() -> None:
    assert decide("", "ck_plus7").abstain == "no_core"
    assert decide("12A", "ck_plus7").abstain == "no_core"
    contempt = decide("14", "ck_plus7")
    assert (contempt.label, contempt.confidence) == ("contempt", "low")
    assert decide("17+24", "ck_plus7").label == "anger"
    assert decide("4", "ck_plus7").abstain == "ambiguous"  # anger and sadness alike


def test_units_that_belong_to_no_core() -> None:
    assert decide("18+22").label == "neutral"
    assert decide("18+22", "ck_plus7").abstain == "no_core"


def test_no_label_fits_where_the_face_shows_something_else() -> None:
    decision = decide("6+12+25", ("angry", "sad", "neutral"))
    assert (decision.label, decision.abstain) == (None, "no_label_fits")
    assert decision.valence is not None  # the face is clear enough, the labels are not
    assert decision.valence > 0.5
    assert decide("6+12+25", "compound").abstain == "no_label_fits"


def test_labels_that_cannot_be_told_apart_are_a_tie() -> None:
    decision = decide("4+10", ("appalled", "hatred"))
    assert decision.abstain == "tie"
    assert {c.label for c in decision.alternatives} == {"appalled", "hatred"}


# --- neutral --------------------------------------------------------------------------------------------------------


def test_neutral_is_nothing_at_b_or_above() -> None:
    assert (decide("").label, decide("").confidence) == ("neutral", "high")
    traces = decide("4A+12A+17A")
    assert (traces.label, traces.confidence) == ("neutral", "moderate")
    assert decide("12B").label == "happiness"
    assert decide("45+43").label == "neutral"


def test_neutral_needs_a_detector_that_can_see() -> None:
    decision = decide("", measured=EIGHT)
    assert (decision.label, decision.confidence) == ("neutral", "moderate")
    assert "core_not_measured" in decision.lowered_by
    assert 15 in decision.alternatives[0].core_not_measured


def test_a_tool_that_disagrees_with_itself_does_not_break_neutral() -> None:
    decision = decide("4?+5?+23?", trust="medium")
    assert decision.label == "neutral"
    assert "uncertain" in decision.lowered_by


# --- confidence -----------------------------------------------------------------------------------------------------


def test_confidence_follows_support() -> None:
    assert decide("6+12+25").confidence == "high"
    assert decide("12").confidence == "moderate"
    assert decide("1+4").confidence == "low"


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"trust": "low"}, "low_trust"),
        ({"record": record(Quality(pose="turned"))}, "pose"),
        ({"record": record(Quality(occlusion=("mouth",)))}, "occlusion"),
        ({"measured": tuple(a for a in HUMAN if a != 4)}, None),
    ],
)
def test_what_lowers_confidence_lowers_it_by_one_step_and_is_named(how: dict[str, object], code: str | None) -> None:
    plain, lowered = decide("6+12+25"), decide("6+12+25", **how)  # type: ignore[arg-type]
    assert lowered.label == plain.label
    if code is None:  # an AU that is no core of the label does not matter
        assert lowered.confidence == plain.confidence
    else:
        assert WORDS.index(lowered.confidence) == WORDS.index(plain.confidence) - 1
        assert code in lowered.lowered_by


def test_an_unmeasured_core_lowers_confidence() -> None:
    seen, unseen = decide("1+4+15+17"), decide("1+4+17", measured=tuple(a for a in HUMAN if a != 15))
    assert seen.confidence == "high"
    assert unseen.label == "sadness"
    assert "core_not_measured" in unseen.lowered_by
    assert unseen.alternatives[0].core_not_measured == (15,)


def test_lifted_lip_without_nose_wrinkle_is_medium_confidence_at_best() -> None:
    assert decide("10+17").confidence == "moderate"
    assert decide("9+17").confidence == "high"


def test_contempt_without_sides_is_capped_at_low() -> None:
    unsided = decide("12+14", "ck_plus7")
    assert (unsided.label, unsided.confidence) == ("contempt", "low")
    assert "sides" in unsided.lowered_by
    sided = decide("L12+L14", sided=True)
    assert sided.label == "contempt"
    assert sided.confidence != "low"
    assert decide("12+14", trust="medium").label == "happiness"  # a machine's dimpler in a smile


def test_a_blend_is_named_with_low_confidence() -> None:
    decision = decide("4+7+10+17+23+24")
    assert (decision.label, decision.confidence) == ("anger", "low")
    assert "blend" in decision.lowered_by
    assert decision.alternatives[1].label == "disgust"


def test_classes_without_a_validated_pattern_are_low() -> None:
    decision = decide("1+4", ("anxious", "happy"))
    assert decision.label == "anxious"
    assert decision.confidence == "low"
    assert "engineering" in decision.lowered_by


# --- words ----------------------------------------------------------------------------------------------------------


def test_near_synonyms_lead_to_known_classes_and_say_how_close() -> None:
    assert {shade.canonical for shade in near_synonyms().values()} <= known_classes()
    assert all(
        shade.relation in {"same", "near", "milder", "stronger"} and shade.note for shade in near_synonyms().values()
    )
    assert all(word == word.lower() for word in near_synonyms())


@pytest.mark.parametrize(
    ("word", "canonical", "relation"),
    [
        ("delighted", "happiness", "stronger"),
        ("Joyful", "happiness", "same"),
        ("furious", "anger", "stronger"),
        ("annoyed", "anger", "milder"),
        ("scared", "fear", "same"),
        ("worried", "anxiety", "near"),
        ("terrified", "fear", "stronger"),
        ("shocked", "surprise", "near"),
        ("astonished", "surprise", "stronger"),
        ("grossed-out", "disgust", "same"),
        ("bored", "boredom", "same"),
        ("tired", "fatigue", "same"),
        ("in pain", "pain", "same"),
        ("confused", "confusion", "same"),
        ("embarrassed", "embarrassment", "same"),
        ("ashamed", "shame", "same"),
        ("proud", "pride", "same"),
        ("amused", "amusement", "same"),
        ("Doubt/Confusion", "confusion", "near"),
    ],
)
def test_common_words_map(word: str, canonical: str, relation: str) -> None:
    assert canonical_label(word) == canonical
    assert shade_of(word) == relation


@pytest.mark.parametrize("word", ["sceptical", "jealous", "guilty", "in love", "thoughtful", "determined", "lonely"])
def test_words_without_a_pattern_stay_unknown(word: str) -> None:
    assert canonical_label(word) is None


def test_measured_strength_chooses_among_words_of_one_class() -> None:
    words = ("annoyed", "angry", "furious", "happy")
    assert decide("4E+7D+23D", words).label == "furious"
    assert decide("4B+7B+23B", words).label == "annoyed"
    assert decide("4C+7C+23C", words).label == "angry"
    assert decide("4+7+23", words).label == "angry"  # no strength was measured


def test_unknown_words_are_passed_on() -> None:
    decision = decide("6+12", ("happy", "jealous"))
    assert decision.label == "happy"
    assert decision.unknown_labels == ("jealous",)


def test_labels_come_back_as_written() -> None:
    assert decide("6+12", "affectnet8").label == "Happiness"
    assert decide("6+12", "raer").label == "Enjoyment"
    assert decide("1+2+5+12+25+26", "raf_db_compound").label == "Happily Surprised"
    assert decide("4+6+7+20+25", ("in pain", "disgusted")).label == "in pain"


# --- every set, any evidence ----------------------------------------------------------------------------------------

CODES = st.lists(
    st.tuples(
        st.sampled_from(("", "L", "R")),
        st.sampled_from((*HUMAN, 28, 43, 45)),
        st.sampled_from(("", "A", "B", "C", "D", "E")),
        st.sampled_from(("", "?")),
    ),
    max_size=9,
    unique_by=lambda code: code[1],
)


@settings(max_examples=300, deadline=None)
@given(CODES, st.sampled_from(label_set_names()), st.sampled_from(("low", "medium", "high")))
def test_a_decision_is_a_label_of_the_set_or_an_abstention(
    codes: list[tuple[str, int, str, str]], name: str, trust: Trust
) -> None:
    labels: LabelSet = label_set(name)
    decision = decide("+".join(f"{s}{au}{level}{d}" for s, au, level, d in codes), name, trust=trust)
    assert (decision.label is None) == (decision.abstain is not None)
    assert decision.confidence in WORDS
    assert len(decision.alternatives) <= 4
    if decision.label is not None:
        assert decision.label in labels.canonical
        assert decision.alternatives[0].label == decision.label
    else:
        assert decision.confidence == "low"
    assert (decision.valence is None) == (decision.affect_source is None)
    if trust == "low" and decision.label is not None:
        assert decision.confidence != "high"


# --- CK+ ------------------------------------------------------------------------------------------------------------


def test_ckplus_human_codes_reach_the_target() -> None:
    data = os.environ.get("FERVLM_DATA")
    if not data:
        pytest.skip("FERVLM_DATA is not set: no CK+ codes")
    command = [sys.executable, "-m", "eval.benchmarks.ckplus_facs", "--data", data, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["rows"] == 174
    assert figures["war"][0] >= 0.88
    assert figures["uar"][0] >= 0.85
    assert figures["war"][1] < figures["war"][0] < figures["war"][2]


def test_the_benchmark_says_where_data_are_missing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "eval.benchmarks.ckplus_facs", "--data", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no such file" in done.stderr
    assert "Traceback" not in done.stderr
