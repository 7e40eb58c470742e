"""What a user gets wrong is one sentence with the place, exit code 2, and no traceback."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from fervlm.records import Prediction

Run = Callable[..., tuple[int, str, str]]
HEADER = "frame, face_id, timestamp, confidence, success, AU01_r, AU04_r, AU12_r, AU12_c"
ROW = "1, 0, 0.000, 0.98, 1, 0.00, 0.00, 3.60, 1"


def table(*rows: str, header: str = HEADER) -> bytes:
    return ("\n".join([header, *rows]) + "\n").encode()


def row(number: int, **cells: object) -> str:
    names = [name.strip() for name in HEADER.split(",")]
    values = dict(zip(names, ROW.split(","), strict=True)) | {"frame": number, "timestamp": number / 30} | cells
    return ",".join(str(values[name]) for name in names)


NOISE = bytes(random.Random(3).randrange(256) for _ in range(5000))
CASES: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "empty": (b"", ("empty",)),
    "blank": (b"\n \n\r\n", ("empty",)),
    "header_only": (table(), ("not one row",)),
    "binary": (bytes(range(256)) * 20, ("neither text",)),
    "noise": (NOISE, ()),
    "wrong_tool": (b"name,age\nAnna,7\n", ("no AU file",)),
    "half_a_row": (table(ROW, "2, 0, 0.033, 0.9"), ("row 3",)),
    "text_in_a_cell": (table(ROW, row(2, AU04_r="strong")), ("row 3", "AU04_r")),
    "nan": (table(row(1, AU12_r="nan")), ("row 2", "AU12_r")),
    "infinite": (table(row(1, AU12_r="inf")), ("row 2", "AU12_r")),
    "out_of_scale": (table(row(1, AU12_r="55.0")), ("row 2", "AU12_r")),
    "negative": (table(row(1, AU12_r="-3")), ("row 2", "AU12_r")),
    "presence_of_seven": (table(row(1, AU12_c="7")), ("row 2", "AU12_c")),
    "half_json": (b'[{"category_name": "jawOpen", "score": 0.3}, {"catego', ("JSON",)),
    "two_columns_of_one_name": (table(ROW + ", 1", header=HEADER + ", AU12_r"), ("AU12_r",)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_single_bad_file_is_one_sentence_and_exit_code_2(fervlm: Run, tmp_path: Path, name: str) -> None:
    content, said = CASES[name]
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    code, _, err = fervlm("explain", path, "--per", "frame", "--format", "jsonl")
    assert code == 2
    assert err.count("\n") == 1
    assert err.startswith("fervlm: ")
    assert str(path) in err
    for words in said:
        assert words in err


@pytest.mark.parametrize("name", CASES)
def test_among_other_files_it_is_listed_and_the_others_come_out(fervlm: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "a.csv").write_bytes(CASES[name][0])
    (tmp_path / "b.csv").write_bytes(table(row(7)))
    code, out, err = fervlm("explain", tmp_path, "--per", "frame", "--format", "jsonl")
    assert code == 1
    assert 7 in [Prediction.model_validate_json(line).frame for line in out.splitlines()]
    assert "a.csv" in err
    assert "Traceback" not in err


def test_a_missing_column_is_named(fervlm: Run, tmp_path: Path) -> None:
    path = tmp_path / "feat.csv"
    path.write_text("FaceRectX,FaceRectY,FaceRectWidth,FaceScore,AU01,AU43\n1,2,3,0.9,0.5,0.5\n", encoding="utf-8")
    code, _, err = fervlm("explain", path, "--input-format", "pyfeat")
    assert code == 2
    assert "column" in err
    assert "missing" in err


def test_the_wrong_format_insisted_upon_is_a_sentence(fervlm: Run, tmp_path: Path) -> None:
    path = tmp_path / "clip.csv"
    path.write_bytes(table(ROW))
    for name in ("mediapipe", "imotions", "libreface", "expllm", "nonsense"):
        code, out, err = fervlm("explain", path, "--input-format", name)
        assert code == 2
        assert not out
        assert err.count("\n") == 1


def test_rows_without_a_face_say_so_and_claim_nothing(fervlm: Run, tmp_path: Path) -> None:
    path = tmp_path / "lost.csv"
    path.write_bytes(table(row(1, success=0, confidence=0.1), row(2, success=0, confidence=0.0)))
    code, out, _ = fervlm("explain", path, "--per", "frame", "--format", "jsonl")
    assert code == 0
    for line in out.splitlines():
        found = Prediction.model_validate_json(line)
        assert found.label is None
        assert not found.evidence.readings
    code, out, _ = fervlm("explain", path)
    assert code == 0
    assert "AU12" not in out


def test_a_source_that_is_not_there_is_exit_code_2(fervlm: Run, tmp_path: Path) -> None:
    for name in ("none.csv", "none/", "clip.mp4"):
        code, _, err = fervlm("explain", tmp_path / name)
        assert code == 2
        assert err.count("\n") == 1


@pytest.mark.parametrize("verb", ["explain", "summary"])
def test_an_unwritable_place_is_a_sentence(fervlm: Run, tmp_path: Path, verb: str) -> None:
    path = tmp_path / "clip.csv"
    path.write_bytes(table(row(1), row(2)))
    for out in (tmp_path / "none" / "x.jsonl", tmp_path):
        code, _, err = fervlm(verb, path, "--format", "jsonl", "--out", out)
        assert code == 2
        assert err.count("\n") == 1
