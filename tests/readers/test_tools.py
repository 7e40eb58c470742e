"""One file of each further tool: the values that a wrong reading would change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fervlm.errors import FervlmError, ReadError
from fervlm.readers import read
from fervlm.reasoning.observe import observe
from fervlm.records import AURecord

Write = Callable[..., Path]


def present(record: AURecord) -> list[tuple[int, str | None]]:
    return [(r.au, r.side) for r in record.readings if r.state == "present"]


def test_openface3_printed_tensors(files: Path) -> None:
    first, second, none = read(files / "openface3.tensor.csv")
    assert present(first) == [(6, None), (12, None), (25, None)]
    assert present(second) == [(1, None)]
    assert {r.scale for r in first.readings} == {"score"}
    assert [r.threshold for r in first.readings] == [0.5] * 8
    assert none.quality.tracking == "no_face"
    assert {5, 7, 15, 17, 20, 23, 24} <= set(first.not_measured)
    assert first.id == first.picture == "faces/a.jpg"


def test_openface3_order_can_be_stated(files: Path) -> None:
    record = next(read(files / "openface3.tensor.csv", au_order=(1, 6, 12, 15, 17, 2, 9, 10)))
    assert present(record) == [(15, None), (2, None), (9, None)]
    assert 25 in record.not_measured


def test_openface3_running_numbers_are_no_facs_numbers(files: Path) -> None:
    path = files / "openface3.running.csv"
    with pytest.raises(ReadError, match="running numbers, not FACS numbers"):
        list(read(path))
    (record,) = read(path, "openface3:au_order=1-2-4-6-9-12-25-26")
    assert present(record) == [(9, None), (12, None), (25, None), (26, None)]
    for wrong in ("1-2-4", "1-1-4-6-9-12-25-26", "1-2-4-6-9-12-25-99", "a-b-c-d-e-f-g-h"):
        with pytest.raises(FervlmError, match="au_order"):
            list(read(path, au_order=wrong))


def test_openface3_named_columns(files: Path) -> None:
    first, none = read(files / "openface3.named.csv")
    assert present(first) == [(6, None), (12, None), (25, None)]
    assert (first.frame, first.time_s, first.quality.confidence) == (0, 0.0, 0.97)
    assert none.quality.tracking == "no_face"


def test_pyfeat_probabilities_and_several_faces(files: Path) -> None:
    first, second, none, last = read(files / "pyfeat.csv")
    assert present(first) == [(6, None), (12, None)]
    assert {(r.scale, r.threshold) for r in first.readings} == {("probability", 0.5)}
    assert [(r.face_id, r.frame) for r in (first, second, none, last)] == [("0", 0), ("1", 0), ("0", 1), ("0", 2)]
    assert len({r.id for r in (first, second, none, last)}) == 4
    assert none.quality.tracking == "no_face"
    assert none.readings == ()
    assert present(last) == []
    assert first.dataset_label is None
    assert first.box is not None
    assert first.box.width == 200
    assert observe(first).units[12].confident
    assert not observe(first).units[6].confident


def test_pyfeat_angles_by_version(files: Path) -> None:
    old = next(read(files / "pyfeat.csv", fps=25))
    assert old.head is not None
    assert (old.head.pitch, old.head.yaw, old.head.roll) == (4.5, None, 3.0)
    assert old.time_s == 0.0
    (new,) = read(files / "pyfeat2.csv")
    assert new.head is not None
    assert (new.head.pitch, new.head.yaw, new.head.roll) == (5.73, 11.46, -2.86)
    assert new.detector.name == "pyfeat2"
    assert present(new) == [(12, None)]


def test_pyfeat_faces_with_and_without_values(files: Path, write: Write) -> None:
    lines = (files / "pyfeat.csv").read_text().splitlines()
    names = lines[0].split(",")
    cells = lines[1].split(",")
    for name in names:
        if name.startswith("AU"):
            cells[names.index(name)] = "nan"
    (failed,) = read(write("failed.csv", f"{lines[0]}\n{','.join(cells)}\n"))
    assert failed.quality.tracking == "failed"
    cells[names.index("AU12")] = "0.5"
    with pytest.raises(ReadError, match="AU01: 'nan' is not a finite number"):
        list(read(write("partial.csv", f"{lines[0]}\n{','.join(cells)}\n")))


def test_libreface_two_heads_and_clipping(files: Path) -> None:
    first, second = read(files / "libreface.csv")
    assert [(r.scale, r.value) for r in first.readings if r.au == 12] == [("presence", None), ("intensity_0_5", 5.0)]
    assert [r.value for r in first.readings if r.au == 1] == [None, 0.0]
    assert [r.scale for r in first.readings if r.au == 7] == ["presence"]
    assert [r.scale for r in first.readings if r.au == 25] == ["intensity_0_5"]
    assert second.time_s == 0.04
    assert first.head is None
    assert first.dataset_label is None


def test_libreface_far_beyond_the_scale_is_an_error(files: Path, write: Write) -> None:
    path = write("wrong.csv", (files / "libreface.csv").read_text().replace("5.21", "52.1"))
    with pytest.raises(ReadError, match=r"au_12_intensity.*outside the scale"):
        list(read(path))


def test_megraphau_length_tells_the_model(files: Path, write: Write) -> None:
    first, _ = read(files / "megraphau.bp4d.csv")
    assert present(first) == [(4, None), (6, None), (12, None)]
    assert {9, 25, 26} <= set(first.not_measured)
    (disfa,) = read(files / "megraphau.disfa.txt")
    assert present(disfa) == [(4, None), (6, None), (12, None), (25, None)]
    assert {7, 10, 14} <= set(disfa.not_measured)
    (logged,) = read(files / "megraphau.log.txt")
    assert [(r.au, r.value) for r in logged.readings if r.state == "present"] == [(4, 0.61), (12, 0.999), (24, 0.5)]
    mixed = write("mixed.csv", ",".join(["0.1"] * 12) + "\n" + ",".join(["0.1"] * 8) + "\n")
    with pytest.raises(ReadError, match="row 2: there are 8 scores instead of 12"):
        list(read(mixed))
    with pytest.raises(ReadError, match="row 1: a score is outside the scale"):
        list(read(write("percent.csv", ",".join(["31"] * 12) + "\n")))


@pytest.mark.parametrize(
    "name", ["opengraphau.vector.csv", "opengraphau.named.csv", "facetorch.dict.json", "facetorch.wide.csv"]
)
def test_opengraphau_sides(files: Path, name: str) -> None:
    record = next(read(files / name))
    assert present(record) == [(1, "left"), (1, "right"), (6, "left"), (12, None)]
    units = observe(record).units
    assert (units[1].side, units[6].side, units[12].side) == ("both", "left", None)
    assert record.detector.trust == "low"
    assert not {r.side for r in record.readings if r.au == 12} & {"left", "right"}


def test_imotions_evidence(files: Path) -> None:
    first, none = read(files / "imotions.facet.txt")
    assert present(first) == [(12, None)]
    assert [r.value for r in first.readings if r.au == 4] == [-3.5]
    assert {(r.scale, r.threshold) for r in first.readings} == {("evidence_log10", 0.0)}
    assert (first.frame, first.time_s, first.source.row) == (1, 0.04, 5)
    assert first.head is not None
    assert (first.head.pitch, first.head.yaw, first.head.roll) == (-5.0, 25.0, -2.0)
    assert first.quality.pose == "turned"
    assert none.quality.tracking == "no_face"


@pytest.mark.parametrize("name", ["imotions.facet.txt", "affectiva.two.json", "pyfeat2.csv", "libreface.csv"])
def test_nobody_is_identified(files: Path, name: str) -> None:
    text = "".join(record.model_dump_json() for record in read(files / name)).lower()
    for word in ("person name", "female", "9871", "identity", "happiness", '"age"'):
        assert word not in text
    assert all(record.subject is None and record.dataset_label is None for record in read(files / name))


def test_affectiva_likelihoods(files: Path) -> None:
    first, second = read(files / "affectiva.two.json")
    assert [(r.au, r.value, r.scale) for r in first.readings if r.state == "present"] == [
        (4, 0.5, "score"),
        (6, 0.942, "score"),
        (12, 1.0, "score"),
    ]
    assert [r.value for r in first.readings if r.au == 25] == [0.499]
    assert 14 in first.not_measured
    assert 26 in first.not_measured
    assert present(second) == [(26, None)]
    assert (second.picture, second.time_s) == ("two.jpg", 0.5)


def test_human_codes_with_levels_and_sides(files: Path) -> None:
    first, nothing, third = read(files / "facs_codes.lines.txt")
    found = {r.au: (r.side, r.value, r.scale) for r in first.readings if r.state == "present"}
    assert found == {
        1: ("both", 3.0, "intensity_0_5"),
        2: ("both", 2.0, "intensity_0_5"),
        4: ("both", None, "presence"),
        14: ("left", 4.0, "intensity_0_5"),
    }
    assert observe(first).units[14].side == "left"
    assert observe(first).units[14].level == 4
    assert observe(first).units[4].level is None
    assert observe(first).absent(12)
    assert present(nothing) == []
    assert observe(nothing).absent(12)
    assert [(r.au, r.value) for r in third.readings if r.state == "present"] == [(6, 4.0), (12, 5.0), (25, None)]
    assert third.source.row == 5


def test_human_codes_in_a_column(files: Path) -> None:
    hidden, uncoded, no_face, speaking = read(files / "facs_codes.table.csv")
    assert present(hidden) == [(12, "right")]
    assert hidden.quality.occlusion == ("lower face",)
    assert observe(hidden).absent(4)
    assert not observe(hidden).measured(25)
    assert hidden.dataset_label == "contempt"
    assert hidden.subject == "s1"
    assert uncoded.readings == ()
    assert uncoded.quality.tracking == "ok"
    assert no_face.quality.tracking == "no_face"
    assert [au for au, _ in present(speaking)] == [1, 2, 5, 51]


def test_human_codes_of_some_aus_only(files: Path) -> None:
    first, *_ = read(files / "facs_codes.lines.txt", coded="1-2-4-12")
    assert [r.au for r in first.readings] == [1, 2, 4, 12, 14]
    assert 6 in first.not_measured


@pytest.mark.parametrize("code", ["1C+2X", "12F", "L", "1C2B", "123", "12 B", "smile", "1+3"])
def test_what_is_no_code_is_named(write: Write, code: str) -> None:
    path = write("codes.txt", f"1B+2C\n{code}\n")
    with pytest.raises(ReadError, match="row 2") as caught:
        list(read(path, "facs_codes"))
    assert "FACS" in caught.value.what


def test_human_bits(files: Path) -> None:
    first, second = read(files / "facs_table.csv")
    assert present(first) == [(4, None)]
    assert observe(first).absent(12)
    assert not observe(first).measured(6)
    assert (first.dataset_label, first.subject, first.id) == ("anger", "p1", "p1_001")
    assert second.detector.trust == "high"


def test_expllm_values_are_amplitudes_by_side(files: Path) -> None:
    first, second = read(files / "expllm.json")
    assert present(first) == [
        (1, "left"),
        (1, "right"),
        (2, "left"),
        (2, "right"),
        (9, None),
        (12, "left"),
        (26, None),
        (28, None),
        (30, "right"),
        (43, "left"),
    ]
    assert {r.scale for r in first.readings} == {"coefficient"}
    assert all(unit.level is None for unit in observe(first).units.values())
    assert (first.dataset_label, second.dataset_label) == ("Sadness", "Fear")
    assert first.detector.trust == "low"
    assert (first.id, first.picture) == ("f1.jpg", "f1.jpg")


def test_expllm_order_place_by_place(write: Write) -> None:
    expected = [
        (43, "left"), (43, "right"), (5, "left"), (5, "right"), (4, "left"), (4, "right"), (1, "left"), (1, "right"),
        (26, None), (30, "left"), (30, "right"), (12, "left"), (12, "right"), (20, "left"), (20, "right"), (28, None),
        (28, None), (29, None), (10, None), (16, None), (17, None), (18, None), (34, None), (9, None),
    ]  # fmt: skip
    faces = [{"file_name": f"{i}.jpg", "au": [0.9 if i == j else 0.0 for j in range(24)]} for i in range(24)]
    records = read(write("one_each.json", json.dumps(faces)))
    assert [present(record)[0] for record in records] == expected


def test_plain_table_needs_its_scale(files: Path) -> None:
    path = files / "au_table.csv"
    with pytest.raises(ReadError, match=r"scale .* is not stated.*au_table:scale=probability"):
        list(read(path))
    with pytest.raises(ReadError, match="'percent' is no scale"):
        list(read(path, scale="percent"))
    first, none = read(path, scale="probability")
    assert present(first) == [(12, "left")]
    assert 25 in first.not_measured
    assert none.quality.tracking == "no_face"
    assert [r.threshold for r in next(read(path, scale="score", threshold=0.15)).readings] == [0.15] * 3


def test_plain_table_range_follows_the_scale(write: Write) -> None:
    path = write("t.csv", "AU01,AU12\n0.2,3.5\n")
    with pytest.raises(ReadError, match=r"row 2, column AU12: '3.5' is outside the scale of this tool .0 to 1."):
        list(read(path, scale="probability"))
    (record,) = read(path, scale="intensity_0_5")
    assert present(record) == [(12, None)]
