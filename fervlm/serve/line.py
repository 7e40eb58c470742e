"""Threads that each hold something of their own, and the line of requests in front of them."""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from fervlm.errors import FervlmError
from fervlm.serve.problems import Problem, from_error

T = TypeVar("T")
Held = TypeVar("Held")


class Line(Generic[Held]):
    """Runs functions that need one of the things held, one a thread; the rest waits in line, and not for ever.

    Args:
        held: one for each thread; none is used by two at once.
        most: requests that may wait.
        seconds: for an answer, waiting included.
        waiting: takes the line's length whenever it changes.
    """

    def __init__(
        self, held: Sequence[Held], most: int, seconds: float, waiting: Callable[[int], object] = lambda _: None
    ) -> None:
        self._free: queue.SimpleQueue[Held] = queue.SimpleQueue()
        for one in held:
            self._free.put(one)
        self._most, self._seconds, self._told = most, seconds, waiting
        self._threads = ThreadPoolExecutor(len(held), thread_name_prefix="fervlm")
        self._slots = asyncio.Semaphore(len(held))
        self._waiting = 0

    async def run(self, work: Callable[[Held], T]) -> T:
        """What `work` returns.

        Raises:
            Problem: 429 the line is too long, 503 the answer takes too long; what `work` raises as `FervlmError`.
        """
        deadline = time.monotonic() + self._seconds
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
        if self._slots.locked() and self._waiting >= self._most:
            raise Problem(429, "Too many requests wait already.", {"retry-after": "1"})
        self._waiting += 1
        self._told(self._waiting)
        try:
            async with asyncio.timeout(self._seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise Problem(429, "No worker came free in time.", {"retry-after": "2"}) from None
        finally:
            self._waiting -= 1
            self._told(self._waiting)

    def _started(self, work: Callable[[Held], T]) -> Future[T]:
        """A thread cannot be stopped, so its place is free only once it is done, whoever still waits for it."""
        loop = asyncio.get_running_loop()

        def job() -> T:
            one = self._free.get()
            try:
                return work(one)
            finally:
                self._free.put(one)

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
