from __future__ import annotations

import os
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from fervlm.readers import read
from fervlm.readers.places import Ids
from fervlm.records import AURecord

Write = Callable[..., Path]
FILES = sorted((Path(__file__).parent / "files").iterdir())
OPTIONS: dict[str, dict[str, Any]] = {
    "openface3.running.csv": {"au_order": "1-2-4-6-9-12-25-26"},
    "au_table.csv": {"scale": "probability"},
}


def openface(rows: int) -> Iterator[str]:
    aus = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
    yield "frame, timestamp, confidence, success, " + ", ".join(f"AU{au:02d}_r" for au in aus) + "\n"
    for i in range(rows):
        yield f"{i}, {i / 30:.3f}, 0.98, 1, " + ", ".join(f"{(i * au) % 500 / 100:.2f}" for au in aus) + "\n"


def peak(path: Path, cache: bool = True) -> int:
    for _ in islice(read(path, cache=cache), 2000):
        pass
    tracemalloc.start()
    for _ in read(path, cache=cache):
        pass
    top = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return top


@pytest.mark.parametrize("cache", [True, False])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, cache: bool) -> None:
    short, long = tmp_path / "short.csv", tmp_path / "long.csv"
    short.write_text("".join(openface(3000)))
    long.write_text("".join(openface(15_000)))
    assert peak(long, cache=cache) < peak(short, cache=cache) + 1_000_000


def test_memory_of_json_lines_and_pictures(files: Path, tmp_path: Path) -> None:
    line = (files / "mediapipe.lines.jsonl").read_text().splitlines()[0]
    short, long = tmp_path / "short.jsonl", tmp_path / "long.jsonl"
    short.write_text(f"{line}\n" * 300)
    long.write_text(f"{line}\n" * 3000)
    assert peak(long) < peak(short) + 500_000


def test_records_come_out_while_the_tool_still_writes(tmp_path: Path) -> None:
    pipe = tmp_path / "live.csv"
    lines = list(openface(40))
    reached = threading.Event()
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("w") as stream:
            stream.write("".join(lines[:30]))
            stream.flush()
            reached.wait(20)
            stream.write("".join(lines[30:]))

    writer = threading.Thread(target=write)
    code = (
        "import sys\nfrom fervlm.readers import read\n"
        "for r in read('-'):\n    print(r.frame, flush=True)\n    if r.frame == 39: break\n"
    )
    import subprocess
    import sys

    writer.start()
    with (
        pipe.open("rb") as stream,
        subprocess.Popen([sys.executable, "-c", code], stdin=stream, stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout is not None
        first = process.stdout.readline()
        reached.set()
        rest = process.stdout.read().split()
    writer.join()
    assert first.strip() == "0"
    assert rest[-1] == "39"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_the_cache_changes_nothing(path: Path) -> None:
    options = OPTIONS.get(path.name, {})
    assert list(read(path, cache=True, **options)) == list(read(path, cache=False, **options))


def test_the_cache_shares_readings_and_stays_right_beyond_its_size(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("frame,confidence,AU01_r,AU02_r\n" + "".join(f"{i},0.9,{i % 2},{i / 1000}\n" for i in range(2000)))
    records = list(read(path))
    assert records[0].readings[0] is records[2].readings[0]
    assert [r.readings[1].value for r in records] == [i / 1000 for i in range(2000)]


def test_records_are_the_same_on_every_read(files: Path) -> None:
    for path in FILES:
        options = OPTIONS.get(path.name, {})
        first: list[AURecord] = list(read(path, **options))
        assert first == list(read(path, **options))
        assert len({record.id for record in first}) == len(first)


def test_ids_stay_unique_where_frames_and_pictures_repeat() -> None:
    ids = Ids("clip")
    given = [
        ids.of(2, frame=1, face="0"),
        ids.of(3, frame=1, face="1"),
        ids.of(4, frame=2, face="0"),
        ids.of(5, frame=1, face="0"),
        ids.of(6, frame=2, face="1"),
        ids.of(7, frame=2, face="1"),
        ids.of(8, frame=2, face="1@7"),
        ids.of(9, frame=3),
        ids.of(10, frame=3, face="0"),
    ]
    assert given[:5] == ["clip#1", "clip#1/1", "clip#2", "clip#1@5", "clip#2/1"]
    assert len(set(given)) == len(given)
    pictures = Ids("list")
    names = [pictures.of(i, picture=name) for i, name in enumerate(["a.jpg", "b.jpg", "a.jpg", "a.jpg@2", "a.jpg"])]
    assert names[:3] == ["a.jpg", "b.jpg", "a.jpg@2"]
    assert len(set(names)) == 5


def test_ids_of_many_pictures_are_their_names() -> None:
    ids = Ids("list")
    named = [ids.of(i, picture=f"{i}.jpg") for i in range(20_000)]
    assert sum("@" in name for name in named) <= 2
    assert len(set(named)) == 20_000
