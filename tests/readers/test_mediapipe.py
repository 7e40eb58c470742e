from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fervlm.errors import FervlmError, MissingExtraError, ReadError
from fervlm.facs.calibration import level_cuts
from fervlm.readers import read
from fervlm.readers.blendshapes import MEASURED, au_values, names, presence_cuts, used
from fervlm.reasoning.observe import observe
from fervlm.records import AURecord

Write = Callable[..., Path]


def present(record: AURecord) -> list[tuple[int, str | None]]:
    return [(r.au, r.side) for r in record.readings if r.state == "present"]


def face(**scores: float) -> dict[str, float]:
    return {name: scores.get(name, 0.0) for name in names()}


@pytest.mark.parametrize("name", ["mediapipe.list.json", "mediapipe.result.json"])
def test_json_with_words_or_numbers_as_scores(files: Path, name: str) -> None:
    first, *rest = read(files / name)
    assert present(first) == [(12, "left"), (25, None), (26, None)]
    assert [r.value for r in first.readings if r.au == 12] == [0.8, 0.1]
    assert [present(record) for record in rest] == [[(1, None), (5, None), (25, None), (27, None)]] * len(rest)
    assert len({record.id for record in (first, *rest)}) == 1 + len(rest)


def test_json_lines_and_table_agree(files: Path) -> None:
    lines, table = list(read(files / "mediapipe.lines.jsonl")), list(read(files / "mediapipe.wide.csv"))
    assert [r.readings for r in lines] == [r.readings for r in table[:3]]
    assert [r.time_s for r in lines] == [0.0, 0.04, 0.08]
    assert [r.frame for r in lines] == [0, 1, 2]
    assert [r.id for r in table] == ["p/rest.jpg", "p/smile.jpg", "p/gasp.jpg", "p/none.jpg"]
    assert table[3].quality.tracking == "no_face"
    assert table[3].readings == ()


def test_what_mediapipe_cannot_see(files: Path) -> None:
    rest, smile, gasp, _ = read(files / "mediapipe.wide.csv")
    for record in (rest, smile, gasp):
        assert {6, 9, 11, 13, 23, 38, 45} <= set(record.not_measured)
        assert record.detector.trust == "low"
        assert {r.scale for r in record.readings} == {"coefficient"}
    assert 5 in rest.not_measured
    assert 5 in smile.not_measured
    assert observe(gasp).present(5)
    assert observe(rest).absent(7)
    assert 7 in smile.not_measured


def test_sides_are_named_only_where_they_differ() -> None:
    cut = presence_cuts()[12]
    from fervlm.readers.blendshapes import Mapper

    def side(left: float, right: float) -> str | None:
        record_readings = Mapper(None).readings(face(mouthSmileLeft=left, mouthSmileRight=right))
        both = {r.side: r.state for r in record_readings if r.au == 12}
        here = [name for name, state in both.items() if state == "present"]
        return None if not here else "both" if len(here) == 2 else here[0]

    assert side(cut + 0.01, cut - 0.01) == "both"
    assert side(0.9, 0.05) == "left"
    assert side(0.05, 0.9) == "right"
    assert side(0.9, 0.3) == "both"
    assert side(cut - 0.01, 0.0) is None


def test_every_reading_states_the_threshold_it_was_cut_at(real: Path) -> None:
    for i, record in enumerate(read(real / "mediapipe" / "blendshapes_dev_faces.csv")):
        for r in record.readings:
            assert r.value is not None
            assert r.threshold is not None
            assert (r.state == "present") == (r.value >= r.threshold)
        if i == 300:
            break


def test_jaw_drop_and_mouth_stretch_exclude_each_other() -> None:
    assert (au_values(face(jawOpen=0.59))[26], au_values(face(jawOpen=0.59))[27]) == (0.59, 0.0)
    assert (au_values(face(jawOpen=0.6))[26], au_values(face(jawOpen=0.6))[27]) == (0.0, 0.6)
    assert au_values(face(jawOpen=0.8, mouthClose=0.8))[25] == 0.0
    frown = au_values(face(browDownLeft=0.8, mouthSmileLeft=1.0))[4]
    assert isinstance(frown, tuple)
    assert frown == pytest.approx((0.5, 0.0))


