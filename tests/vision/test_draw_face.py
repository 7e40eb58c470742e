"""The drawn face: what moves, what is shaded, and on which side."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from fervlm.facs.units import movement_units
from fervlm.reasoning.observe import Level, observe
from fervlm.records import AURecord
from fervlm.vision import palette
from fervlm.vision.draw_face import WIDTH, drawing_of, face_svg
from fervlm.vision.draw_marks import Mark, marks_of
from fervlm.vision.draw_muscles import MUSCLES
from fervlm.vision.draw_shape import Shape, shape_of

MakeRecord = Callable[..., AURecord]
Look = Callable[[str], Any]

MIDDLE = WIDTH / 2


def svg_of(record: AURecord, *, mirrored: bool = False, uid: str = "f") -> str:
    return face_svg(observe(record), record, mirrored=mirrored, uid=uid)


def at_rest() -> Shape:
    return shape_of({})


def with_units(*marks: Mark, left: bool = True) -> Shape:
    return shape_of({mark.au: mark for mark in marks}, left=left)


def test_every_movement_unit_has_a_muscle_and_can_be_drawn(record: MakeRecord, look: Look) -> None:
    for au in movement_units():
        assert au in MUSCLES, au
        drawing = look(svg_of(record({au: 4})))
        assert len(drawing.muscles(au)) == 2, au
        assert f"AU {au}" in drawing.text


def test_the_subjects_left_is_on_the_viewers_right(record: MakeRecord, look: Look) -> None:
    drawing = look(svg_of(record({12: (4, 0)})))
    (muscle,) = drawing.muscles(12)
    assert drawing.middle(muscle)[0] > MIDDLE + 30
    assert drawing.text.index("subject's right") < drawing.text.index("subject's left")
    assert "left: D, strong" in drawing.text


def test_a_mirrored_face_swaps_drawing_and_captions_but_not_the_named_side(record: MakeRecord, look: Look) -> None:
    plain, mirrored = (look(svg_of(record({12: (4, 0)}), mirrored=m)) for m in (False, True))
    x, y = plain.middle(plain.muscles(12)[0])
    mx, my = mirrored.middle(mirrored.muscles(12)[0])
    assert mx == pytest.approx(2 * MIDDLE - x, abs=0.2)
    assert my == pytest.approx(y, abs=0.2)
    assert mirrored.text.index("subject's left") < mirrored.text.index("subject's right")
    assert "left: D, strong" in mirrored.text
    assert "mirrored picture" in mirrored.text
    assert "mirrored picture" not in plain.text


def test_only_the_side_with_the_unit_moves(record: MakeRecord) -> None:
    drawing = drawing_of(observe(r := record({12: (4, 0)})), r)
    left, right = (drawing.by_hand[hand].shape.lips.corner for hand in ("left", "right"))
    assert left[1] < right[1] - 5
    assert right == at_rest().lips.corner


def test_colour_follows_the_level_of_each_side(record: MakeRecord, look: Look) -> None:
    drawing = look(svg_of(record({12: (5, 2)})))
    by_side = {drawing.middle(m)[0] > MIDDLE: m.find("{*}path").attrib["fill"] for m in drawing.muscles(12)}
    assert by_side == {True: palette.LEVELS[4], False: palette.LEVELS[1]}


def test_a_label_for_both_sides_names_none(record: MakeRecord, look: Look) -> None:
    drawing = look(svg_of(record({12: (3, 3)})))
    assert drawing.text.count("AU 12") == 1
    assert "left:" not in drawing.text
    assert "right:" not in drawing.text


def test_presence_only_is_drawn_in_another_style_and_without_a_strength_word(record: MakeRecord, look: Look) -> None:
    drawing = look(svg_of(record({12: 4, 6: 4}, scale="probability")))
    outline = drawing.muscles(12)[0].find("{*}path")
    assert outline.attrib["fill"] == palette.PRESENCE_FILL
    assert "stroke-dasharray" in outline.attrib
    assert "strength not known" in drawing.text
    for word in ("strong", "marked", "slight", "maximum"):
        assert word not in drawing.text


def test_strength_and_presence_are_both_explained_where_both_occur(record: MakeRecord, look: Look) -> None:
    probable = record({1: 4}, scale="probability").readings
    mixed = record({12: 4})
    drawing = look(svg_of(mixed.model_copy(update={"readings": (*mixed.readings, *probable)})))
    assert "D strong" in drawing.text
    assert "strength not known" in drawing.text


def test_the_weaker_side_has_no_level_where_only_the_evidence_is_known(record: MakeRecord) -> None:
    given = record({12: (5, 2)})
    alone, with_record = marks_of(observe(given)), marks_of(observe(given), given)
    assert (alone.left[12].level, alone.right[12].level) == (5, None)
    assert (with_record.left[12].level, with_record.right[12].level) == (5, 2)


def test_disagreeing_readings_are_marked(record: MakeRecord, look: Look) -> None:
    given = record({12: 4})
    doubt = record({12: 0}, scale="presence").readings
    drawing = look(svg_of(given.model_copy(update={"readings": (*given.readings, *doubt)})))
    assert "D, readings disagree" in drawing.text


@pytest.mark.parametrize("au", [1, 2, 5, 6, 7, 10, 12, 15, 16, 17, 18, 20, 22, 23, 24, 25, 26, 27, 28, 43])
def test_a_higher_level_moves_the_face_further(au: int) -> None:
    def travel(level: Level) -> float:
        moved, rest = with_units(Mark(au, level)), at_rest()
        lines = ((s.brow, s.upper_lid, s.lower_lid, s.lips.top, s.lips.bottom, s.head) for s in (moved, rest))
        pairs = (pair for one, still in zip(*lines, strict=True) for pair in zip(one, still, strict=True))
        return float(sum(abs(p[0] - q[0]) + abs(p[1] - q[1]) for p, q in pairs))

    levels: tuple[Level, ...] = (1, 2, 3, 4, 5)
    steps = [travel(level) for level in levels]
    assert steps[0] > 0.5
    assert all(b > a for a, b in pairwise(steps))


def test_features_move_the_way_the_units_say() -> None:
    rest = at_rest()
    assert with_units(Mark(1, 4)).brow[0][1] < rest.brow[0][1] - 10  # inner end up
    assert with_units(Mark(2, 4)).brow[2][1] < rest.brow[2][1] - 10  # outer part up
    frown = with_units(Mark(4, 4)).brow[0]
    assert frown[1] > rest.brow[0][1] + 5 and frown[0] < rest.brow[0][0] - 4  # down and together
    assert with_units(Mark(5, 4)).upper_lid[2][1] < rest.upper_lid[2][1] - 4
    assert with_units(Mark(7, 4)).lower_lid[2][1] < rest.lower_lid[2][1] - 3
    shut = with_units(Mark(43, 5))
    assert all(abs(u[1] - w[1]) < 1 for u, w in zip(shut.upper_lid, shut.lower_lid, strict=True))
    assert with_units(Mark(15, 4)).lips.corner[1] > rest.lips.corner[1] + 6
    assert with_units(Mark(20, 4)).lips.corner[0] > rest.lips.corner[0] + 6
    assert with_units(Mark(18, 4)).lips.corner[0] < rest.lips.corner[0] - 8
    assert with_units(Mark(26, 4)).head[-1][1] > rest.head[-1][1] + 10
    assert with_units(Mark(61, 3), left=True).iris[0] > rest.iris[0]
    assert with_units(Mark(61, 3), left=False).iris[0] < rest.iris[0]


def test_lips_stay_closed_where_the_detector_says_so(record: MakeRecord) -> None:
    def gap(units: dict[int, int]) -> tuple[float, float]:
        drawing = drawing_of(observe(r := record(units)), r)
        lips = drawing.by_hand["left"].shape.lips
        return lips.lower_edge[0][1] - lips.upper_edge[0][1], drawing.by_hand["left"].shape.jaw

    opened, closed = gap({26: 4, 25: 3}), gap({26: 4, 25: 0})
    assert opened[0] > 10
    assert closed[0] == 0
    assert closed[1] == opened[1] > 10


def test_the_jaw_moves_sideways_only_to_a_measured_side(record: MakeRecord) -> None:
    def chin(units: dict[int, Any]) -> float:
        drawing = drawing_of(observe(r := record(units)), r)
        half = drawing.by_hand["left"]
        return half.placing(half.shape.head[-1])[0]

    still = chin({12: 2})
    assert chin({30: (4, 0)}) > still + 5
    assert chin({30: (0, 4)}) < still - 5
    assert chin({30: 4}) == pytest.approx(still)


def test_what_was_not_measured_is_listed_and_rests(record: MakeRecord, look: Look) -> None:
    drawing = look(svg_of(record({12: 4, 4: 0})))
    notes = drawing.text[drawing.text.index("Not measured") :]
    assert " 6," in notes
    assert " 12," not in notes and " 4," not in notes
    assert drawing.muscles(4) == []


def test_nothing_present_and_no_face_are_said(record: MakeRecord, untracked: AURecord, look: Look) -> None:
    assert "No action unit is present among those measured" in look(svg_of(record({12: 0, 4: 0}))).text
    assert "No face was tracked" in look(svg_of(untracked)).text


def test_labels_do_not_overlap_even_for_every_unit_at_once(record: MakeRecord, look: Look) -> None:
    units = {au: 1 + au % 5 for au in movement_units() if au not in {42, 44}}
    drawing = look(svg_of(record(units)))
    rows: dict[str, list[float]] = {}
    for label in drawing.groups("fv-label"):
        box = label.find("{*}rect")
        rows.setdefault(box.attrib["x"], []).append(float(box.attrib["y"]))
    assert sum(map(len, rows.values())) == len(units)
    for ys in rows.values():
        assert all(b - a >= 18 for a, b in pairwise(sorted(ys)))
        assert min(ys) >= 0 and max(ys) < 500


def test_ids_carry_the_prefix_so_that_drawings_can_share_a_page(record: MakeRecord, look: Look) -> None:
    drawing = look(svg_of(record({12: 4, 25: 3, 26: 3}), uid="abc"))
    ids = [node.attrib["id"] for node in drawing.root.iter() if "id" in node.attrib]
    assert ids and all(name.startswith("abc") for name in ids)
    assert len(ids) == len(set(ids))


def test_one_muscle_is_shaded_once_at_its_strongest_unit(record: MakeRecord, look: Look) -> None:
    drawing = look(svg_of(record({23: 2, 24: 5})))
    assert len(drawing.muscles(23)) == len(drawing.muscles(24)) == 2
    assert drawing.muscles(23)[0] is drawing.muscles(24)[0]
    assert drawing.muscles(23)[0].find("{*}path").attrib["fill"] == palette.LEVELS[4]


def test_the_drawing_says_in_words_what_it_shows(record: MakeRecord, look: Look) -> None:
    title = look(svg_of(record({14: (0, 3), 12: 2}))).root.attrib["aria-label"]
    assert "AU 12 Lip corner puller (B, slight)" in title
    assert "AU 14 Dimpler (C, marked) on the subject's right" in title
