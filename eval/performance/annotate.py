"""How fast and how flat `fervlm annotate` runs without a teacher: the whole command, each figure in a new process.

Speed is records (joined faces) per CPU second of the process and all its children, start-up, reading, joining, plots
and card included: other work on the machine does not count as time, though it makes each second do less. Memory is the
largest resident set of the driver, and of the largest of its workers.
"""

from __future__ import annotations

import csv
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from eval.performance.figure import Figure

GOAL = 600
FLAT = 1.25
"""A larger run may hold so many times the memory of the smallest."""
_FACES = "au/mediapipe/blendshapes_dev_faces.csv"
_PACK = "au/mediapipe/blendshapes_faces_pack.parquet"
_DRAWN = 4_000
_POOL = 256
_INTENSITIES = "au_table:scale=intensity_0_5"


def annotate() -> list[Figure]:
    """Records per second and core with pictures by path: real sets where `FERVLM_DATA` has them, and a drawn one."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        data = os.environ.get("FERVLM_DATA")
        if data is None or not Path(data, _PACK).is_file():
            print("real faces: left out, set FERVLM_DATA to the folder that holds faces_pack/ and au/", file=sys.stderr)
        else:
            pictures = _unpacked(Path(data, "faces_pack"), here / "pack")
            figures.append(_rate("annotate, face pack", here, [pictures, "--au", str(Path(data, _PACK))], GOAL))
            more = [str(Path(data, "faces")), "--au", str(Path(data, _FACES))]
            figures.append(_rate("annotate, faces", here, more))
        drawn, table = _drawn(here / "drawn", _DRAWN)
        figures.append(
            _rate(
                "annotate, no two faces alike", here, [str(drawn), "--au", str(table), "--input-format", _INTENSITIES]
            )
        )
    return figures


def _rate(name: str, here: Path, arguments: list[str], goal: float | None = None) -> Figure:
    out = here / "set"
    spent = _Spent(["annotate", *arguments, "--out", str(out), "--restart", "--quiet"])
    faces = _faces(out)
    note = f"{faces:,} pictures by path, {spent.cpu:.0f} CPU s, {spent.wall:.0f} s, {spent.driver:.0f} MiB"
    return Figure(name, faces / spent.cpu, "records/s", goal, note=note)


def _faces(out: Path) -> int:
    """Joined faces of a run, as its log tells them."""
    events = [json.loads(line) for line in (out / "run_log.jsonl").read_text(encoding="utf-8").splitlines()]
    done = [event for event in events if event["event"] == "stage_done" and event["stage"] == "ingest"]
    return int(done[-1]["passed"])


class _Spent:
    """A `fervlm` command run to its end: CPU and wall seconds, and the largest memory of its processes in MiB.

    Memory is the high-water mark that the system keeps for each process (`VmHWM`), looked at ten times a second: the
    usage that `wait4` gives also counts what the parent held when it started the child.
    """

    def __init__(self, arguments: list[str]) -> None:
        command = [sys.executable, "-m", "fervlm", *arguments]
        start = time.perf_counter()
        child = os.spawnvpe(os.P_NOWAIT, command[0], command, {**os.environ, "OMP_NUM_THREADS": "1"})
        self.driver = self.worker = 0.0
        ended = 0
        while not ended:
            self.driver = max(self.driver, _high_water(child))
            self.worker = max([self.worker, *(_high_water(worker) for worker in _children(child))])
            time.sleep(0.1)
            ended, status, used = os.wait4(child, os.WNOHANG)  # the usage of this process and of those it waited for
        if status:
            raise SystemExit(f"failed: {' '.join(command)}")
        self.wall = time.perf_counter() - start
        self.cpu = used.ru_utime + used.ru_stime


def _high_water(pid: int) -> float:
    """The most memory a process had, in MiB; 0 where it is gone."""
    try:
        told = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    line = next((line for line in told.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return int(line.split()[1]) / 1024


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def _unpacked(source: Path, target: Path) -> str:
    """The pack's pictures as files beside a manifest, whose path is returned."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    target.mkdir()
    manifest = target / "manifest.csv"
    with manifest.open("w", encoding="utf-8", newline="") as handle:
        rows = csv.writer(handle)
        rows.writerow(["file", "label", "split", "source", "subject"])
        for table in sorted(source.glob("*.parquet")):
            for batch in pq.ParquetFile(table).iter_batches(1_000):
                for row in batch.to_pylist():
                    name = row["image"]["path"]
                    (target / name).parent.mkdir(parents=True, exist_ok=True)
                    (target / name).write_bytes(row["image"]["bytes"])
                    rows.writerow([name, *(row[key] for key in ("label", "split", "source", "subject"))])
    return str(manifest)