def test_levels_need_a_neutral_face(files: Path) -> None:
    raw = list(read(files / "mediapipe.wide.csv"))
    assert all(record.detector.calibration is None for record in raw)
    assert all(unit.level is None for record in raw for unit in observe(record).units.values())
    for neutral in (2, "2", files / "mediapipe.wide.csv"):
        record = list(read(files / "mediapipe.wide.csv", neutral=neutral))[1]
        assert record.detector.calibration == "mediapipe"
        assert observe(record).units[12].level is not None
    rest, smile, gasp, _ = read(files / "mediapipe.wide.csv", neutral=2)
    assert present(rest) == []
    assert observe(smile).units[12].level == 3
    (left, _) = [r for r in smile.readings if r.au == 12]
    assert left.value == pytest.approx((0.8 - 0.05) / 0.95)
    assert [r.value for r in gasp.readings if r.au == 1] == [pytest.approx(0.625)]


def test_neutral_that_is_not_there(files: Path, write: Write) -> None:
    path = files / "mediapipe.wide.csv"
    with pytest.raises(ReadError, match="no face to take as the neutral"):
        list(read(path, neutral=5))
    with pytest.raises(ReadError, match="no such file"):
        list(read(path, neutral="nowhere.csv"))
    with pytest.raises(FervlmError, match="lacks"):
        list(read(path, neutral={"jawOpen": 0.1}))


def test_a_list_of_several_faces(write: Write) -> None:
    flat = [{"category_name": name, "score": 0.25} for name in names()] * 3
    records = list(read(write("three.json", json.dumps(flat))))
    assert [r.id for r in records] == ["three#1", "three#53", "three#105"]
    nested = [flat[:52], flat[:52]]
    assert len(list(read(write("nested.json", json.dumps(nested))))) == 2
    (none,) = read(write("none.json", json.dumps({"face_blendshapes": []})), "mediapipe")
    assert none.quality.tracking == "no_face"


@pytest.mark.parametrize("score", ["a lot", None, 1.5, -0.2, True, "nan", [0.1]])
def test_bad_scores_are_named(write: Write, score: object) -> None:
    scores: dict[str, object] = {**face(), "jawOpen": score}
    with pytest.raises(ReadError, match="row 1, column jawOpen"):
        list(read(write("bad.json", json.dumps(scores))))


def test_a_missing_blendshape_is_named(files: Path, write: Write) -> None:
    scores = face()
    del scores["jawOpen"]
    with pytest.raises(ReadError, match="jawOpen: the blendshape is missing"):
        list(read(write("bad.json", json.dumps(scores))))
    text = (files / "mediapipe.wide.csv").read_text().replace("jawOpen", "jawOpened")
    with pytest.raises(ReadError, match="jawOpen: the column is missing"):
        list(read(write("bad.csv", text)))


def test_tables_hold_a_cut_for_every_au() -> None:
    assert set(presence_cuts()) == set(MEASURED) == set(level_cuts("mediapipe"))
    for cuts in level_cuts("mediapipe").values():
        assert list(cuts) == sorted(set(cuts))
        assert 0 < cuts[0] < cuts[4] <= 1
    assert len(used()) == 32
    assert len(names()) == 52


def test_parquet(files: Path, tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    rows = [line.split(",") for line in (files / "mediapipe.wide.csv").read_text().splitlines()]
    columns: dict[str, list[object]] = {"path": [r[0] for r in rows[1:]], "detected": [r[1] == "1" for r in rows[1:]]}
    for i, name in enumerate(rows[0][2:], 2):
        columns[name] = [float(r[i]) if r[i] else None for r in rows[1:]]
    columns["landmarks_xy"] = [[0.25, 0.5] * 57] * 3 + [None]
    path = tmp_path / "faces.parquet"
    pq.write_table(pa.table(columns), path)
    records = list(read(path))
    assert [r.readings for r in records] == [r.readings for r in read(files / "mediapipe.wide.csv")]
    assert [r.id for r in records] == columns["path"]
    assert [r.source.row for r in records] == [1, 2, 3, 4]
    assert all(r.landmarks is None for r in read(path, landmarks=True))
    placed = next(read(path, landmarks=True, picture_size="200x100"))
    assert placed.landmarks is not None
    assert (placed.landmarks.scheme, placed.landmarks.points[0]) == ("mediapipe57", (50.0, 50.0))
    with pytest.raises(FervlmError, match="picture_size"):
        list(read(path, picture_size="big"))


def test_broken_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "broken.parquet"
    path.write_bytes(b"PAR1" + bytes(range(256)) * 4)
    with pytest.raises(ReadError, match="the Parquet file is broken"):
        list(read(path))


def test_parquet_of_another_kind(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"price": [1, 2]}), path)
    with pytest.raises(ReadError, match="column is missing"):
        list(read(path))


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "faces.parquet"
    path.write_bytes(b"PAR1....")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'fervlm\[data\]'"):
        list(read(path))
