"""A user's mistake is one sentence with file, row and column."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fervlm.errors import FervlmError, ReadError
from fervlm.readers import FORMATS, detect_format, read

Write = Callable[..., Path]
FILES = sorted((Path(__file__).parent / "files").iterdir())
FACE = '{"au": [' + "0.1, " * 23 + '0.1], "file_name": "a.jpg"}'
TABLES = [p for p in FILES if p.suffix == ".csv" and "vector" not in p.name and "bp4d" not in p.name]
OPTIONS: dict[str, dict[str, Any]] = {
    "openface3.running.csv": {"au_order": "1-2-4-6-9-12-25-26"},
    "au_table.csv": {"scale": "probability"},
}


@pytest.mark.parametrize("content", [b"", b"\n\n \n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_empty_files(write: Write, content: bytes) -> None:
    path = write("empty.csv", content)
    with pytest.raises(ReadError, match="the file is empty"):
        detect_format(path)
    for name in FORMATS:
        with pytest.raises(ReadError, match="empty"):
            list(read(path, name, **OPTIONS.get(f"{name}.csv", {})))


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="there is no such file"):
        list(read(tmp_path / "nowhere.csv"))
    with pytest.raises(ReadError, match="this is a folder"):
        list(read(tmp_path))
    with pytest.raises(ReadError, match="not a file name"):
        list(read("a\0b.csv"))


@pytest.mark.parametrize(
    "content", [bytes(range(256)) * 40, b"\x89PNG\r\n\x1a\n" + b"\0" * 500, b"\x1f\x8b\x08" + b"\xfe" * 300]
)
def test_binary_junk(write: Write, content: bytes) -> None:
    with pytest.raises(ReadError, match="neither text nor Parquet"):
        list(read(write("junk.csv", content)))


@pytest.mark.parametrize("path", TABLES, ids=lambda p: p.name)
def test_a_header_without_rows(path: Path, write: Write) -> None:
    header = path.read_bytes().splitlines(keepends=True)[0]
    with pytest.raises(ReadError, match="a header but not one row"):
        list(read(write("header.csv", header), path.name.split(".")[0], **OPTIONS.get(path.name, {})))


@pytest.mark.parametrize("path", TABLES, ids=lambda p: p.name)
def test_half_a_row(path: Path, write: Write) -> None:
    lines = path.read_bytes().rstrip().splitlines(keepends=True)
    last = lines[-1].replace(b";", b",").split(b",")
    short = path.read_bytes()[: -len(lines[-1])] if len(last) < 2 else b"".join(lines[:-1])
    separator = b";" if b";" in lines[-1] else b","
    cut = write("cut.csv", short + separator.join(lines[-1].split(separator)[:-2]))
    with pytest.raises(ReadError, match=r"the row has \d+ cells where the header has \d+") as caught:
        list(read(cut, path.name.split(".")[0], **OPTIONS.get(path.name, {})))
    assert caught.value.row == len(lines)
    assert "cut off" in str(caught.value)


@pytest.mark.parametrize("path", TABLES, ids=lambda p: p.name)
def test_a_cell_too_many(path: Path, write: Write) -> None:
    lines = path.read_bytes().rstrip().splitlines()
    separator = b";" if b";" in lines[-1] else b","
    options = OPTIONS.get(path.name, {})
    name = path.name.split(".")[0]
    with pytest.raises(ReadError, match="where the header has"):
        list(read(write("long.csv", b"\n".join([*lines[:-1], lines[-1] + separator + b"0.5"])), name, **options))
    blank = write(path.name, b"\n".join([*lines[:-1], lines[-1] + separator]))
    assert len(list(read(blank, name, **options))) == len(list(read(path, name, **options)))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_wrong_tool(path: Path) -> None:
    """Every reader refuses every other tool's file, or finds AUs in it that are there."""
    own = path.name.split(".")[0]
    for name in FORMATS:
        if name == own:
            continue
        try:
            records = list(read(path, name, **OPTIONS.get(f"{name}.csv", {})))
        except FervlmError as error:
            assert len(str(error)) < 600
        else:
            assert records
            plain = {"au_table", "facs_table"}
            # A FACSvatar table is OpenFace 2's with other numbers; only the user can overrule which it is.
            assert name in plain or (name, own) == ("openface2", "facsvatar"), "it cannot be what the user calls it"
            assert own in {"facs_table", "facsvatar", "pyfeat", "pyfeat2", "libreface", "opengraphau", "openface3"}


