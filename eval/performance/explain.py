"""How fast and how flat the main job runs: read, explain and verify an OpenFace 2 recording frame by frame, one core.

Every figure is taken in a process of its own with one thread. "no cache" judges every sentence from its text each time;
"bounded cache" keeps explanations and judged sentences as `fervlm explain` does, empty at the start. The clock is the
process's own (CPU seconds), so that other work on the machine does not count; it runs while the file is read, the
records are made, explained and verified, after a warm-up record has loaded the tables. JSON is written, and loading
counts, only where the figure says so.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from eval.performance.clips import write_repeated, write_synthetic
from eval.performance.figure import Figure
from fervlm.cli.predictions import CACHED

MIB = 1024 * 1024
PROGRAM = "from fervlm.cli.main import run; run()"
REAL_CLIPS = ("facsvatar_2people_p0_clean.csv", "facsvatar_demo_raw.csv")
TIMED = """
import itertools, sys, time
from fervlm.predict.rules import Explainer
from fervlm.readers import read
for record in itertools.islice(read(sys.argv[1]), 1):
    Explainer().explain(record)
engine = Explainer(cache_size=int(sys.argv[2]))
made = 0
start = time.process_time()
for prediction in engine.explain_all(read(sys.argv[1])):
    made += 1
print(made, time.process_time() - start)
"""


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}


def _python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=_environment(), check=True, capture_output=True, text=True).stdout


def _rate(path: Path, cache_size: int) -> tuple[int, float]:
    """(records, records per second): the better of two runs, since other work on the machine only ever slows one."""
    runs = [_python(TIMED, str(path), str(cache_size)).split() for _ in range(2)]
    return int(runs[0][0]), max(int(made) / float(seconds) for made, seconds in runs)


def throughput(rows: int = 5_000) -> list[Figure]:
    """Records per second: without any cache on a synthetic recording, with the bounded cache on real clips."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "synthetic.csv")
        write_synthetic(path, rows)
        made, rate = _rate(path, 0)
        figures.append(Figure("explain, no cache", rate, "records/s", 1000, note=f"synthetic, {made:,} frames"))
        made, rate = _rate(path, CACHED)
        figures.append(Figure("explain, bounded cache", rate, "records/s", note=f"synthetic, {made:,} frames"))
        figures.append(_command_line(path, rows))
        for name in REAL_CLIPS:
            figures += _real_clip(name, Path(folder), CACHED)
    return figures


def _command_line(path: Path, rows: int) -> Figure:
    start = time.perf_counter()
    _python(PROGRAM, "explain", str(path), "--per", "frame", "--format", "jsonl", "--out", os.devnull)
    rate = rows / (time.perf_counter() - start)
    return Figure("fervlm explain to jsonl", rate, "records/s", note=f"synthetic, {rows:,} frames, start included")


def _real_clip(name: str, folder: Path, cache_size: int) -> list[Figure]:
    data = os.environ.get("FERVLM_DATA")
    source = Path(data or ".", "au", "openface2", name)
    if data is None or not source.is_file():
        print(f"{name}: left out, set FERVLM_DATA to the folder that holds au/openface2", file=sys.stderr)
        return []
    made, plain = _rate(source, 0)
    _, once = _rate(source, cache_size)
    long = folder / name
    repeated = write_repeated(source, long, max(1, 10_000 // made))
    _, again = _rate(long, cache_size)
    return [
        Figure("explain, no cache", plain, "records/s", 1000, note=f"{name}, {made:,} frames"),
        Figure("explain, bounded cache", once, "records/s", 4000, note=f"{name}, {made:,} frames"),
        Figure("explain, bounded cache", again, "records/s", 4000, note=f"{name} repeated to {repeated:,} frames"),
    ]


def startup(runs: int = 7) -> list[Figure]:
    """Seconds from a cold process to its end, median: the help, one record explained from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "one.csv")
        write_synthetic(path, 1)
        return [
            Figure("fervlm --help", _median(["--help"], runs), "s", 0.4, "lower", f"median of {runs} processes"),
            Figure("one record explained", _median(["explain", str(path)], runs), "s", 1.0, "lower", "text, checked"),
        ]


def _median(arguments: list[str], runs: int) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        _python(PROGRAM, *arguments)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def memory(sizes: Sequence[int]) -> list[Figure]:
    """Peak resident memory of `fervlm explain --per frame --format jsonl` for each number of rows; should be flat."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        for rows in sizes:
            path = Path(folder, "long.csv")
            write_synthetic(path, rows)
            start = time.perf_counter()
            peak = _peak_mib(["explain", str(path), "--per", "frame", "--format", "jsonl", "--out", os.devnull])
            note = f"{rows / (time.perf_counter() - start):,.0f} records/s"
            limit = figures[0].value * 1.25 if figures else None
            figures.append(Figure(f"peak memory, {rows:,} rows", peak, "MiB", limit, "lower", note))
    return figures


def _peak_mib(arguments: list[str]) -> float:
    code = f"import json, resource, sys\ntry:\n    {PROGRAM}\nfinally:\n    " + (
        "print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))"
    )
    kilobytes: int = json.loads(_python(code, *arguments).splitlines()[-1])
    return kilobytes * 1024 / MIB
