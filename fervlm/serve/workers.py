"""Threads that look at pictures, each with a model of its own, and the queue in front of them."""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from fervlm.errors import FervlmError
from fervlm.predict.pictures import PictureReader
from fervlm.serve.metrics import Metrics
from fervlm.serve.problems import Problem, from_error
from fervlm.serve.settings import Limits
from fervlm.vision.find_faces import FaceFinder, FoundFace

if TYPE_CHECKING:
    from fervlm.vision.find_faces import Pixels

T = TypeVar("T")


class FewFaces:
    """A finder that keeps the largest faces of a crowd.

    Args:
        inner: finds them all, largest first.
        most: how many are kept.
    """

    def __init__(self, inner: FaceFinder, most: int) -> None:
        self._inner, self._most = inner, most

    @property
    def name(self) -> str:
        """As the inner one is called."""
        return self._inner.name

    def find(self, picture: Pixels) -> list[FoundFace]:
        """The largest faces."""
        return self._inner.find(picture)[: self._most]


class Workers:
    """Runs functions that need a reader, one a thread; the rest waits in line, and not for ever.

    Args:
        readers: one for each thread; none is used by two at once.
        limits: how long the line and the wait may be.
        metrics: where the line's length is shown.
    """

    def __init__(self, readers: list[PictureReader], limits: Limits, metrics: Metrics) -> None:
        self._free: queue.SimpleQueue[PictureReader] = queue.SimpleQueue()
        for reader in readers:
            reader.finder = FewFaces(reader.finder, limits.faces)
            self._free.put(reader)
        self.name = readers[0].name
        self.manifest = readers[0].model.manifest
        self.backend = readers[0].model.backend
        self._limits, self._metrics = limits, metrics
        self._threads = ThreadPoolExecutor(len(readers), thread_name_prefix="fervlm")
        self._slots = asyncio.Semaphore(len(readers))
        self._waiting = 0

    async def run(self, work: Callable[[PictureReader], T]) -> T:
        """What `work` returns.

        Raises:
            Problem: 429 the line is too long, 503 the answer takes too long; what `work` raises as `FervlmError`.
        """
        deadline = time.monotonic() + self._limits.answer_s
        await self._turn()
        running = asyncio.wrap_future(self._started(work))
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                return await asyncio.shield(running)
        except TimeoutError:
            running.add_done_callback(_forgotten)
            raise Problem(503, "The answer took too long.", {"retry-after": "5"}) from None
        except asyncio.CancelledError:
            running.add_done_callback(_forgotten)
            raise
        except FervlmError as error:
            raise from_error(error) from None

    async def _turn(self) -> None:
        if self._slots.locked() and self._waiting >= self._limits.queued:
            raise Problem(429, "Too many requests wait already.", {"retry-after": "1"})
        self._waiting += 1
        self._metrics.queue.set(self._waiting)
        try:
            async with asyncio.timeout(self._limits.answer_s):
                await self._slots.acquire()
        except TimeoutError:
            raise Problem(429, "No worker came free in time.", {"retry-after": "2"}) from None
        finally:
            self._waiting -= 1
            self._metrics.queue.set(self._waiting)

    def _started(self, work: Callable[[PictureReader], T]) -> Future[T]:
        """A thread cannot be stopped, so its place is free only once it is done, whoever still waits for it."""
        loop = asyncio.get_running_loop()

        def job() -> T:
            reader = self._free.get()
            try:
                return work(reader)
            finally:
                self._free.put(reader)

        try:
            future = self._threads.submit(job)
        except RuntimeError:  # shutting down
            self._slots.release()
            raise Problem(503, "The server is stopping.") from None
        future.add_done_callback(lambda _: _release(loop, self._slots))
        return future

    def close(self) -> None:
        """Take no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _release(loop: asyncio.AbstractEventLoop, slots: asyncio.Semaphore) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(slots.release)


def _forgotten(done: asyncio.Future[T]) -> None:
    if not done.cancelled():
        done.exception()  # nobody is left to be told
