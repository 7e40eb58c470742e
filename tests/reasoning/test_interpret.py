"""Interpretation: published prototypes rank first, three-valued evidence, levels, sides, interactions, masking."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fervlm.facs import label_set, label_set_from_words, label_set_names, tables
from fervlm.facs.labels import LabelSet
from fervlm.reasoning.findings import Candidate, Interpretation
from fervlm.reasoning.interpret import interpret, interpretation_key
from fervlm.reasoning.observe import Evidence, Unit, exclusive_pairs
from fervlm.reasoning.prototypes import BASIC, prototypes
from fervlm.records import AURecord, Detector, Gaze, Head, Quality, Source, Trust

HUMAN = (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27)
OPENFACE = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 28, 45)
BASIC8 = label_set("basic8")
CODE = re.compile(r"([LR]?)(\d+)([A-E]?)(\??)")


def face(codes: str, measured: tuple[int, ...] = HUMAN, trust: Trust = "high", sided: bool = False) -> Evidence:
    """Evidence from codes such as `1+4B+L14+12?` (`?`: the tool's readings disagree)."""
    units = {au: Unit(au, "absent") for au in measured}
    for code in filter(None, codes.split("+")):
        found = CODE.fullmatch(code)
        assert found is not None, code
        side, number, letter, disputed = found.groups()
        where = {"L": "left", "R": "right", "": "both" if sided else None}[side]
        level = " ABCDE".index(letter) if letter else None
        units[int(number)] = Unit(int(number), "present", where, level, uncertain=bool(disputed))  # type: ignore[arg-type]
    return Evidence(dict(sorted(units.items())), trust, exclusive_pairs(a for a, u in units.items() if u.present))


def record(head: Head | None = None, gaze: Gaze | None = None, quality: Quality | None = None) -> AURecord:
    return AURecord(
        id="r",
        source=Source(file="made.csv"),
        detector=Detector(name="made", trust="medium"),
        quality=quality or Quality(),
        head=head,
        gaze=gaze,
    )


def read(codes: str, labels: LabelSet = BASIC8, **how: object) -> Interpretation:
    return interpret(face(codes, **how), labels)  # type: ignore[arg-type]


def scored(found: Interpretation, label: str) -> Candidate:
    return next(c for c in found.candidates if c.label == label)


def fired(found: Interpretation) -> dict[str, tuple[int, ...]]:
    return {cue.id: cue.units for cue in found.cues}


def published() -> list[tuple[str, str, str]]:
    """(label, where from, codes) of every published basic prototype that presence alone can show."""
    rows: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in tables.rows("au_emotion"):
        if row["source"] in {"S20", "S21", "S23", "S26"} and row["role"] == "core" and row["canonical"] in BASIC:
            key = (row["canonical"], f"{row['source']} {row['variant']}", row["emotion"])
            letter = row["min_level"] or row["max_level"]
            side = "R" if row["side"] in {"right", "unilateral"} else ""
            rows.setdefault(key, {}).setdefault(row["alt_group"] or row["au"], f"{side}{row['au']}{letter}")
    return [(label, where, "+".join(codes.values())) for (label, where, _), codes in rows.items()]


@pytest.mark.parametrize(("label", "where", "codes"), published())
def test_every_published_prototype_ranks_its_own_expression_first(label: str, where: str, codes: str) -> None:
    if (label, where) == ("fear", "S21 variant-3"):
        codes = "1+2+5E"  # without a level, 1+2+5 is surprise or fear by both tables (I52)
    found = read(codes, label_set("ck_plus7"))  # without neutral: contempt's short row holds traces only
    assert found.candidates[0].label == label, [(c.label, c.score) for c in found.candidates[:3]]


def test_each_compound_of_du_et_al_ranks_first_among_the_compounds() -> None:
    rows: dict[str, list[str]] = {}
    for row in tables.rows("au_emotion"):
        if row["source"] == "S23" and "_" in row["canonical"] and row["role"] in {"core", "common"}:
            rows.setdefault(row["canonical"], []).append(row["au"])
    assert len(rows) == 12
    for canonical, aus in rows.items():
        best = read("+".join(aus), label_set("compound")).candidates[0]
        assert best.canonical == canonical


def test_anger_s_major_variants_lack_one_of_4_5_7_10() -> None:
    whole = scored(read("4+5+7+23"), "anger")
    variant = scored(read("4+7+23"), "anger")
    broken = scored(read("7+23"), "anger")
    assert whole.score > variant.score > broken.score + 0.2
    assert [p for p in prototypes("anger") if p.may_lack]


@pytest.mark.parametrize(
    ("codes", "best", "second"),
    [
        ("1+2+5B+25+26", "surprise", "fear"),
        ("1+2+5E+25", "fear", "surprise"),  # I11, I51: the level of 5 decides
        ("1+2+4+5+20+25", "fear", "surprise"),
        ("1+4+17", "sadness", "fear"),  # sadness without 15
        ("4+7+9+17", "disgust", "anger"),  # I10: 9 lowers the brow by itself
        ("4+7+17+23+24", "anger", "sadness"),
        ("6+12+25", "happiness", "neutral"),
    ],
)
def test_neighbours_are_told_apart(codes: str, best: str, second: str) -> None:
    found = read(codes)
    assert [c.label for c in found.candidates[:2]] == [best, second]


def test_not_measured_is_neither_present_nor_absent() -> None:
    seen, unseen = read("4+17"), read("4+17", measured=tuple(a for a in HUMAN if a not in {9, 10}))
    assert scored(seen, "disgust").core_absent == (9, 10)
    assert scored(seen, "disgust").core_not_measured == ()
    assert scored(unseen, "disgust").core_not_measured == (9, 10)
    assert scored(unseen, "disgust").core_absent == ()
    assert scored(unseen, "disgust").score > scored(seen, "disgust").score


def test_what_a_detector_cannot_see_supports_nothing_by_itself() -> None:
    eight = (1, 2, 4, 6, 9, 12, 25, 26)
    for candidate in read("", measured=eight).candidates:
        assert candidate.score == 0 or candidate.canonical == "neutral"
    assert scored(read("12", measured=eight), "anger").score == 0


def test_a_stronger_movement_supports_more() -> None:
    scores = [scored(read(f"12{level}"), "happiness").score for level in "ABCD"]
    assert scores == sorted(scores)
    assert scores[0] < 0.5 * scores[-1]
    assert read("12A").candidates[0].label == "neutral"


def test_disputed_readings_count_less() -> None:
    assert scored(read("6+12?"), "happiness").score < scored(read("6+12"), "happiness").score
    assert "uncertain" in read("6+12?").caveats


def test_blink_and_closed_eyes_are_not_interpreted_in_a_still() -> None:
    plain, blinking = read("1+4+15"), read("1+4+15+43+45")
    assert plain.candidates == blinking.candidates
    assert plain.cues == blinking.cues
    assert read("43+45").firm == ()
    asleep = label_set_from_words(("tired", "bored"))
    assert all(c.score == 0 for c in read("43+45", asleep).candidates)


def test_contempt_needs_a_side() -> None:
    one = scored(read("L14", measured=HUMAN, trust="medium", sided=True), "contempt")
    both = scored(read("14", measured=HUMAN, trust="medium", sided=True), "contempt")
    unknown = scored(read("14", trust="medium"), "contempt")
    assert one.score > unknown.score > both.score
    assert read("14", trust="medium").unsided_contempt
    assert not read("L14", trust="medium", sided=True).unsided_contempt


def test_head_codes_count_only_where_angles_were_measured() -> None:
    labels = label_set_from_words(("confused", "ashamed"))
    evidence = face("4+7", measured=OPENFACE, trust="medium")
    blind = interpret(evidence, labels, record())
    tilted = interpret(evidence, labels, record(Head(pitch=0, yaw=0, roll=20)))
    upright = interpret(evidence, labels, record(Head(pitch=0, yaw=0, roll=0)))
    assert "I62" not in fired(blind)
    assert fired(tilted)["I62"] == (55,)
    assert "I62" not in fired(upright)
    assert scored(blind, "ashamed").core_not_measured == (54,)
    assert scored(upright, "ashamed").core_absent == (17, 54)
    assert 55 in scored(tilted, "confused").units_for


def test_gaze_and_head_point_to_the_subject_s_own_sides() -> None:
    found = interpret(face("12"), label_set_from_words(("distracted",)), record(Head(yaw=20), Gaze(x=-20, y=20)))
    assert found.candidates[0].units_for == (51, 62, 64)


ANGLES = st.sampled_from((None, -45.0, -30.0, -29.9, -15.0, -14.9, 0.0, 5.0, 14.9, 15.0, 29.9, 30.0, 45.0))


@settings(max_examples=500, deadline=None)
@given(st.tuples(ANGLES, ANGLES, ANGLES), st.tuples(ANGLES, ANGLES, ANGLES))
def test_equal_keys_mean_equal_interpretations(one: tuple[float | None, ...], other: tuple[float | None, ...]) -> None:
    labels = label_set_from_words(("ashamed", "proud", "sad", "distracted"))
    evidence = face("1+4+15+17", measured=OPENFACE, trust="medium")
    records = [record(Head(pitch=a), Gaze(x=b, y=c)) for a, b, c in (one, other)]
    found = [interpret(evidence, labels, r) for r in records]
    if interpretation_key(evidence, labels, records[0]) == interpretation_key(evidence, labels, records[1]):
        assert found[0] == found[1]


def test_frames_with_slightly_different_angles_share_a_key() -> None:
    evidence = face("6+12")
    heads = [record(Head(pitch=1.5, yaw=-3.1, roll=4.0)), record(Head(pitch=2.5, yaw=-2.0, roll=9.0))]
    assert interpretation_key(evidence, BASIC8, heads[0]) == interpretation_key(evidence, BASIC8, heads[1])
    lowered = record(Head(pitch=20, yaw=-3.1, roll=4.0))
    assert interpretation_key(evidence, BASIC8, lowered) != interpretation_key(evidence, BASIC8, heads[0])


def test_unknown_words_are_listed_and_not_scored() -> None:
    found = interpret(face("6+12"), label_set_from_words(("happy", "jealous", "sad")))
    assert found.unknown_labels == ("jealous",)
    assert [c.label for c in found.candidates] == ["happy", "sad"]


def test_nothing_tracked_or_measured_gives_no_candidates() -> None:
    assert interpret(Evidence({}, "high", tracked=False), BASIC8).candidates == ()
    assert interpret(Evidence({}, "high"), BASIC8).candidates == ()


def test_caveats_follow_the_record() -> None:
    turned = Quality(pose="turned", occlusion=("mouth",))
    found = interpret(face("6+12+L25", trust="low"), BASIC8, record(quality=turned))
    assert {"low_trust", "pose", "occlusion"} <= set(found.caveats)
    assert "core_not_measured" in read("10", measured=(10, 12)).caveats
    assert "conflict" in read("24+25").caveats


# --- interactions ---------------------------------------------------------------------------------------------------


def test_smile_with_and_without_the_eyes() -> None:
    assert "I13" in fired(read("6+12"))
    assert "I14" in fired(read("12"))
    # Where 6 is not measured, "without 6" is unknown and must not be said.
    assert not {"I13", "I14"} & set(fired(read("12", measured=(4, 12, 25))))


def test_cues_ask_for_sides_and_levels_where_the_row_does() -> None:
    assert "I37" in fired(read("R14"))
    assert "I36" in fired(read("14", sided=True))
    assert not {"I36", "I37"} & set(fired(read("14")))
    assert "I15" in fired(read("6+12D"))
    assert "I15" not in fired(read("6+12C"))
    assert "I15" not in fired(read("6+12"))


def test_the_first_true_pattern_of_a_row_counts() -> None:
    leans = {cue.id: cue.leans for cue in read("4+10+7").cues}
    assert leans["I24"] == ("hatred", "angrily_disgusted")
    assert fired(read("4+10+7"))["I24"] == (4, 7, 10)
    assert {cue.id: cue.leans for cue in read("4+10").cues}["I24"] == ("angrily_disgusted",)


def test_brow_lowering_alone_is_no_anger() -> None:
    found = read("4")
    assert fired(found)["I06"] == (4,)
    assert scored(found, "anger").score < 0.3
    assert "I06" not in fired(read("4+23"))


def test_telling_cues_come_first() -> None:
    kinds = [cue.kind for cue in read("4+5+7+12+25").cues]
    assert kinds[0] == "masking"
    assert kinds[-1] == "ordinal"


def test_cues_rest_on_present_units_only() -> None:
    found = read("4+17+24")
    for cue in found.cues:
        assert set(cue.units) <= {4, 17, 24}
    assert fired(found)["I39"] == (17, 24)


# --- blends, masking, adjustments -----------------------------------------------------------------------------------


def test_smile_over_an_angry_upper_face_is_masking() -> None:
    found = read("4+5+7+12")
    assert found.masking is not None
    assert found.masking.id == "I31"
    assert (found.upper, found.lower) == ("anger", "happiness")


def test_upper_and_lower_face_may_point_apart_without_a_named_row() -> None:
    found = read("1+2+5+15+17")
    assert (found.upper, found.lower) == ("surprise", "sadness")
    assert found.masking is not None
    assert found.masking.id == "I57"
    assert read("4+5+7+23").masking is None
    assert read("1+2+5+12+25+26").masking is None  # a compound, not a mask: neither part contradicts the other


def test_traces_do_not_mask() -> None:
    assert read("4A+5A+7A+12D+6C").masking is None


def test_blend_names_two_labels_with_different_cores() -> None:
    found = read("4+7+10+17+23+24")
    assert found.blend == ("anger", "disgust")
    assert read("6+12").blend is None


def test_lifted_lip_in_laughter_is_not_disgust() -> None:
    assert scored(read("6+10+12+25"), "disgust").score < 0.5 * scored(read("6+10+25"), "disgust").score


def test_a_lowered_head_discounts_what_it_imitates() -> None:
    evidence = face("4+15", measured=OPENFACE, trust="medium")
    straight = interpret(evidence, BASIC8, record(Head(pitch=0, yaw=0, roll=0)))
    lowered = interpret(evidence, BASIC8, record(Head(pitch=35, yaw=0, roll=0)))
    assert scored(lowered, "sadness").score < scored(straight, "sadness").score


def test_the_weaker_of_an_exclusive_pair_is_dropped() -> None:
    with_pair, without = read("4+7+24C+25A"), read("4+7+24C")
    assert scored(with_pair, "anger").score == scored(without, "anger").score
    assert "I47" in fired(with_pair)


# --- properties -----------------------------------------------------------------------------------------------------

UNITS = st.builds(
    lambda au, present, side, level, disputed: Unit(
        au,
        "present" if present else "absent",
        side if present else None,
        level if present else None,
        uncertain=disputed and present,
    ),
    st.sampled_from((*HUMAN, 28, 43, 45, 54)),
    st.booleans(),
    st.sampled_from((None, "left", "right", "both")),
    st.sampled_from((None, 1, 2, 3, 4, 5)),
    st.booleans(),
)


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    units = {unit.au: unit for unit in draw(st.lists(UNITS, max_size=24))}
    conflicts = exclusive_pairs(au for au, unit in units.items() if unit.present)
    return Evidence(dict(sorted(units.items())), draw(st.sampled_from(("low", "medium", "high"))), conflicts)


@settings(max_examples=300, deadline=None)
@given(evidences(), st.sampled_from(label_set_names()))
def test_interpretation_says_nothing_that_was_not_measured(evidence: Evidence, name: str) -> None:
    labels = label_set(name)
    found = interpret(evidence, labels)
    present = {au for au, unit in evidence.units.items() if unit.present}
    if evidence.units:
        assert {c.label for c in found.candidates} | set(found.unknown_labels) == set(labels.labels)
    assert [c.score for c in found.candidates] == sorted((c.score for c in found.candidates), reverse=True)
    for candidate in found.candidates:
        assert 0 <= candidate.score <= 1
        assert set(candidate.units_for) <= present
        assert set(candidate.units_against) <= present
        assert not set(candidate.units_for) & set(candidate.units_against)
        assert not set(candidate.core_not_measured) & (set(evidence.units) - {43, 45})
        assert all(evidence.absent(au) for au in candidate.core_absent)
        if candidate.score and candidate.canonical != "neutral":
            assert candidate.units_for
    for cue in found.cues:
        assert set(cue.units) <= present
        assert cue.units
    assert set(found.firm) <= present - {43, 45}
    again = Evidence(dict(evidence.units), evidence.trust, evidence.conflicts)
    assert interpretation_key(again, labels) == interpretation_key(evidence, labels)
    assert interpret(again, labels) == found
