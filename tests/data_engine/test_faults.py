"""The teacher loop against a real server process that misbehaves in every way an endpoint can."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.data_engine.faces import command, events, evidence_csv, files, stats, teacher


def samples(out: Path) -> list[dict[str, Any]]:
    """Every sample of a finished set, parsed."""
    tables = [pq.read_table(path) for path in sorted((out / "data").glob("*.parquet"))]
    return [json.loads(text) for table in tables for text in table.column("sample").to_pylist()]


def run(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(args, capture_output=True, text=True, check=False)


def test_transport_faults_are_retried_and_change_no_byte(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 150)
    with teacher() as (url, port):
        assert run(*command(source, tmp_path / "calm", url)).returncode == 0
        assert stats(port) == {"calls": 150, "ok": 150}
    with teacher(**{"429": 0.1, "500": 0.1, "cut": 0.1, "junk": 0.1, "slow": 0.03, "slow_s": 3}) as (url, port):
        done = run(*command(source, tmp_path / "rough", url, "--teacher-timeout", "1"))
        counted = stats(port)
    assert done.returncode == 0, done.stderr
    assert all(counted[fault] > 0 for fault in ("429", "500", "cut", "junk", "slow"))
    assert files(tmp_path / "calm") == files(tmp_path / "rough")


def test_answers_that_invent_or_leak_are_sent_back_and_never_stored(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 150)
    with teacher(invents=0.3, leaks=0.3, prose=0.2) as (url, port):
        assert run(*command(source, tmp_path / "set", url)).returncode == 0
        assert stats(port)["calls"] > 150 * 1.5
    rows = samples(tmp_path / "set")
    texts = [" ".join(o["text"] for o in row["caption"]["observations"]) for row in rows]
    assert rows
    assert not any("AU21" in text or "cheerful" in text for text in texts)
    assert {row["caption"]["provenance"]["engine"] for row in rows} == {"teacher rewrite"}


def test_what_never_passes_keeps_its_draft_or_is_dropped(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 60)
    with teacher(invents=1.0) as (url, _):
        one_try = ("--teacher-tries", "1")
        assert run(*command(source, tmp_path / "kept", url, *one_try)).returncode == 0
        assert run(*command(source, tmp_path / "dropped", url, *one_try, "--on-failure", "drop")).returncode == 0
    kept = samples(tmp_path / "kept")
    assert len(kept) == 60
    assert all(row["caption"]["provenance"]["engine"].startswith("fervlm") for row in kept)
    rejects = [json.loads(line) for line in (tmp_path / "dropped" / "rejects.jsonl").read_text().splitlines()]
    assert Counter(row["code"] for row in rejects) == {"teacher_failed": 60}
    assert all("AU21" in row["detail"] or "neck" in row["detail"] for row in rejects)


def test_a_server_that_is_gone_stops_the_run_and_it_resumes(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 120)
    with teacher() as (url, port):
        pass
    gone = run(*command(source, tmp_path / "set", url, "--teacher-retries", "0"))
    assert gone.returncode == 2
    assert "counts as gone" in gone.stderr
    assert "answered calls are not asked again" in gone.stderr
    assert "Traceback" not in gone.stderr
    with teacher(port) as (_, bound):
        assert run(*command(source, tmp_path / "set", url, "--teacher-retries", "0")).returncode == 0
        assert stats(bound)["calls"] >= 100
    assert len(samples(tmp_path / "set")) == 120
    assert any(event["event"] == "stopped" for event in events(tmp_path / "set"))
