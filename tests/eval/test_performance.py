"""The measurements measure what they say: the files are real OpenFace files, the figures know their targets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.__main__ import main
from eval.catalogue import measured_alone
from eval.performance import Figure, as_table, measure
from eval.performance.clips import write_repeated, write_synthetic
from eval.performance.explain import startup, throughput
from fervlm.readers import detect_format, read
from fervlm.reasoning.observe import observe


def test_a_synthetic_recording_is_an_openface_file_with_varied_faces(tmp_path: Path) -> None:
    path = tmp_path / "synthetic.csv"
    write_synthetic(path, 2000)
    assert detect_format(path) == "openface2"
    records = list(read(path))
    assert [record.frame for record in records] == list(range(1, 2001))
    evidence = [observe(record) for record in records]
    assert len({e.signature for e in evidence}) > 500
    active = [len(e.active) for e in evidence]
    assert 1 < sum(active) / len(active) < 6
    assert {record.readings[0].scale for record in records} == {"intensity_0_5"}


def test_a_repeated_clip_keeps_its_values_and_counts_on(tmp_path: Path) -> None:
    source, long = tmp_path / "short.csv", tmp_path / "long.csv"
    write_synthetic(source, 7)
    assert write_repeated(source, long, 3) == 21
    once, again = list(read(source)), list(read(long))
    assert [record.frame for record in again] == list(range(1, 22))
    assert [record.readings for record in again] == [record.readings for record in once] * 3
    times = [record.time_s for record in again]
    assert times == sorted(set(times))


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (Figure("a", 5, "s", 4), True),
        (Figure("a", 3, "s", 4), False),
        (Figure("a", 5, "s", 4, "lower"), False),
        (Figure("a", 3, "s", 4, "lower"), True),
        (Figure("a", 3, "s"), None),
    ],
)
def test_a_figure_knows_whether_its_target_is_met(figure: Figure, met: bool | None) -> None:
    assert figure.met is met
    assert ("MISSED" in as_table([figure])) == (met is False)


def test_figures_are_taken_from_real_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FERVLM_DATA", raising=False)
    figures = throughput(rows=60) + startup(runs=1)
    assert {figure.unit for figure in figures} == {"records/s", "s"}
    assert all(figure.value > 0 for figure in figures)
    plain, cached = figures[:2]
    assert (plain.name, cached.name) == ("explain, no cache", "explain, bounded cache")


def test_memory_is_measured_for_each_size() -> None:
    small, large = measure("memory", [20, 40])
    assert (small.name, large.name) == ("peak memory, 20 rows", "peak memory, 40 rows")
    assert 20 < small.value < 2000
    assert small.target is None
    assert large.target is not None


def test_the_command_prints_json_and_refuses_unknown_names(capsys: pytest.CaptureFixture[str]) -> None:
    main(["performance", "memory", "--rows", "5", "--json"])
    (figure,) = json.loads(capsys.readouterr().out)
    assert figure["name"] == "peak memory, 5 rows"
    with pytest.raises(SystemExit, match="known: throughput"):
        main(["performance", "speed"])


def test_benchmarks_are_run_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert measured_alone() == ["ckplus_facs", "faces", "planted_faults"]
    with pytest.raises(SystemExit) as ended:
        main(["benchmark", "ckplus_facs", "--help"])
    assert ended.value.code == 0
    assert "--data" in capsys.readouterr().out