def test_junk_in_a_cell_that_is_not_needed_does_no_harm(files: Path, write: Write) -> None:
    content = (files / "imotions.facet.txt").read_bytes().replace(b"Person Name", b"Jos\xe9")
    assert len(list(read(write("latin.txt", content)))) == 2


def test_junk_in_a_cell_that_is_needed_is_blamed(files: Path, write: Write) -> None:
    content = (files / "openface2.cleaned.csv").read_bytes().replace(b"2.1339", b"2\xe9\xff")
    with pytest.raises(ReadError, match=r"row 2, column AU01_r: '2\\udce9"):
        list(read(write("latin.csv", content)))


@pytest.mark.parametrize("sign", ["\x0b", "\x1c", "\u2028", "\x85"])
def test_signs_that_only_some_call_a_line_end(files: Path, write: Write, sign: str) -> None:
    text = (files / "facs_codes.table.csv").read_text()
    assert len(list(read(write("odd.csv", text.replace("neutral", f"neu{sign}tral"))))) == 4
    with pytest.raises(ReadError, match=r"no column of FACS codes|no FACS code"):
        list(read(write("odd.csv", text.replace("FACS", f"FA{sign}CS")), "facs_codes"))


def test_a_file_name_that_is_no_utf8_still_makes_a_record(files: Path, write: Write) -> None:
    content = (files / "mediapipe.wide.csv").read_bytes().replace(b"p/rest", b"p/r\xe9st")
    first = next(read(write("latin.csv", content)))
    assert first.picture == "p/r\ufffdst.jpg"
    assert first.model_dump_json()


def test_an_open_quotation_mark(files: Path, write: Write) -> None:
    text = (files / "openface2.cleaned.csv").read_text("utf-8-sig")
    path = write("quote.csv", text.replace("0,0.0,", '"0,0.0,', 1) + "1,2\n" * 60_000)
    with pytest.raises(ReadError) as caught:
        list(read(path))
    assert caught.value.row is not None


def test_a_line_without_end(files: Path, write: Write) -> None:
    text = (files / "openface2.cleaned.csv").read_text("utf-8-sig").rstrip()
    with pytest.raises(ReadError, match=r"longer than any AU tool writes|field larger than"):
        list(read(write("long.csv", text + "0" * 9_000_000)))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[", "not JSON"),
        ("[]", "the JSON holds no face"),
        ("{", "not JSON"),
        ('{"smile": ', "not JSON"),
        (f"[{FACE} {FACE}]", "row 1: .*comma is missing"),
        (f"[{FACE},]", "comma before"),
        (f"[{FACE},", "not closed"),
        (f"{FACE}\n{FACE[:-9]}", "row 2: this is not JSON"),
        (f'{FACE}\n{{"au": [1]}}', "row 2: the item has no list"),
        ("[" * 100_000, "nests too deep"),
        ('{"a": ' + "9" * 5000 + "}", "number that is too long"),
        ('[{"au": [1]}]', "no AU file that is known"),
    ],
)
def test_broken_json(write: Write, text: str, what: str) -> None:
    with pytest.raises(ReadError, match=what):
        list(read(write("broken.json", text)))


def test_json_cut_in_the_middle(files: Path, write: Write) -> None:
    whole = (files / "expllm.json").read_bytes()
    records = read(write("cut.json", whole[: len(whole) - 30]))
    assert next(records).picture == "f1.jpg"
    with pytest.raises(ReadError, match="row 2: this is not JSON"):
        next(records)


@pytest.mark.parametrize(
    ("before", "what"),
    [("import sys; sys.stdin.close()", "there is no standard input."), ("", "the file is empty.")],
)
def test_standard_input_without_anything(before: str, what: str) -> None:
    code = f"""{before}
from fervlm.errors import ReadError
from fervlm.readers import read
try:
    list(read("-"))
except ReadError as error:
    print(error)
"""
    nothing = subprocess.DEVNULL
    done = subprocess.run([sys.executable, "-c", code], stdin=nothing, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"<stdin>: {what}")


def test_a_file_whose_own_name_is_no_utf8(files: Path, tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9.csv"
    try:
        path.write_bytes((files / "openface2.cleaned.csv").read_bytes())
    except (OSError, UnicodeError):
        pytest.skip("this file system does not take such names")
    first = next(read(path))
    assert first.id == "caf\ufffd#0"
    assert first.model_dump_json()
