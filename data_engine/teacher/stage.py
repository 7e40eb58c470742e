"""The teacher stage over all shards: several are open at once, so that the server never waits for the slowest face."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from data_engine.config import AnnotateConfig, TeacherConfig
from data_engine.draft import chosen_labels
from data_engine.items import Draft, Reject
from data_engine.pictures import PictureStore
from data_engine.scale import rejects_path
from data_engine.shards import read_rows, shard_paths, write_rows
from data_engine.teacher.client import Endpoint
from data_engine.teacher.journal import Answer, Journal
from data_engine.teacher.loop import Outcome, TeacherLoop
from data_engine.teacher.offline import OfflineEngine
from fervlm.errors import FervlmError

Progress = Callable[[int, int, int], None]
"""Called with (faces passed, faces that kept their draft or were dropped, tokens) as they come."""
KEY_VARIABLE = "FERVLM_TEACHER_KEY"


def teach(
    config: AnnotateConfig, source: Path, target: Path, journal_path: Path, progress: Progress
) -> tuple[int, int, int]:
    """Make every missing shard of `target`; returns (answers stored, tokens, calls repeated after a cut run)."""
    if config.teacher is None:
        raise FervlmError("the run has no teacher", hint="Give --teacher URL and --teacher-model NAME.")
    journal = Journal(journal_path)
    try:
        asyncio.run(_run(config, config.teacher, source, target, journal, progress))
        return journal.totals()
    except BaseExceptionGroup as group:
        raise _first(group) from group
    finally:
        journal.close()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error behind a failed task group; a user's mistake before anything else."""
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves.append(_first(error) if isinstance(error, BaseExceptionGroup) else error)
    return next((error for error in leaves if isinstance(error, FervlmError)), leaves[0])


async def _run(
    config: AnnotateConfig, teacher: TeacherConfig, source: Path, target: Path, journal: Journal, progress: Progress
) -> None:
    tokens = 0

    def on_call(answer: Answer, stored: bool) -> None:
        nonlocal tokens
        tokens += 0 if stored else answer.tokens or 0

    engine = _engine(teacher)
    loop = TeacherLoop(teacher, engine, journal, chosen_labels(config), config.seed, on_call)
    try:
        await _Window(loop, target, lambda ok, failed: progress(ok, failed, tokens)).run(
            path for path in shard_paths(source) if not (target / path.name).exists()
        )
    finally:
        await engine.close()


def _engine(teacher: TeacherConfig) -> Endpoint | OfflineEngine:
    return OfflineEngine(teacher) if teacher.offline else Endpoint(teacher, os.environ.get(KEY_VARIABLE))


class _OpenShard:
    """A shard in work: its outcomes by position, until the last one is there."""

    def __init__(self, path: Path, drafts: list[Draft]) -> None:
        self.path = path
        self.drafts = drafts
        self.outcomes: dict[int, Outcome] = {}


class _Window:
    """Keeps a bounded number of faces in work across shard borders and writes each shard when it is complete."""

    def __init__(self, loop: TeacherLoop, target: Path, progress: Callable[[int, int], None]) -> None:
        self._loop = loop
        self._target = target
        self._progress = progress
        self._pictures = PictureStore()
        # More faces than calls at once, so that parsing and verifying never leave the server waiting.
        self._slots = asyncio.Semaphore(2 * loop.config.concurrency + 2)
        # A slow face holds its shard open; this many shards may wait for one.
        self._open = asyncio.Semaphore(8)

    async def run(self, paths: Iterator[Path]) -> None:
        async with asyncio.TaskGroup() as group:
            for path in paths:
                await self._open.acquire()
                shard = _OpenShard(path, list(read_rows(path, Draft)))
                if not shard.drafts:
                    self._finish(shard)
                for place in range(len(shard.drafts)):
                    await self._slots.acquire()
                    group.create_task(self._one(shard, place))

    async def _one(self, shard: _OpenShard, place: int) -> None:
        try:
            draft = shard.drafts[place]
            outcome = await self._loop.teach(draft, self._picture(draft))
        finally:
            self._slots.release()
        shard.outcomes[place] = outcome
        passed = outcome.reason is None
        self._progress(int(passed), int(not passed))
        if len(shard.outcomes) == len(shard.drafts):
            self._finish(shard)

    def _picture(self, draft: Draft) -> bytes | None:
        if self._loop.config.mode != "see" or draft.joined.picture is None:
            return None
        return self._pictures.read(draft.joined.picture)

    def _finish(self, shard: _OpenShard) -> None:
        outcomes = [(shard.drafts[place], shard.outcomes[place]) for place in range(len(shard.drafts))]
        dropped = (
            Reject(id=draft.joined.id, stage="teacher", code="teacher_failed", detail=out.reason, n=draft.joined.n)
            for draft, out in outcomes
            if out.draft is None
        )
        write_rows(rejects_path(self._target / shard.path.name), dropped)
        write_rows(self._target / shard.path.name, (out.draft for _, out in outcomes if out.draft is not None))
        self._open.release()
