"""Small made-up inputs and the teacher process, for the tests of the factory."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

SERVER = Path(__file__).parent / "teacher_server.py"
STOPPED = Path(__file__).parent / "stopped.py"
AUS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
LABELS = ("anger", "happiness", "sadness", "surprise")


def evidence_csv(path: Path, records: int) -> Path:
    """An OpenFace table of AU intensities; every row another face of one recording."""
    draw = random.Random(5)
    lines = ["frame,timestamp,confidence,success," + ",".join(f"AU{au:02d}_r" for au in AUS)]
    for k in range(records):
        values = [f"{draw.choice((0, 0, 0, 1.2, 2.1, 3.3, 4.1)):.2f}" for _ in AUS]
        lines.append(f"{k + 1},{k / 25:.3f},0.98,1," + ",".join(values))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def coded_faces(folder: Path, count: int, seed: int = 1) -> tuple[Path, Path, Path]:
    """`count` different little pictures, their FACS codes (sides, levels) and their labels: (folder, codes, labels)."""
    from PIL import Image

    draw = random.Random(seed)
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    codes, labels = ["file,facs"], ["file,label,subject"]
    for k in range(count):
        grey = bytes(draw.randrange(256) for _ in range(16 * 16))
        name = f"face_{k:04d}.png"
        Image.frombytes("L", (16, 16), grey).resize((48, 48)).save(pictures / name)
        codes.append(f"{name},{facs(draw)}")
        labels.append(f"{name},{draw.choice(LABELS)},s{k % max(2, count // 4)}")
    for path, lines in ((folder / "codes.csv", codes), (folder / "labels.csv", labels)):
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return pictures, folder / "codes.csv", folder / "labels.csv"


def facs(draw: random.Random) -> str:
    """A plausible FACS code with levels, some of it on one side."""
    chosen = draw.sample((1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26), draw.randrange(6))
    return "+".join(f"{draw.choice(('', '', 'L', 'R'))}{au}{draw.choice('ABCDE')}" for au in sorted(chosen)) or "0"


@contextmanager
def teacher(port: int = 0, **faults: float | str) -> Iterator[tuple[str, int]]:
    """A teacher process; gives its base URL and port."""
    process = subprocess.Popen(
        [sys.executable, str(SERVER), str(port), json.dumps(faults)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    bound = int(process.stdout.readline())
    try:
        yield f"http://127.0.0.1:{bound}/v1", bound
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def stats(port: int, path: str = "/stats") -> dict[str, Any]:
    """What the teacher process has counted: calls, each injected fault, tokens, first and last moment."""
    with urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        counted: dict[str, Any] = json.load(answer)
    return counted


def hold(port: int, calls: float = math.inf) -> None:
    """Let the teacher answer so many calls in all and then none, so that a run that needs more cannot end."""
    stats(port, f"/hold/{calls}")


def start(args: list[str]) -> subprocess.Popen[str]:
    """A command as a process of its own that goes on while the test looks at it."""
    return subprocess.Popen(
        args, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def calls_made(process: subprocess.Popen[str], port: int, calls: int) -> None:
    """Wait until the teacher was called so many times; the run must not have ended."""
    while stats(port).get("calls", 0) < calls:
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.005)


def stopped(sent: str, when: str | int, args: list[str], out: Path) -> list[str]:
    """The command line of `args` (of `command`) in a process that signals itself at a file step; see `stopped.py`."""
    return [sys.executable, str(STOPPED), sent, str(when), str(out), *args[3:]]


def command(source: Path, out: Path, url: str | None, *more: str) -> list[str]:
    """The command line a user would type."""
    given = ["--teacher", url, "--teacher-model", "fixed"] if url else []
    return [sys.executable, "-m", "fervlm", "annotate", str(source), "--out", str(out), "--quiet", *given, *more]


def run(*args: str) -> subprocess.CompletedProcess[str]:
    """A command to its end, in a process of its own."""
    return subprocess.run(args, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})


def files(out: Path) -> dict[str, bytes]:
    """Everything in a finished set but the run log and the work folder."""
    found = ((path.relative_to(out), path) for path in sorted(out.rglob("*")) if path.is_file())
    return {
        name.as_posix(): path.read_bytes()
        for name, path in found
        if name.parts[0] != ".work" and name.name != "run_log.jsonl"
    }


def samples(out: Path) -> list[dict[str, Any]]:
    """Every sample of a finished set, parsed."""
    import pyarrow.parquet as pq

    tables = [pq.read_table(path) for path in sorted((out / "data").glob("*.parquet"))]
    return [json.loads(text) for table in tables for text in table.column("sample").to_pylist()]


def rejects(out: Path) -> list[dict[str, Any]]:
    """What left the set."""
    return [json.loads(line) for line in (out / "rejects.jsonl").read_text(encoding="utf-8").splitlines()]


def events(out: Path) -> list[dict[str, Any]]:
    """The run log."""
    return [json.loads(line) for line in (out / "run_log.jsonl").read_text(encoding="utf-8").splitlines()]
