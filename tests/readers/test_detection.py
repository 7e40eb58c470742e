from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fervlm.errors import FervlmError, ReadError
from fervlm.readers import FORMATS, detect_format, read

FILES = sorted((Path(__file__).parent / "files").iterdir())
Write = Callable[..., Path]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_every_format_is_found_by_its_look(path: Path) -> None:
    assert detect_format(path) == path.name.split(".")[0]


def test_there_is_a_file_for_every_format() -> None:
    assert {path.name.split(".")[0] for path in FILES} == set(FORMATS)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_the_name_does_not_matter(path: Path, write: Write) -> None:
    assert detect_format(write("evidence", path.read_bytes())) == path.name.split(".")[0]


def test_unknown_tables_are_refused_with_what_was_tried(write: Write) -> None:
    path = write("prices.csv", "date,price\n2020-01-01,3\n")
    with pytest.raises(ReadError, match=r"openface2, .*au_table") as caught:
        detect_format(path)
    assert "--input-format" in str(caught.value)
    assert str(path) in str(caught.value)


def test_eight_bare_scores_may_be_two_tools(write: Write) -> None:
    path = write(
        "x.csv", '"[[0.1, 0.0, 0.0, 0.2, 0.0, 0.9, 0.6, 0.0]]"\n"[[0.1, 0.0, 0.0, 0.2, 0.0, 0.9, 0.6, 0.0]]"\n'
    )
    with pytest.raises(ReadError, match="openface3 or megraphau"):
        detect_format(path)
    assert [len(r.readings) for r in read(path, "megraphau")] == [8, 8]


def test_the_user_overrules_detection(files: Path) -> None:
    with pytest.raises(ReadError, match="no AU columns as LibreFace"):
        list(read(files / "openface2.sequence.csv", "libreface"))


def test_unknown_formats_and_options_are_named(files: Path) -> None:
    with pytest.raises(FervlmError, match=r"no input format 'openface'.*openface2"):
        list(read(files / "openface2.sequence.csv", "openface"))
    with pytest.raises(FervlmError, match=r"no option 'fps'.*min_confidence"):
        list(read(files / "openface2.sequence.csv", fps=25))
    with pytest.raises(FervlmError, match=r"'0.5' is no option"):
        list(read(files / "openface2.sequence.csv", "openface2:0.5"))


def test_options_may_stand_behind_the_format(files: Path) -> None:
    records = list(read(files / "openface2.sequence.csv", "openface2:min_confidence=0.01"))
    assert [r.quality.tracking for r in records] == ["ok", "ok", "failed", "ok"]
    assert [len(r.readings) for r in read(files / "au_table.csv", "au_table:scale=probability,trust=low")] == [3, 0]


def test_detection_leaves_standard_input_whole(files: Path) -> None:
    code = "from fervlm.readers import read\nfor r in read('-'): print(r.id, r.source.file, len(r.readings))"
    for name, expected in (
        ("openface2.cleaned.csv", ["stdin#0 <stdin> 17", "stdin#1 <stdin> 17"]),
        ("mediapipe.list.json", ["stdin#1 <stdin> 23"]),
        ("affectiva.two.json", ["one.jpg <stdin> 5", "two.jpg <stdin> 6"]),
        ("facs_codes.lines.txt", ["stdin#1 <stdin> 29", "stdin#2 <stdin> 29", "stdin#5 <stdin> 29"]),
    ):
        with (files / name).open("rb") as stream:
            done = subprocess.run(
                [sys.executable, "-c", code], stdin=stream, capture_output=True, text=True, check=True
            )
        assert [line.split()[:2] for line in done.stdout.splitlines()] == [line.split()[:2] for line in expected], name


def test_standard_input_may_be_long(files: Path) -> None:
    header, first, *_ = (files / "openface2.cleaned.csv").read_text("utf-8-sig").splitlines()
    cells = first.split(",")
    rows = "\n".join(",".join([str(i), *cells[1:]]) for i in range(20_000))
    code = "from fervlm.readers import read\nprint(*[r.frame for r in read('-')][::5000])"
    done = subprocess.run(
        [sys.executable, "-c", code], input=f"{header}\n{rows}\n", capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "5000", "10000", "15000"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_byte_order_marks(files: Path, write: Write, encoding: str) -> None:
    text = (files / "imotions.facet.txt").read_bytes().decode()
    path = write("export.txt", text.encode(encoding))
    assert detect_format(path) == "imotions"
    assert [len(r.readings) for r in read(path)] == [20, 0]


def test_formats_say_what_they_were_checked_on(real: Path) -> None:
    there = {path.name for path in real.rglob("*")}
    named = {name for info in FORMATS.values() for name in (info.checked_on or "").split(", ") if name}
    assert named <= there
    assert {name for name, info in FORMATS.items() if info.checked_on is None} == {
        "openface3", "libreface", "megraphau", "opengraphau", "facetorch", "facs_codes", "expllm", "au_table",
    }  # fmt: skip
    for info in FORMATS.values():
        assert list(info.measures) == sorted(set(info.measures))
        assert all(ending.startswith(".") and ending == ending.lower() for ending in info.extensions)
