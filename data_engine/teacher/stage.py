"""The teacher stage over all shards: several are open at once, so that the server never waits for the slowest face."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from data_engine.config import AnnotateConfig, TeacherConfig
from data_engine.draft import chosen_labels
from data_engine.garbage import uncollected
from data_engine.items import Draft, Reject
from data_engine.scale import rejects_path
from data_engine.shards import shard_paths, write_bytes
from data_engine.teacher.client import Endpoint
from data_engine.teacher.journal import Answer, Journal
from data_engine.teacher.loop import Outcome, TeacherLoop
from data_engine.teacher.offline import OfflineEngine
from data_engine.teacher.picture import Eye
from fervlm.errors import FervlmError
from fervlm.reasoning.verify import Judge

Progress = Callable[[int, int, int], None]
"""Called with (faces taught, faces that kept their draft or were dropped, tokens paid so far in this run)."""
KEY_VARIABLE = "FERVLM_TEACHER_KEY"
_OPEN_SHARDS = 8
"""A slow face holds its shard open; so many shards may wait for one."""


class Taught(NamedTuple):
    """What the stage cost."""

    answers: int
    """Answers stored, those of earlier runs included."""
    tokens: int
    """What the server counted for them."""
    repeats: int
    """Calls that went out more than once because a run was cut."""
    retried: int
    """Attempts of this run that brought no answer and were made again."""


def teach(config: AnnotateConfig, source: Path, target: Path, journal_path: Path, progress: Progress) -> Taught:
    """Make every missing shard of `target` from the drafts in `source`.

    Raises:
        FervlmError: the endpoint is gone or refuses, the disk is full.
    """
    if config.teacher is None:
        raise FervlmError("the run has no teacher", hint="Give --teacher URL and --teacher-model NAME.")
    journal = Journal(journal_path)
    try:
        with uncollected():
            retried = asyncio.run(_ended_by_sigterm(_run(config, config.teacher, source, target, journal, progress)))
        return Taught(*journal.totals(), retried)
    except BaseExceptionGroup as group:
        raise _first(group) from group
    finally:
        journal.close()


async def _ended_by_sigterm(work: Coroutine[Any, Any, int]) -> int:
    """Let go of everything on SIGTERM as on the interrupt key, then let the program's own handler speak.

    A handler that raises in the middle of an event loop would leave tasks behind that complain at the end.
    """
    loop, task, before = asyncio.get_running_loop(), asyncio.ensure_future(work), signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread():
        return await task
    told: list[bool] = []

    def end() -> None:
        told.append(True)
        task.cancel()

    loop.add_signal_handler(signal.SIGTERM, end)
    try:
        return await task
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, before)
        if told:
            signal.raise_signal(signal.SIGTERM)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error behind a failed task group; a user's mistake before anything else."""
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves.append(_first(error) if isinstance(error, BaseExceptionGroup) else error)
    return next((error for error in leaves if isinstance(error, FervlmError)), leaves[0])


async def _run(
    config: AnnotateConfig, teacher: TeacherConfig, source: Path, target: Path, journal: Journal, progress: Progress
) -> int:
    tokens = 0

    def on_call(answer: Answer, stored: bool) -> None:
        nonlocal tokens
        tokens += 0 if stored else answer.tokens or 0

    todo = []
    for path in shard_paths(source):
        done = target / path.name
        if done.exists():
            taken = done.read_bytes().count(b"\n")
            progress(taken, path.read_bytes().count(b"\n") - taken, 0)
        else:
            todo.append(path)
    engine = _engine(teacher)
    slots = asyncio.Semaphore(teacher.concurrency)
    judge = Judge(cache_size=4096)
    loop = TeacherLoop(teacher, engine, journal, chosen_labels(config), config.seed, on_call, judge, slots)
    eye = Eye(one_face=config.faces == "one") if teacher.mode == "see" else None
    try:
        await _Window(loop, eye, target, lambda ok, failed: progress(ok, failed, tokens)).run(iter(todo))
    finally:
        await engine.close()
    return engine.retried


def _engine(teacher: TeacherConfig) -> Endpoint | OfflineEngine:
    return OfflineEngine(teacher) if teacher.offline else Endpoint(teacher, os.environ.get(KEY_VARIABLE))


class _OpenShard:
    """A shard in work: its lines, and their outcomes by position until the last one is there."""

    def __init__(self, path: Path, lines: list[bytes]) -> None:
        self.path = path
        self.lines = lines
        self.rows: list[bytes] = [b""] * len(lines)
        self.rejects: list[bytes] = [b""] * len(lines)
        self.left = len(lines)


class _Window:
    """Keeps a bounded number of faces in work across shard borders and writes each shard when it is complete.

    Nothing here may hold the loop up for long, as answers wait meanwhile and the server idles: drafts are parsed one by
    one, and shards are read and written in a thread.
    """

    def __init__(self, loop: TeacherLoop, eye: Eye | None, target: Path, progress: Callable[[int, int], None]) -> None:
        self._loop = loop
        self._eye = eye
        self._target = target
        self._progress = progress
        # As many as are out may come back together and be judged while as many others, ready, take their places.
        self._slots = asyncio.Semaphore(3 * loop.config.concurrency + 2)
        self._open = asyncio.Semaphore(_OPEN_SHARDS)

    async def run(self, paths: Iterator[Path]) -> None:
        """Teach every face of the shards at `paths`."""
        async with asyncio.TaskGroup() as group:
            for path in paths:
                await self._open.acquire()
                shard = _OpenShard(path, (await asyncio.to_thread(path.read_bytes)).splitlines())
                if not shard.lines:
                    await self._finish(shard)
                for place in range(len(shard.lines)):
                    await self._slots.acquire()
                    group.create_task(self._one(shard, place))

    async def _one(self, shard: _OpenShard, place: int) -> None:
        try:
            draft = Draft.model_validate_json(shard.lines[place])
            outcome = await self._taught(draft)
        finally:
            self._slots.release()
        shard.lines[place] = b""
        if outcome.draft is not None:
            shard.rows[place] = outcome.draft.model_dump_json(exclude_defaults=True).encode() + b"\n"
        else:
            reject = Reject(
                id=draft.joined.id, stage="teacher", code="teacher_failed", detail=outcome.reason, n=draft.joined.n
            )
            shard.rejects[place] = reject.model_dump_json(exclude_defaults=True).encode() + b"\n"
        passed = outcome.reason is None
        self._progress(int(passed), int(not passed))
        shard.left -= 1
        if not shard.left:
            await self._finish(shard)

    async def _taught(self, draft: Draft) -> Outcome:
        picture = None
        if self._eye is not None:
            try:
                picture = await asyncio.to_thread(self._eye.sees, draft.joined)
            except FervlmError as error:
                return self._loop.untaught(draft, f"there is no picture to see: {error.what}")
        return await self._loop.teach(draft, picture)

    async def _finish(self, shard: _OpenShard) -> None:
        # The rejects go first: a shard counts as done when its rows exist.
        await asyncio.to_thread(write_bytes, rejects_path(self._target / shard.path.name), b"".join(shard.rejects))
        await asyncio.to_thread(write_bytes, self._target / shard.path.name, b"".join(shard.rows))
        gc.collect(1)
        self._open.release()
