"""Small made-up inputs and the teacher process, for the tests of the factory."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

SERVER = Path(__file__).parent / "teacher_server.py"
AUS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)


def evidence_csv(path: Path, records: int) -> Path:
    """An OpenFace table of AU intensities; every row another face."""
    draw = random.Random(5)
    lines = ["frame,timestamp,confidence,success," + ",".join(f"AU{au:02d}_r" for au in AUS)]
    for k in range(records):
        values = [f"{draw.choice((0, 0, 0, 1.2, 2.1, 3.3, 4.1)):.2f}" for _ in AUS]
        lines.append(f"{k + 1},{k / 25:.3f},0.98,1," + ",".join(values))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@contextmanager
def teacher(port: int = 0, **faults: float) -> Iterator[tuple[str, int]]:
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


def stats(port: int) -> dict[str, int]:
    """What the teacher process has counted: calls, and each injected fault."""
    with urlopen(f"http://127.0.0.1:{port}/stats") as answer:
        counted: dict[str, int] = json.load(answer)
    return counted


def command(source: Path, out: Path, url: str | None, *more: str) -> list[str]:
    """The command line a user would type."""
    given = ["--teacher", url, "--teacher-model", "fixed"] if url else []
    return [sys.executable, "-m", "fervlm", "annotate", str(source), "--out", str(out), "--quiet", *given, *more]


def files(out: Path) -> dict[str, bytes]:
    """Everything in a finished set but the run log and the work folder."""
    found = ((path.relative_to(out), path) for path in sorted(out.rglob("*")) if path.is_file())
    return {
        name.as_posix(): path.read_bytes()
        for name, path in found
        if name.parts[0] != ".work" and name.name != "run_log.jsonl"
    }


def events(out: Path) -> list[dict[str, object]]:
    """The run log."""
    return [json.loads(line) for line in (out / "run_log.jsonl").read_text(encoding="utf-8").splitlines()]
