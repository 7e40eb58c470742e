"""Running one stage over all its shards: on one core, on the cores of this machine, or on a Ray cluster.

A stage is a function from a shard's bytes (from one folder or several) to (rows, rejects), both JSON lines. It is pure,
so it does not matter where or how often it runs; only the driver writes, each shard whole, so that a killed run
continues with what is missing.
"""

from __future__ import annotations

import logging
import multiprocessing
import multiprocessing.connection
import os
import re
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Literal

from data_engine.garbage import uncollected
from data_engine.shards import shard_paths, write_bytes
from fervlm.errors import FervlmError, MissingExtraError

Stage = Callable[..., tuple[bytes, bytes]]
"""Called with the shard's bytes from each source folder. Picklable: a `functools.partial` of a module's function."""
Parts = Sequence[Path]
"""One shard's files, one from each source folder."""
Executor = Literal["processes", "ray"]
_CONNECT_S = 10
Progress = Callable[[int, int], None]
"""Called with (rows kept, rows rejected) after every shard."""


def run_stage(
    stage: Stage,
    sources: Sequence[Path],
    target: Path,
    progress: Progress,
    *,
    executor: Executor = "processes",
    workers: int = 1,
) -> None:
    """Make every shard of `target` that is missing from the shards of the same name in `sources`.

    Raises:
        FervlmError: a worker process died, the disk is full, or Ray is not installed.
    """
    todo = []
    for path in shard_paths(sources[0]):
        if (target / path.name).exists():
            progress(_lines(target / path.name), _lines(rejects_path(target / path.name)))
        else:
            todo.append([source / path.name for source in sources])
    run = _ray if executor == "ray" else _processes if workers > 1 and len(todo) > 1 else _here
    for name, rows, rejects in run(stage, todo, workers):
        # The rejects go first: a shard counts as done when its rows exist.
        write_bytes(rejects_path(target / name), rejects)
        write_bytes(target / name, rows)
        progress(rows.count(b"\n"), rejects.count(b"\n"))


def rejects_path(shard: Path) -> Path:
    """Where a shard's rejects lie."""
    return shard.with_name(f"rejects-{shard.name}")


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def _run(stage: Stage, *parts: bytes) -> tuple[bytes, bytes]:
    with uncollected():
        return stage(*parts)


def _here(stage: Stage, todo: Iterable[Parts], _: int) -> Iterator[tuple[str, bytes, bytes]]:
    for parts in todo:
        yield parts[0].name, *_run(stage, *(part.read_bytes() for part in parts))


def _as_worker() -> None:
    """A worker leaves the interrupt key to the driver, and ends with it even where the driver is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    driver = multiprocessing.parent_process()
    if driver is not None:
        threading.Thread(target=_end_with, args=(driver.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)


def _processes(stage: Stage, todo: Iterable[Parts], workers: int) -> Iterator[tuple[str, bytes, bytes]]:
    """At most two shards a worker are in flight, so memory does not grow with the set."""
    waiting: deque[tuple[str, Future[tuple[bytes, bytes]]]] = deque()
    context = multiprocessing.get_context("spawn")  # forking a process with threads is not safe
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_as_worker) as pool:
        try:
            for parts in todo:
                waiting.append((parts[0].name, pool.submit(_run, stage, *(part.read_bytes() for part in parts))))
                if len(waiting) >= 2 * workers:
                    name, future = waiting.popleft()
                    yield name, *future.result()
            while waiting:
                name, future = waiting.popleft()
                yield name, *future.result()
        except BrokenProcessPool as error:
            raise FervlmError(
                "a worker process died (out of memory?)", hint="Run the same command again; it resumes."
            ) from error
        finally:
            for _, future in waiting:
                future.cancel()


def _ray(stage: Stage, todo: Iterable[Parts], workers: int) -> Iterator[tuple[str, bytes, bytes]]:
    """Ray Data streams the shards through the cluster and repeats what a lost node was doing.

    The cluster is the one that `RAY_ADDRESS` names, else this machine. Every node must see the work folder and the
    pictures under the same paths.
    """
    try:
        import ray.data  # noqa: PLC0415
        from ray.exceptions import RayError  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("the Ray executor", "scale") from error
    items = [{"parts": [str(part) for part in parts]} for parts in todo]
    if not items:
        return
    _quietly_connected(ray)

    def one(row: dict[str, Any]) -> dict[str, Any]:
        parts = [Path(part) for part in row["parts"]]
        rows, rejects = _run(stage, *(part.read_bytes() for part in parts))
        return {"name": parts[0].name, "rows": rows, "rejects": rejects}

    blocks = ray.data.from_items(items, override_num_blocks=len(items))
    try:
        for row in blocks.map(one, compute=ray.data.TaskPoolStrategy(size=workers)).iter_rows():
            yield str(row["name"]), bytes(row["rows"]), bytes(row["rejects"])
    except RayError as error:
        reason = str(error).strip().splitlines()[-1][:200]
        hint = "Run the same command again; it resumes."
        raise FervlmError(f"the Ray cluster failed ({reason})", hint=hint) from error


def _quietly_connected(ray: Any) -> None:  # noqa: ANN401 - a module
    """Ray up, and its progress reports left out: the run has its own."""
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    if ray.is_initialized():
        return
    try:
        # Ray itself would try for many minutes.
        if match := re.fullmatch(r"(?:ray://)?\[?([^/]+?)\]?:(\d+)", os.environ.get("RAY_ADDRESS", "")):
            socket.create_connection((match[1], int(match[2])), timeout=_CONNECT_S).close()
        ray.init(log_to_driver=False, configure_logging=False, include_dashboard=False)
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise FervlmError(f"the Ray cluster cannot be reached ({reason})", hint="Check RAY_ADDRESS.") from error
