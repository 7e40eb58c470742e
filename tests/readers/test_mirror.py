from __future__ import annotations

from pathlib import Path

from fervlm.readers import mirrored, read
from fervlm.reasoning.observe import observe


def test_sides_are_exchanged(files: Path) -> None:
    first, *_ = read(files / "facs_codes.lines.txt")
    turned = mirrored(first)
    assert observe(first).units[14].side == "left"
    assert observe(turned).units[14].side == "right"
    assert observe(turned).units[1].side == "both"
    assert [r for r in turned.readings if r.au == 25] == [r for r in first.readings if r.au == 25]


def test_head_and_gaze_are_turned(files: Path) -> None:
    first = next(read(files / "openface2.sequence.csv"))
    turned = mirrored(first)
    assert turned.head is not None
    assert (turned.head.pitch, turned.head.yaw, turned.head.roll) == (5.73, 11.46, 5.73)
    assert turned.gaze is not None
    assert (turned.gaze.x, turned.gaze.y) == (-2.86, 11.46)
    assert turned.box == first.box
    assert turned.id == first.id


def test_codes_that_name_a_side_by_number(files: Path) -> None:
    *_, speaking = read(files / "facs_codes.table.csv")
    assert 51 in {r.au for r in speaking.readings}
    assert {52} == {r.au for r in mirrored(speaking).readings if r.au > 46}


def test_twice_mirrored_is_the_same(files: Path) -> None:
    for name in (
        "openface2.sequence.csv",
        "facs_codes.lines.txt",
        "mediapipe.wide.csv",
        "expllm.json",
        "facs_table.csv",
    ):
        for record in read(files / name):
            assert mirrored(mirrored(record)) == record
