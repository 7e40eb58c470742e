"""Whatever stands in a file: records come out, or a FervlmError; never another exception."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fervlm.errors import FervlmError
from fervlm.readers import FORMATS, detect_format, read
from fervlm.reasoning.observe import observe

FILES = sorted((Path(__file__).parent / "files").iterdir())
OPTIONS: dict[str, dict[str, Any]] = {
    "openface3": {"au_order": "1-2-4-6-9-12-25-26"},
    "au_table": {"scale": "probability"},
}
EXAMPLES = int(os.environ.get("FERVLM_FUZZ", "50"))
"""Examples a test; raise it for a long hunt."""
SETTINGS = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])

GARBAGE = st.one_of(
    st.sampled_from(
        ["", " ", "nan", "-inf", "1e999", "-1", "1e308", "-0.0", "0x1p3", "1_0", "٣", "\x00", "\ud800", '"', "'", "#",
         "[[", "]]", "{", "}", "[]", "null", "true", "9" * 400, "L12E", "AU12_r", "a@1", "\u2028", "=1+1", "1;2", "\t"]
    ),
    st.floats().map(repr),
    st.integers().map(str),
    st.text(max_size=8),
)  # fmt: skip


def survives(content: bytes, input_format: str | None) -> None:
    """Read it all; check that what comes out is fit for the next stage and can be written."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "evidence.dat")
        path.write_bytes(content)
        options = OPTIONS.get(input_format or "", {})
        try:
            found = list(islice(read(path, input_format, landmarks=True, **options), 200))
        except FervlmError as error:
            assert str(error)
            str(error).encode()
            return
    assert len({record.id for record in found}) == len(found)
    for record in found:
        assert record.model_dump_json()
        assert set(record.not_measured).isdisjoint(r.au for r in record.readings)
        assert all(r.value is None or r.value - r.value == 0 for r in record.readings)
        observe(record)


@SETTINGS
@given(st.binary(max_size=400), st.sampled_from([None, *FORMATS]))
@example(b"PAR1PAR1", None)
@example(b"\xff\xfe\x00\xd8,\x00\n\x00", None)
def test_random_bytes(content: bytes, input_format: str | None) -> None:
    survives(content, input_format)


@SETTINGS
@given(st.text(max_size=300), st.sampled_from([None, *FORMATS]))
@example("AU01_r,confidence\n\r\n\r,\n", None)
@example("{'AU1: 5 AU2: 5'}", None)
def test_random_text(text: str, input_format: str | None) -> None:
    survives(text.encode("utf-8", "surrogatepass"), input_format)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=26)
        | st.dictionaries(
            st.sampled_from(
                [
                    "au",
                    "aus",
                    "file_name",
                    "emo",
                    "category_name",
                    "score",
                    "jawOpen",
                    "face_blendshapes",
                    "smile",
                    "browRaise",
                    "browFurrow",
                    "cheekRaise",
                    "jawDrop",
                    "Timestamp",
                    "faces",
                    "expressions",
                    "inner_brow_raiser",
                    "preds",
                    "frame",
                    "timestamp_ms",
                    "FaceId",
                ]
            ),
            inner,
            max_size=8,
        )
    ),
    max_leaves=40,
)


@SETTINGS
@given(JSON, st.sampled_from(["expllm", "mediapipe", "affectiva", "facetorch", "megraphau", "opengraphau", None]))
def test_random_json(value: object, input_format: str | None) -> None:
    import json

    survives(json.dumps(value).encode(), input_format)


def mutations(text: str) -> st.SearchStrategy[str]:
    """The file with cells changed, deleted, doubled or moved, rows lost or repeated, or the end cut off."""
    separator = max(",;\t", key=text.count)

    @st.composite
    def mutated(draw: st.DrawFn) -> str:
        lines = [line.split(separator) for line in text.split("\n")]
        for _ in range(draw(st.integers(1, 4))):
            row = draw(st.integers(0, len(lines) - 1))
            if not lines[row]:
                continue
            cell = draw(st.integers(0, len(lines[row]) - 1))
            kind = draw(st.sampled_from(["set", "delete", "double", "row", "lose", "join", "header"]))
            if kind == "set":
                lines[row][cell] = draw(GARBAGE)
            elif kind == "delete":
                del lines[row][cell]
            elif kind == "double":
                lines[row].insert(cell, lines[row][cell])
            elif kind == "row":
                lines.insert(row, list(lines[row]))
            elif kind == "lose" and len(lines) > 1:
                del lines[row]
            elif kind == "join" and row + 1 < len(lines):
                lines[row] += lines.pop(row + 1)
            elif kind == "header" and lines[0]:
                lines[0][draw(st.integers(0, len(lines[0]) - 1))] = draw(GARBAGE)
        whole = "\n".join(separator.join(line) for line in lines)
        return whole[: draw(st.integers(0, len(whole)))] if draw(st.booleans()) else whole

    return mutated()


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_damaged_files(path: Path) -> None:
    name = path.name.split(".")[0]

    @SETTINGS
    @given(mutations(path.read_bytes().decode("utf-8-sig")), st.booleans())
    def damaged(text: str, named: bool) -> None:
        survives(text.encode("utf-8", "surrogatepass"), name if named else None)

    damaged()


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_damaged_bytes(path: Path) -> None:
    content = path.read_bytes()
    name = path.name.split(".")[0]

    @SETTINGS
    @given(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=6),
        st.integers(0, len(content)),
    )
    def damaged(changes: list[tuple[int, int]], end: int) -> None:
        changed = bytearray(content)
        for at, byte in changes:
            changed[at] = byte
        survives(bytes(changed[:end]), name)

    damaged()


@pytest.fixture(scope="module")
def parquet_bytes() -> Iterator[bytes]:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    from fervlm.readers.blendshapes import names

    columns = {"path": [f"{i}.jpg" for i in range(30)], **{name: [i / 40 for i in range(30)] for name in names()}}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "faces.parquet")
        pq.write_table(pa.table(columns), path)
        assert detect_format(path) == "mediapipe"
        yield path.read_bytes()


def test_damaged_parquet(parquet_bytes: bytes) -> None:
    content = parquet_bytes

    @settings(max_examples=min(EXAMPLES, 60), deadline=None)
    @given(st.lists(st.tuples(st.integers(4, len(content) - 1), st.integers(0, 255)), max_size=5), st.booleans())
    def damaged(changes: list[tuple[int, int]], cut: bool) -> None:
        changed = bytearray(content)
        for at, byte in changes:
            changed[at] = byte
        survives(bytes(changed[: len(changed) // 2] if cut else changed), "mediapipe")

    damaged()


def test_damaged_real_files(real: Path) -> None:
    begun = {
        path.name: path.read_bytes()[:60_000].decode("utf-8").rsplit("\n", 1)[0]
        for path in sorted(real.rglob("*.*"))
        if path.suffix in {".csv", ".txt", ".json"}
    }
    assert len(begun) > 15

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(sorted(begun)).flatmap(lambda name: mutations("\n".join(begun[name].split("\n")[:9]))))
    def damaged(text: str) -> None:
        survives(text.encode("utf-8", "surrogatepass"), None)

    damaged()
