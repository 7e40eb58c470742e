from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fervlm.errors import FervlmError, ReadError
from fervlm.readers import read
from fervlm.reasoning.observe import observe
from fervlm.records import AUReading

Write = Callable[..., Path]


def test_a_sequence_with_blanks_two_faces_and_lost_frames(files: Path) -> None:
    first, second, lost, doubtful = read(files / "openface2.sequence.csv")
    assert [(r.frame, r.face_id, r.time_s, r.source.row) for r in (first, second, lost, doubtful)] == [
        (1, "0", 0.0, 2),
        (1, "1", 0.0, 3),
        (2, "0", 0.033, 4),
        (3, "0", 0.067, 5),
    ]
    assert (first.id, second.id) == ("openface2.sequence#1", "openface2.sequence#1/1")
    assert first.detector.name == "openface2"
    assert len(first.readings) == 35
    (strength, bit) = [r for r in first.readings if r.au == 12]
    assert (strength.state, strength.value, strength.scale, strength.threshold) == (
        "present",
        2.6,
        "intensity_0_5",
        1.0,
    )
    assert (bit.state, bit.value, bit.scale) == ("present", None, "presence")
    assert [(r.scale, r.state) for r in second.readings if r.au == 28] == [("presence", "present")]


def test_the_two_models_may_disagree(files: Path) -> None:
    first, second, *_ = read(files / "openface2.sequence.csv")
    assert [r.state for r in first.readings if r.au == 6] == ["present", "absent"]
    unit = observe(second).units[4]
    assert unit.present
    assert unit.uncertain


def test_rows_that_failed_say_nothing(files: Path) -> None:
    *_, lost, doubtful = read(files / "openface2.sequence.csv")
    for record in (lost, doubtful):
        assert record.quality.tracking == "failed"
        assert record.readings == ()
        assert record.head is None
        assert record.gaze is None
        assert record.box is None
    assert lost.quality.confidence == 0.03
    assert 16 in lost.not_measured
    assert [r.quality.tracking for r in read(files / "openface2.sequence.csv", min_confidence=0.4)][-1] == "ok"


def test_angles_are_degrees_of_the_subject(files: Path) -> None:
    first, second, *_ = read(files / "openface2.sequence.csv")
    assert first.head is not None
    assert (first.head.pitch, first.head.yaw, first.head.roll) == (5.73, -11.46, -5.73)
    assert first.gaze is not None
    assert (first.gaze.x, first.gaze.y) == (2.86, 11.46)
    assert first.quality.pose == "frontal"
    assert second.quality.pose == "extreme"


def test_box_and_landmarks(files: Path) -> None:
    plain = next(read(files / "openface2.sequence.csv"))
    assert plain.landmarks is None
    assert plain.box is not None
    assert (plain.box.x, plain.box.y, plain.box.width, plain.box.height) == (150.0, 120.5, 200.5, 279.5)
    asked = next(read(files / "openface2.sequence.csv", landmarks=True))
    assert asked.landmarks is not None
    assert (asked.landmarks.scheme, len(asked.landmarks.points)) == ("ibug68", 68)
    assert asked.landmarks.points[0][0] == 150.0
    assert asked.landmarks.points[8][1] == 400.0


def test_images_have_faces_and_no_frames(files: Path) -> None:
    first, second = read(files / "openface2.image.csv")
    assert (first.frame, first.time_s, first.face_id, second.face_id) == (None, None, "0", "1")
    assert first.id != second.id
    assert [(r.au, r.scale) for r in first.readings if r.state == "present"] == [
        (4, "intensity_0_5"),
        (4, "presence"),
        (7, "presence"),
    ]
    assert second.quality.tracking == "failed"


def test_facsvatar_cleaned_tables_are_scaled_back(files: Path) -> None:
    first, second = read(files / "facsvatar.cleaned.csv")
    assert first.detector.name == "facsvatar"
    assert [(r.au, r.value) for r in first.readings if r.state == "present"] == [(12, 3.41)]
    assert [(r.au, r.value) for r in second.readings if r.state == "present"] == [(4, 1.0)]
    assert max(r.value or 0 for r in read_as_openface(files)) < 1


def read_as_openface(files: Path) -> list[AUReading]:
    return [r for record in read(files / "facsvatar.cleaned.csv", "openface2") for r in record.readings]


def test_the_cleaned_header_with_openface_frames_is_openface(files: Path, write: Write) -> None:
    text = (files / "facsvatar.cleaned.csv").read_text("utf-8")
    header, *rows = text.splitlines()
    counted = [f"{k},{row.split(',', 1)[1]}" for k, row in enumerate(rows, 1)]
    assert next(read(write("own.csv", "\n".join([header, *counted])))).detector.name == "openface2"


