"""The teacher loop against a real server process that misbehaves in every way an endpoint can."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.data_engine.faces import (
    calls_made,
    command,
    events,
    evidence_csv,
    files,
    hold,
    rejects,
    run,
    samples,
    start,
    stats,
    teacher,
)


def test_transport_faults_are_retried_and_change_no_byte(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 150)
    with teacher() as (url, port):
        done = run(*command(source, tmp_path / "calm", url))
        assert done.returncode == 0, done.stderr
        calm = stats(port)
    assert (calm["calls"], calm["ok"]) == (150, 150)
    with teacher(**{"429": 0.1, "500": 0.1, "cut": 0.1, "junk": 0.1, "slow": 0.03, "slow_s": 3}) as (url, port):
        done = run(*command(source, tmp_path / "rough", url, "--teacher-timeout", "1"))
        rough = stats(port)
    assert done.returncode == 0, done.stderr
    assert all(rough[fault] > 0 for fault in ("429", "500", "cut", "junk", "slow"))
    assert files(tmp_path / "calm") == files(tmp_path / "rough")
    told = next(event for event in events(tmp_path / "rough") if event["event"] == "teacher")
    assert told["retried"] == rough["calls"] - 150 > 0
    assert told["answers"] == 150


def test_tokens_are_counted_as_the_server_counts_them(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 60)
    with teacher(prose=0.3) as (url, port):
        assert run(*command(source, tmp_path / "set", url)).returncode == 0
        counted = stats(port)
    told = events(tmp_path / "set")
    total = next(event for event in told if event["event"] == "teacher")
    stage = next(event for event in told if event["event"] == "stage_done" and event["stage"] == "teacher")
    assert total["tokens"] == stage["tokens"] == counted["tokens"] > 0
    assert total["answers"] == counted["calls"] > 60


def test_answers_that_invent_or_leak_are_sent_back_and_never_stored(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 150)
    with teacher(invents=0.3, leaks=0.3, prose=0.2) as (url, port):
        assert run(*command(source, tmp_path / "set", url)).returncode == 0
        counted = stats(port)
    assert counted["repairs"] > 75
    assert counted["calls"] == 150 + counted["repairs"]
    rows = samples(tmp_path / "set")
    texts = [" ".join(o["text"] for o in row["caption"]["observations"]) for row in rows]
    assert len(rows) == 150
    assert not any("AU21" in text or "cheerful" in text for text in texts)
    assert {row["caption"]["provenance"]["engine"] for row in rows} == {"teacher rewrite"}


def test_what_never_passes_keeps_its_draft_or_is_dropped(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 60)
    with teacher(invents=1.0) as (url, _):
        one_try = ("--teacher-tries", "1")
        assert run(*command(source, tmp_path / "kept", url, *one_try)).returncode == 0
        # A set without a single sample is an error, so the failing faces get company that needs no teacher's word.
        dropped = run(*command(source, tmp_path / "dropped", url, *one_try, "--teacher-failure", "drop"))
    assert dropped.returncode == 2
    assert "nothing is left for the set (60 teacher_failed)" in dropped.stderr
    kept = samples(tmp_path / "kept")
    assert len(kept) == 60
    assert all(row["caption"]["provenance"]["engine"].startswith("fervlm") for row in kept)
    left = rejects(tmp_path / "dropped")
    assert Counter(row["code"] for row in left) == {"teacher_failed": 60}
    assert all("AU21" in row["detail"] or "neck" in row["detail"] for row in left)


def test_a_server_that_is_gone_stops_the_run_and_it_resumes(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 120)
    with teacher() as (_, port):
        url = f"http://127.0.0.1:{port}/v1"
    gone = run(*command(source, tmp_path / "set", url, "--teacher-retries", "0"))
    assert gone.returncode == 2
    assert "counts as gone" in gone.stderr
    assert "answered calls are not asked again" in gone.stderr
    assert "Traceback" not in gone.stderr
    assert len(gone.stderr.splitlines()) == 1
    assert not (tmp_path / "set" / "data").exists()
    with teacher(port) as (_, bound):
        assert run(*command(source, tmp_path / "set", url, "--teacher-retries", "0")).returncode == 0
        # No face was given up while the server was away.
        assert stats(bound)["calls"] == 120
    taught = [row["caption"]["provenance"]["engine"] for row in samples(tmp_path / "set")]
    assert taught == ["teacher rewrite"] * 120
    assert any(event["event"] == "stopped" for event in events(tmp_path / "set"))


def test_a_server_that_dies_half_way_loses_no_answer(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 400)
    with teacher() as (url, _):
        assert run(*command(source, tmp_path / "whole", url)).returncode == 0
    args = command(source, tmp_path / "set", None)
    with teacher() as (url, port):
        given = ("--teacher", url, "--teacher-model", "fixed", "--teacher-retries", "1")
        hold(port, 200)
        process = start([*args, *given])
        calls_made(process, port, 100)
    _, error = process.communicate()
    assert process.returncode == 2
    assert "does not answer" in error
    with teacher(port) as (_, bound):
        assert run(*args, *given).returncode == 0
        assert stats(bound)["calls"] <= 400 - 100 + 16
    assert files(tmp_path / "whole") == files(tmp_path / "set")


def test_one_request_that_always_fails_is_that_face_s_failure(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 100)
    with teacher(**{"400": 0.1}) as (url, port):
        done = run(*command(source, tmp_path / "set", url))
        refused = stats(port)["400"]
    assert done.returncode == 0, done.stderr
    engines = Counter(row["caption"]["provenance"]["engine"].split()[0] for row in samples(tmp_path / "set"))
    assert engines == {"teacher": 100 - refused, "fervlm": refused}
    assert refused > 0


@pytest.mark.parametrize("status", ["500", "400"])
def test_a_server_that_fails_every_call_is_not_asked_for_ever(tmp_path: Path, status: str) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 400)
    with teacher(**{status: 1.0}) as (url, port):
        done = run(*command(source, tmp_path / "set", url, "--teacher-retries", "1"))
        calls = stats(port)["calls"]
    assert done.returncode == 2
    assert "failed 20 calls in a row" in done.stderr
    assert f"HTTP {status}" in done.stderr
    assert calls < 150


def test_a_wrong_address_is_one_sentence(tmp_path: Path) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 5)
    for url in ("not a url", "http://", "ftp://host/v1", "http://[::1/v1", "http://no-such-host.invalid/v1"):
        done = run(*command(source, tmp_path / "set", url, "--teacher-retries", "0"), "--restart")
        assert done.returncode == 2, url
        assert "Traceback" not in done.stderr, done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_ends_cleanly_and_resumes(tmp_path: Path, sign: signal.Signals) -> None:
    source = evidence_csv(tmp_path / "faces.csv", 300)
    with teacher() as (url, port):
        args = command(source, tmp_path / "set", url)
        hold(port, 100)
        process = start(args)
        calls_made(process, port, 50)
        process.send_signal(sign)
        _, error = process.communicate()
        hold(port)
        assert process.returncode == 128 + sign
        assert "Traceback" not in error, error
        assert not list((tmp_path / "set").rglob("*.part*"))
        assert run(*args).returncode == 0
        assert stats(port)["calls"] <= 300 + 16
    assert len(samples(tmp_path / "set")) == 300
