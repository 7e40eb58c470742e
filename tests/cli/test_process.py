"""What only a real process shows: pipes, signals, streams."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

Write = Callable[..., Path]
PROGRAM = [sys.executable, "-c", "from fervlm.cli.main import run; run()"]


@pytest.fixture
def long(openface: Write) -> Path:
    """A recording long enough to be interrupted: some seconds of work."""
    frames = (
        f"{n}, 0, {n / 30:.3f}, 0.98, 1, {n % 50 / 10}, 0, {n % 40 / 10}, {n % 30 / 10}, 0, 1" for n in range(50_000)
    )
    return openface("long.csv", *frames)


def start(*arguments: object, **streams: int) -> subprocess.Popen[bytes]:
    command = [*PROGRAM, *(str(argument) for argument in arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"}, **streams)


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.02)


def test_a_reader_that_leaves_early_ends_the_run_quietly(long: Path) -> None:
    process = start("explain", long, "--per", "frame", "--format", "jsonl", stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b'{"schema_version"')
    process.stdout.close()
    assert process.stderr is not None
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.skipif(os.name == "nt", reason="signals as on Unix")
@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_stopped_run_leaves_no_partial_file(long: Path, tmp_path: Path, sent: signal.Signals, code: int) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    target = folder / "long.jsonl"
    process = start("explain", long, "--per", "frame", "--format", "jsonl", "--out", target)

    def writing() -> bool:
        return any(part.stat().st_size > 10_000 for part in folder.iterdir())

    wait_for(writing)
    process.send_signal(sent)
    assert process.stderr is not None
    assert process.wait(timeout=30) == code
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    assert not target.exists()
    if sent != signal.SIGKILL:
        assert not list(folder.iterdir())


def test_standard_input_is_answered_line_by_line(openface: Write) -> None:
    lines = openface("live.csv").read_bytes().splitlines(keepends=True)
    process = start(
        "explain",
        "-",
        "--per",
        "frame",
        "--limit",
        40,
        "--format",
        "jsonl",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    rows = [lines[0], *(b"%d, 0, %.3f, 0.98, 1, 0, 0, 0, 3.6, 2.6, 1\n" % (n, n / 30) for n in range(40))]
    process.stdin.write(b"".join(rows))
    process.stdin.flush()
    first = process.stdout.readline()  # comes although standard input is still open
    assert b'"frame":0' in first
    process.stdin.close()
    assert len(process.stdout.read().splitlines()) == 39
    assert process.wait(timeout=30) == 0
    process.stdout.close()
    assert process.stderr is not None
    process.stderr.close()


def test_errors_and_results_keep_to_their_streams(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"not,evidence\n1,2\n")
    done = subprocess.run([*PROGRAM, "explain", str(tmp_path / "a.csv")], capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.startswith(b"fervlm: ")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="needs a Unix terminal")
def test_progress_is_shown_to_a_terminal_and_never_mixed_into_results(openface: Write, tmp_path: Path) -> None:
    import pty

    openface("in/a.csv")
    openface("in/b.csv")
    ours, theirs = pty.openpty()
    with (tmp_path / "results.jsonl").open("wb") as results:
        process = subprocess.Popen(
            [*PROGRAM, "explain", str(tmp_path / "in"), "--per", "frame", "--format", "jsonl"],
            stdout=results,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
        )
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # a terminal that nobody writes to any more ends with an error
            while part := os.read(ours, 65536):
                shown += part
        assert process.wait(timeout=60) == 0
    os.close(ours)
    assert b"explained" in shown
    assert b"2/2" in shown
    lines = (tmp_path / "results.jsonl").read_bytes().splitlines()
    assert len(lines) == 4
    assert all(line.startswith(b'{"schema_version"') for line in lines)