def test_a_cleaned_table_above_its_scale_is_blamed(files: Path, write: Write) -> None:
    text = (files / "facsvatar.cleaned.csv").read_text("utf-8").replace("0.682", "1.682")
    with pytest.raises(ReadError, match=r"column AU12_r: .*outside the scale"):
        list(read(write("high.csv", text)))


def test_trimmed_files_keep_their_numbers(files: Path) -> None:
    first, _ = read(files / "openface2.cleaned.csv")
    assert first.frame == 0
    assert {r.scale for r in first.readings} == {"intensity_0_5"}
    assert 28 in first.not_measured
    assert first.readings[0].value == 2.1339999999999999


def test_facscsv_is_scaled_back_and_its_gaze_aus_are_dropped(files: Path) -> None:
    (record,) = read(files / "facsvatar.csv")
    assert record.detector.name == "facsvatar"
    assert [(r.au, r.value) for r in record.readings if r.state == "present"] == [(12, 2.5)]
    assert {r.au for r in record.readings}.isdisjoint(range(61, 65))


def test_what_openface_cannot_see_is_not_measured(files: Path) -> None:
    record = next(read(files / "openface2.sequence.csv"))
    assert {16, 18, 22, 24, 27, 43} <= set(record.not_measured)
    assert set(record.not_measured).isdisjoint(r.au for r in record.readings)


def _with(files: Path, write: Write, old: str, new: str) -> Path:
    text = (files / "openface2.cleaned.csv").read_text("utf-8-sig")
    assert old in text
    return write("bad.csv", text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "row", "column", "what"),
    [
        ("2.1339999999999999", "5.2", 2, "AU01_r", "outside the scale .*0 to 5"),
        ("2.1339999999999999", "-0.4", 2, "AU01_r", "outside the scale"),
        ("2.1339999999999999", "nan", 2, "AU01_r", "not a finite number"),
        ("2.1339999999999999", "inf", 2, "AU01_r", "not a finite number"),
        ("2.1339999999999999", "", 2, "AU01_r", "an empty cell is not a number"),
        ("2.1339999999999999", "two", 2, "AU01_r", "'two' is not a number"),
        ("1,0.04,", "-1,0.04,", 3, "frame", "not a whole number"),
        ("1,0.04,", "1,soon,", 3, "timestamp", "'soon' is not a number"),
        (",0.98,1,0,0,0,2", ",1.98,1,0,0,0,2", 2, "confidence", "not between 0 and 1"),
        (",0.98,1,0,0,0,2", ",0.98,1,0,70,0,2", 2, "pose_Ry", "no angle in radians"),
    ],
)
def test_bad_cells_are_named(files: Path, write: Write, old: str, new: str, row: int, column: str, what: str) -> None:
    path = _with(files, write, old, new)
    with pytest.raises(ReadError, match=what) as caught:
        list(read(path))
    assert (caught.value.file, caught.value.row, caught.value.column) == (str(path), row, column)


def test_a_bit_is_0_or_1(files: Path, write: Write) -> None:
    text = (files / "openface2.image.csv").read_text().replace("1.00, 0.00", "0.50, 0.00", 1)
    with pytest.raises(ReadError, match="neither 0 nor 1"):
        list(read(write("bad.csv", text)))


def test_good_rows_before_a_bad_one_come_out(files: Path, write: Write) -> None:
    records = read(_with(files, write, "1,0.04,", "1,soon,"))
    assert next(records).frame == 0
    with pytest.raises(ReadError):
        next(records)


def test_a_duplicated_column_is_refused(write: Write) -> None:
    path = write("twice.csv", "frame,confidence,AU01_r,AU01_r\n1,0.9,1,2\n")
    with pytest.raises(ReadError, match="two columns"):
        list(read(path))


def test_min_confidence_must_make_sense(files: Path) -> None:
    with pytest.raises(FervlmError, match="from 0 to 1"):
        list(read(files / "openface2.cleaned.csv", min_confidence=98))


def test_success_and_face_id_may_be_missing(write: Write) -> None:
    path = write("ravdess.csv", "frame,timestamp,confidence,AU04_r,AU04_c\n1,0.0,0.9,2.5,1.0\n2,0.03,0.2,0,0.0\n")
    good, failed = read(path)
    assert [r.state for r in good.readings] == ["present", "present"]
    assert failed.quality.tracking == "failed"
