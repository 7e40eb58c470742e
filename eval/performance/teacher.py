"""How well `fervlm annotate` keeps a teacher busy: beside a bare load generator on the same server, in the same run.

The server (`answering.py`) is a process of its own whose greatest rate is known. The bare generator (`bare_load.py`)
keeps as many requests out as the engine does, sends what the engine sent before, and ignores the answers. Both
are timed by the server, from the first request to the last answer, turn about; the medians are compared.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from eval.performance.clips import write_synthetic
from eval.performance.figure import Figure

GOAL = 0.95
CONCURRENCY = 16
"""Calls that the engine has out at once by default; the server works on as many, so that it idles when one is late."""
_SERVERS = ((0.5, 384), (0.25, 640))
"""Seconds an answer takes, and faces that are asked about."""
_TURNS = ("engine", "bare", "bare", "engine", "engine", "bare")


def teacher() -> list[Figure]:
    """Answers a second that the engine gets, as a share of what the bare generator gets."""
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for seconds, faces in _SERVERS:
            rates = _rates(Path(folder), seconds, faces)
            engine, bare = (statistics.median(rates[who]) for who in ("engine", "bare"))
            note = f"{engine:.1f} of {bare:.1f} answers/s; {CONCURRENCY} at once, {seconds} s each, {faces} faces"
            figures.append(Figure("teacher kept busy", engine / bare, "of bare", GOAL, note=note))
    return figures


def _rates(folder: Path, seconds: float, faces: int) -> dict[str, list[float]]:
    table, record, sent, out = (folder / name for name in ("faces.csv", "requests.jsonl", "sent.jsonl", "set"))
    write_synthetic(table, faces)
    rates: dict[str, list[float]] = {"engine": [], "bare": []}
    record.unlink(missing_ok=True)
    with _server(seconds, record) as port:
        for turn, who in enumerate(_TURNS):
            if who == "engine":
                url = ["--teacher", f"http://127.0.0.1:{port}/v1", "--teacher-model", "fixed"]
                _run("fervlm", "annotate", str(table), "--out", str(out), "--restart", "--quiet", *url)
            else:
                _run("eval.performance.bare_load", str(port), str(CONCURRENCY), str(sent))
            counted = _counts(port)
            if turn == 0:
                sent.write_bytes(record.read_bytes())
            rates[who].append(counted["answers"] / counted["seconds"])
    return rates


def _run(module: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", module, *arguments], env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True)


@contextmanager
def _server(seconds: float, record: Path) -> Iterator[int]:
    script = Path(__file__).with_name("answering.py")
    command = [sys.executable, str(script), str(seconds), str(CONCURRENCY), str(record)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _counts(port: int) -> dict[str, float]:
    with urlopen(f"http://127.0.0.1:{port}/counts") as answer:
        counted: dict[str, float] = json.load(answer)
    return counted
