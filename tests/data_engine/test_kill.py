"""Kill -9 at any moment, any number of times: the finished set is byte for byte the uninterrupted one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.data_engine.faces import command, events, evidence_csv, files, run, stats, teacher

RECORDS = 700
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
MOMENTS = (
    ".work/lock",
    ".work/config.json",
    ".work/.evidence.sqlite.part",
    ".work/evidence.sqlite",
    ".work/joined/000000.jsonl",
    ".work/joined.done",
    ".work/drafts/rejects-000000.jsonl",
    ".work/drafts/000001.jsonl",
    ".work/teacher.sqlite-wal",
    ".work/taught/*.jsonl",
    ".work/measured/000000.jsonl",
    ".work/verdicts/*.jsonl",
    "support.json",
    ".work/exported/000000.jsonl",
    "data/.train-00000.part",
    "chat/train-*.parquet",
    "rejects.jsonl",
    "card/numbers.json",
    "README.md",
    ".page.html.*.part",
    "page.html",
    ".work/done.json",
)
"""Files by whose first appearance a run has come to each of its steps."""


def killed_when(args: list[str], out: Path, sign: str) -> bool:
    """Start the command and kill it as soon as a file shows; False where it ended before."""
    process = subprocess.Popen(args, env=ENVIRONMENT, stderr=subprocess.PIPE)
    while process.poll() is None:
        if next(out.glob(sign), None) is not None:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return True
        time.sleep(0.001)
    _, error = process.communicate()
    assert process.returncode == 0, error.decode()
    return False


def run_with_kills(args: list[str], draw: random.Random, kills: int, seconds: float) -> int:
    """Run to the end, killed at random moments up to `kills` times; returns how often it was.

    `seconds` is what the uninterrupted run takes; the first kills fall into its first half.
    """
    for done in range(kills):
        process = subprocess.Popen(args, env=ENVIRONMENT, stderr=subprocess.PIPE)
        try:
            _, error = process.communicate(timeout=seconds * draw.uniform(0.1, 0.5))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            continue
        assert process.returncode == 0, error.decode()
        return done
    last = run(*args)
    assert last.returncode == 0, last.stderr
    return kills


def differing(whole: Path, cut: Path) -> list[str]:
    """Files that one of two sets lacks or that differ."""
    a, b = files(whole), files(cut)
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))


@pytest.mark.timeout(600)
def test_killed_at_every_step_in_turn(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", RECORDS)
    with teacher(invents=0.1, leaks=0.1, prose=0.05) as (url, port):
        assert run(*command(source, tmp_path / "whole", url)).returncode == 0
        paid = stats(port)["calls"]
        out = tmp_path / "cut"
        args = command(source, out, url)
        # A file that lies there from the cut before is no sign: from then on only what comes after it is waited for.
        killed = [sign for sign in MOMENTS if next(out.glob(sign), None) is None and killed_when(args, out, sign)]
        last = run(*args)
        paid_again = stats(port)["calls"] - paid
    assert last.returncode == 0, last.stderr
    assert len(killed) >= 14, killed
    assert differing(tmp_path / "whole", out) == []
    repeated = max(e["repeated_after_a_cut"] for e in events(out) if e["event"] == "teacher")
    # Only calls that were in flight when the process died go out again; they are counted, and some had not even left.
    assert paid <= paid_again <= paid + repeated
    assert repeated <= 16 * len(killed)
    assert not list(out.rglob("*.part*"))
    assert {path.name for path in (out / ".work").iterdir()} == {"config.json", "done.json", "lock", "teacher.sqlite"}


@pytest.mark.timeout(600)
def test_killed_at_random_moments(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", RECORDS)
    with teacher(invents=0.1, leaks=0.1, prose=0.05, delay=0.01) as (url, port):
        start = time.monotonic()
        assert run(*command(source, tmp_path / "whole", url)).returncode == 0
        seconds = time.monotonic() - start
        paid = stats(port)["calls"]
        kills = run_with_kills(command(source, tmp_path / "cut", url), random.Random(11), 6, seconds)
        paid_again = stats(port)["calls"] - paid
    assert kills >= 3
    assert differing(tmp_path / "whole", tmp_path / "cut") == []
    repeated = max(e["repeated_after_a_cut"] for e in events(tmp_path / "cut") if e["event"] == "teacher")
    assert paid <= paid_again <= paid + repeated
    assert repeated <= 16 * kills


@pytest.mark.timeout(600)
def test_killed_with_two_workers(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 2 * RECORDS)
    start = time.monotonic()
    assert run(*command(source, tmp_path / "whole", None)).returncode == 0
    seconds = time.monotonic() - start
    args = command(source, tmp_path / "cut", None, "--workers", "2")
    assert run_with_kills(args, random.Random(3), 4, seconds) >= 2
    assert differing(tmp_path / "whole", tmp_path / "cut") == []


def test_workers_end_with_a_driver_that_is_killed(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 2 * RECORDS)
    out = tmp_path / "set"
    driver = subprocess.Popen(command(source, out, None, "--workers", "2"), env=ENVIRONMENT, stderr=subprocess.DEVNULL)
    while not (out / ".work" / "drafts" / "000000.jsonl").exists():
        time.sleep(0.005)
    workers = children(driver.pid)
    assert len(workers) >= 2
    driver.kill()
    driver.wait()
    deadline = time.monotonic() + 20
    while (left := [pid for pid in workers if running(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def children(parent: int) -> list[int]:
    """Process ids whose parent this is."""
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if status(int(folder.name))[1:] == (parent,)]


def running(pid: int) -> bool:
    """Whether a process lives (a dead one that nobody has buried does not)."""
    return status(pid)[:1] not in {(), ("Z",)}


def status(pid: int) -> tuple[str, int] | tuple[()]:
    """State and parent of a process; empty where there is none."""
    try:
        fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ()
    return fields[0], int(fields[1])


def test_two_runs_on_one_folder_at_once(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", RECORDS)
    out = tmp_path / "set"
    first = subprocess.Popen(command(source, out, None), env=ENVIRONMENT, stderr=subprocess.PIPE)
    while not (out / ".work" / "config.json").exists():
        time.sleep(0.001)
    for more in ((), ("--seed", "4"), ("--restart",)):
        second = run(*command(source, out, None, *more))
        assert second.returncode == 2
        assert "another run is at work in this folder" in second.stderr
        assert len(second.stderr.splitlines()) == 1
        if first.poll() is not None:
            break
    assert first.wait() == 0
    assert first.stderr is not None
    first.stderr.close()
    assert run(*command(source, tmp_path / "alone", None)).returncode == 0
    assert differing(tmp_path / "alone", out) == []


def test_half_a_log_line_stays_half_a_line(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 20)
    out = tmp_path / "set"
    assert killed_when(command(source, out, None), out, ".work/config.json")
    with (out / "run_log.jsonl").open("ab") as log:
        log.write(b'{"t": 1, "event": "prog')
    assert run(*command(source, out, None)).returncode == 0
    lines = (out / "run_log.jsonl").read_bytes().splitlines()
    assert lines.count(b'{"t": 1, "event": "prog') == 1
    assert lines[-1].endswith(b"}")
