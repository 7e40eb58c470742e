"""Every row of `au_interactions.csv` is compiled or named as left out; every pattern can be true and can be false."""

from __future__ import annotations

import re

import pytest

from fervlm.facs import tables
from fervlm.reasoning import cues
from fervlm.reasoning.cues import CuePattern, compile_pattern, cue_patterns, fired_cues, interaction_kinds
from fervlm.reasoning.membership import Face, Slots, mask_of, read_face, units_of
from fervlm.reasoning.observe import Evidence, Unit
from fervlm.reasoning.prototypes import known_classes

LEFT_OUT = {"I56", "I57", "I58", "I59", "I60", "I61", "I63", "I64"}
NOT_IN_A_STILL = {"I18", "I19", "I48"}


def bare(present: int, absent: int = 0) -> Face:
    face = Face()
    face.present, face.firm, face.absent = present, present, absent
    face.measured = present | absent
    return face


def satisfying(pattern: CuePattern) -> Face:
    """The smallest face that makes a pattern true."""
    face = bare(pattern.must | mask_of([units_of(choice)[0] for choice in pattern.choices]), pattern.absent)
    for au, side in pattern.sides:
        if side == "one":
            face.one_sided |= 1 << au
        if side == "uneven":
            face.uneven |= 1 << au
        face.sided |= 1 << au
    for au, low, _ in pattern.levels:
        face.levels[au] = low
    return face


def test_every_row_is_compiled_or_named_as_left_out() -> None:
    compiled = {pattern.id for pattern in cue_patterns()}
    assert compiled | LEFT_OUT == set(interaction_kinds())
    assert not compiled & LEFT_OUT
    assert cues.__doc__ is not None
    for row in LEFT_OUT | NOT_IN_A_STILL:
        assert row in cues.__doc__


def test_rows_written_as_a_plain_sum_ask_for_exactly_its_aus() -> None:
    sums = {r["id"]: r["aus"] for r in tables.rows("au_interactions") if re.fullmatch(r"\d+(\+\d+)+", r["aus"])}
    assert len(sums) > 15
    for pattern in cue_patterns():
        if pattern.id in sums:
            wanted = mask_of([int(au) for au in sums[pattern.id].split("+")])
            assert pattern.must & wanted == wanted, pattern.id


@pytest.mark.parametrize("pattern", cue_patterns(), ids=lambda p: f"{p.id}-{p.specificity}")
def test_each_pattern_holds_on_its_smallest_face_and_on_nothing_less(pattern: CuePattern) -> None:
    face = satisfying(pattern)
    assert pattern.holds(face)
    assert pattern.id in {cue.id for cue in fired_cues(face)}
    assert set(pattern.rests_on(face.present)) == set(units_of(face.present))
    for au in units_of(face.present):
        less = satisfying(pattern)
        less.present &= ~(1 << au)
        less.firm &= ~(1 << au)
        assert not pattern.holds(less), au
    for au in units_of(pattern.absent):
        unknown = satisfying(pattern)
        unknown.absent &= ~(1 << au)
        assert not pattern.holds(unknown), f"AU{au} not measured is not absent"
    for au in units_of(pattern.unseen):
        more = satisfying(pattern)
        more.present |= 1 << au  # a trace is enough to be "not alone"
        assert not pattern.holds(more), au
    for au, _ in pattern.sides:
        unsided = satisfying(pattern)
        unsided.one_sided = unsided.sided = unsided.uneven = 0
        assert not pattern.holds(unsided), au
    for au, _, _ in pattern.levels:
        unlevelled = satisfying(pattern)
        unlevelled.levels.clear()
        assert not pattern.holds(unlevelled), au


def test_traces_and_disputed_readings_make_no_combination() -> None:
    for weak in (Unit(12, "present", level=1), Unit(12, "present", uncertain=True)):
        units = {6: Unit(6, "present", level=3), 12: weak, 17: Unit(17, "present", level=2)}
        face = read_face(Evidence(units, "high"), None, Slots())
        assert not {"I13", "I28"} & {cue.id for cue in fired_cues(face)}
    conflict = {24: Unit(24, "present", level=1), 25: Unit(25, "present", level=3)}
    assert "I47" in {cue.id for cue in fired_cues(read_face(Evidence(conflict, "high"), None, Slots()))}


def test_leanings_are_classes_of_the_tables() -> None:
    assert {lean for pattern in cue_patterns() for lean in pattern.leans} <= known_classes()


def test_rows_that_need_closed_eyes_stay_unknown_in_a_still() -> None:
    units = {au: Unit(au, "present") for au in (4, 6, 7, 9, 20, 27, 43)}
    face = read_face(Evidence(units, "high"), None, Slots())
    assert not NOT_IN_A_STILL & {cue.id for cue in fired_cues(face)}


@pytest.mark.parametrize("text", ["", "4+", "x", "4@maybe", "4>=F", "12=>A"])
def test_a_pattern_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no clause"):
        compile_pattern("I00", "synergy", text)
