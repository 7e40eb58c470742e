"""Where answers are judged and requests prepared: one at a time, the network first."""

from __future__ import annotations

import asyncio

_ROUNDS = 2
"""One for the calls whose turn has come to be woken, one for these to go out."""


class Desk:
    """Used as `async with desk:` around work that holds the event loop up for milliseconds.

    Answers often come in a burst. Without the desk all of them would be judged before the next request goes out, and
    the server would idle meanwhile; with it, every piece of work lets the calls that wait go first.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> None:
        await self._lock.acquire()
        try:
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
        except BaseException:
            self._lock.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()
