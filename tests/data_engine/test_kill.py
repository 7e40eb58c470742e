"""Kill -9 at any moment, any number of times: the finished set is byte for byte the uninterrupted one.

Moments are counted in what the run has done (calls, files), never in seconds, and a teacher that holds its answers back
keeps a run from ending before its kill: so every kill happens, however fast the machine is.
"""

from __future__ import annotations

import random
import signal
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.data_engine.faces import (
    calls_made,
    command,
    events,
    evidence_csv,
    files,
    hold,
    run,
    start,
    stats,
    stopped,
    teacher,
)

RECORDS = 700
MOMENTS = (
    ".work/lock",
    ".work/config.json",
    ".work/.evidence.sqlite.part",
    ".work/evidence.sqlite",
    ".work/joined/000000.jsonl",
    ".work/joined.done",
    ".work/drafts/rejects-000000.jsonl",
    ".work/drafts/000001.jsonl",
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
IN_FLIGHT = 16
"""Calls that are out at once, unless told otherwise."""


def killed_at(when: str | int, args: list[str], out: Path) -> bool:
    """Run the command, killed at a file step; False where it ended before that came."""
    done = run(*stopped("SIGKILL", when, args, out))
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode != 0


def killed_after(calls: int, args: list[str], port: int) -> None:
    """Run the command, killed from outside as soon as the teacher was called so many times in all."""
    hold(port, calls + IN_FLIGHT)
    process = start(args)
    calls_made(process, port, calls)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    hold(port)


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
        fresh = [sign for sign in MOMENTS if not any(out.glob(sign)) and killed_at(sign, args, out)]
        last = run(*args)
        paid_again = stats(port)["calls"] - paid
    assert last.returncode == 0, last.stderr
    assert len(fresh) >= 14, fresh
    assert differing(tmp_path / "whole", out) == []
    repeated = max(e["repeated_after_a_cut"] for e in events(out) if e["event"] == "teacher")
    # Only calls that were in flight when the process died go out again; they are counted, and some had not even left.
    assert paid <= paid_again <= paid + repeated
    assert repeated <= IN_FLIGHT * len(fresh)
    assert not list(out.rglob("*.part*"))
    assert {path.name for path in (out / ".work").iterdir()} == {"config.json", "done.json", "lock", "teacher.sqlite"}


@pytest.mark.timeout(600)
def test_killed_at_random_moments(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", RECORDS)
    draw = random.Random(11)
    with teacher(invents=0.1, leaks=0.1, prose=0.05) as (url, port):
        assert run(*command(source, tmp_path / "whole", url)).returncode == 0
        paid = stats(port)["calls"]
        out = tmp_path / "cut"
        args = command(source, out, url)
        early = [killed_at(draw.randint(2, 12), args, out) for _ in range(2)]
        moments = sorted(draw.sample(range(1, RECORDS), 4))
        for calls in moments:
            killed_after(paid + calls, args, port)
        late = [killed_at(draw.randint(3, 15), args, out) for _ in range(2)]
        assert run(*args).returncode == 0
        paid_again = stats(port)["calls"] - paid
    assert early + late == [True] * 4
    assert differing(tmp_path / "whole", out) == []
    repeated = max(e["repeated_after_a_cut"] for e in events(out) if e["event"] == "teacher")
    assert paid <= paid_again <= paid + repeated
    assert repeated <= IN_FLIGHT * (len(moments) + len(early + late))


@pytest.mark.timeout(600)
def test_killed_with_two_workers(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 2 * RECORDS)
    whole, out, draw = tmp_path / "whole", tmp_path / "cut", random.Random(3)
    done = run(*stopped("SIGKILL", 0, command(source, whole, None), whole))
    assert done.returncode == 0, done.stderr
    steps = int(done.stdout)
    args = command(source, out, None, "--workers", "2")
    # A run that goes on makes no more steps of the rest than it makes in all: the moments lie in its first nine tenths.
    moments = [0, *sorted(draw.sample(range(2, 9 * steps // 10), 4))]
    assert [killed_at(b - a, args, out) for a, b in pairwise(moments)] == [True] * 4
    assert run(*args).returncode == 0
    assert differing(whole, out) == []


def test_workers_end_with_a_driver_that_is_killed(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 2 * RECORDS)
    out = tmp_path / "set"
    args = command(source, out, None, "--workers", "2")
    driver = start(stopped("SIGSTOP", ".work/drafts/000000.jsonl", args, out))
    while status(driver.pid)[:1] != ("T",):
        assert driver.poll() is None
        time.sleep(0.005)
    workers = children(driver.pid)
    assert len(workers) >= 2
    driver.kill()
    driver.communicate()
    deadline = time.monotonic() + 60
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
    source = evidence_csv(tmp_path / "faces.csv", 100)
    out = tmp_path / "set"
    with teacher() as (url, port):
        assert run(*command(source, tmp_path / "alone", url)).returncode == 0
        hold(port, 110)
        first = start(command(source, out, url))
        calls_made(first, port, 110)
        for more in ((), ("--seed", "4"), ("--restart",)):
            second = run(*command(source, out, url, *more))
            assert second.returncode == 2
            assert "another run is at work in this folder" in second.stderr
            assert len(second.stderr.splitlines()) == 1
        hold(port)
        _, error = first.communicate()
    assert first.returncode == 0, error
    assert differing(tmp_path / "alone", out) == []


def test_half_a_log_line_stays_half_a_line(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 20)
    out = tmp_path / "set"
    assert killed_at(".work/config.json", command(source, out, None), out)
    with (out / "run_log.jsonl").open("ab") as log:
        log.write(b'{"t": 1, "event": "prog')
    assert run(*command(source, out, None)).returncode == 0
    lines = (out / "run_log.jsonl").read_bytes().splitlines()
    assert lines.count(b'{"t": 1, "event": "prog') == 1
    assert lines[-1].endswith(b"}")
