"""Many at once, or one alone: a lock for requests that must not share a batch with others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Alone:
    """Shared by any number, or held by one. Who wants it alone goes before those who come later."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._sharing = self._wanting = 0
        self._held = False

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Beside others."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._held and not self._wanting)
            self._sharing += 1
        try:
            yield
        finally:
            self._sharing -= 1
            await self._tell()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """With nobody else."""
        async with self._changed:
            self._wanting += 1
            try:
                await self._changed.wait_for(lambda: not self._held and not self._sharing)
                self._held = True
            finally:
                self._wanting -= 1
        try:
            yield
        finally:
            self._held = False
            await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
