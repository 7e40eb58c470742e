"""Kill -9 at random moments, any number of times: the finished set is byte for byte the uninterrupted one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.data_engine.faces import command, events, evidence_csv, files, stats, teacher

RECORDS = 700


def run_with_kills(args: list[str], draw: random.Random, longest: float) -> int:
    """Run until it finishes, killing the process at random moments; returns how often it was killed."""
    kills = 0
    while True:
        process = subprocess.Popen(args, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE)
        try:
            process.wait(timeout=draw.uniform(0.2, longest) if kills < 25 else None)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
            continue
        _, error = process.communicate()
        assert process.returncode == 0, error.decode()
        return kills


@pytest.mark.timeout(600)
def test_kills_change_nothing_and_answers_are_paid_once(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", RECORDS)
    with teacher(invents=0.1, leaks=0.1, prose=0.05, delay=0.002) as (url, port):
        start = time.monotonic()
        subprocess.run(command(source, tmp_path / "whole", url), check=True, capture_output=True)
        seconds = time.monotonic() - start
        paid = stats(port)["calls"]
        kills = run_with_kills(command(source, tmp_path / "cut", url), random.Random(11), 0.6 * seconds)
        paid_again = stats(port)["calls"] - paid
    assert kills >= 3
    whole, cut = files(tmp_path / "whole"), files(tmp_path / "cut")
    assert whole.keys() == cut.keys()
    assert [name for name in whole if whole[name] != cut[name]] == []
    # Only calls that were in flight when the process died go out again, and they are counted.
    repeated = max(int(str(e["repeated_after_a_cut"])) for e in events(tmp_path / "cut") if e["event"] == "teacher")
    assert paid_again == paid + repeated
    assert repeated <= 16 * kills


@pytest.mark.timeout(600)
def test_kills_without_a_teacher_and_with_two_workers(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 4 * RECORDS)
    start = time.monotonic()
    subprocess.run(command(source, tmp_path / "whole", None), check=True, capture_output=True)
    seconds = time.monotonic() - start
    args = command(source, tmp_path / "cut", None, "--workers", "2")
    assert run_with_kills(args, random.Random(3), 0.6 * seconds) >= 2
    assert files(tmp_path / "whole") == files(tmp_path / "cut")