def _drawn(target: Path, count: int) -> tuple[Path, Path]:
    """Little grey pictures that all differ, and AU intensities of a dense kind: about seven of 17 AUs on every face."""
    from PIL import Image  # noqa: PLC0415

    target.mkdir()
    draw = random.Random(1)
    aus = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
    table = target.with_suffix(".csv")
    with table.open("w", encoding="utf-8", newline="") as handle:
        rows = csv.writer(handle)
        rows.writerow(["file", *(f"AU{au:02d}" for au in aus)])
        for k in range(count):
            name = f"{k:05d}.png"
            grey = Image.frombytes("L", (8, 8), draw.randbytes(64))
            grey.resize((48, 48)).save(target / name)
            rows.writerow([name, *(draw.choice((0, 0, 0, 0, 1.2, 2.1, 3.3)) for _ in aus)])
    return target, table


def annotate_memory(sizes: Sequence[int], workers: int = 2) -> list[Figure]:
    """Peak memory for each number of faces with pictures by path, driver and largest worker; should be flat.

    Pictures and evidence come from small pools, so that a large run takes minutes: every name is a link to one of
    `_POOL` pictures, and evidence repeats after `_POOL` rows. Looking for near duplicates is off, since all are.
    """
    figures: list[Figure] = []
    least: dict[str, float] = {}
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            here = Path(folder)
            pictures, table = _linked(here, rows)
            recipe = here / "recipe.yaml"
            recipe.write_text("gate:\n  duplicate_bits: -1\n", encoding="utf-8")
            source = [str(pictures), "--au", str(table), "--input-format", _INTENSITIES, "--recipe", str(recipe)]
            settings = ["--restart", "--quiet", "--workers", str(workers)]
            spent = _Spent(["annotate", *source, "--out", str(here / "set"), *settings])
            note = f"{workers} workers, {spent.wall:,.0f} s, {_faces(here / 'set') / spent.cpu:,.0f} faces per CPU s"
            for who, peak in (("driver", spent.driver), ("worker", spent.worker)):
                limit = least[who] * FLAT if who in least else None
                least.setdefault(who, peak)
                figures.append(Figure(f"annotate memory, {rows:,} faces, {who}", peak, "MiB", limit, "lower", note))
    return figures


def _linked(here: Path, count: int) -> tuple[Path, Path]:
    """A folder of `count` pictures, a thousand to a subfolder, and their AU table, both from pools of `_POOL`."""
    pool, pool_table = _drawn(here / "pool", _POOL)
    with pool_table.open(encoding="utf-8", newline="") as handle:
        head, *rows = csv.reader(handle)
    target, table = here / "pictures", here / "pictures.csv"
    with table.open("w", encoding="utf-8", newline="") as handle:
        write = csv.writer(handle)
        write.writerow(head)
        for k in range(count):
            name = f"{k // 1000:04d}/{k % 1000:03d}.png"
            if not k % 1000:
                (target / name).parent.mkdir(parents=True)
            picture, *values = rows[k % _POOL]
            (target / name).hardlink_to(pool / picture)
            write.writerow([name, *values])
    return target, table
