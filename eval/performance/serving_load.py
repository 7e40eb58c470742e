"""A server of ours in a process of its own, and closed-loop clients that count what it answers; loopback only."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import numpy as np
import psutil

from fervlm.examples import photograph
from fervlm.serve.shown import face_png

START_S = 1800


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers.

    Attributes:
        address: of it.
        process: its own, for CPU time and memory.
    """

    address: str
    process: psutil.Process


@dataclass(slots=True)
class Told:
    """What clients saw.

    Attributes:
        statuses: status -> answers; 0 where a connection failed.
        seconds: of each answer that was a success.
        span: of the whole run.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    span: float = 0.0

    def add(self, part: Told) -> None:
        """Count another run as a part of this one."""
        self.statuses += part.statuses
        self.seconds += part.seconds
        self.span += part.span

    @property
    def rate(self) -> float:
        """Successes a second."""
        return len(self.seconds) / self.span if self.span else 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds that a share (0 to 100) of the successes stayed below."""
        return float(np.percentile(self.seconds, share)) * 1000 if self.seconds else float("nan")

    @property
    def errors(self) -> int:
        """Answers that are neither a success nor 429."""
        return sum(count for status, count in self.statuses.items() if status not in {200, 429})


@contextmanager
def running(*options: str, environment: dict[str, str] | None = None) -> Iterator[Running]:
    """`fervlm serve` with these options on a free port, until the block ends."""
    command = [sys.executable, "-m", "fervlm", "serve", "--port", "0", *options]
    told = {**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(command, stderr=log, env=told)
        try:
            yield Running(_ready(process, log.name, lambda: _text(log)), psutil.Process(process.pid))
        finally:
            process.terminate()
            process.wait(60)


def _text(log: object) -> str:
    log.seek(0)  # type: ignore[attr-defined]
    found: str = log.read()  # type: ignore[attr-defined]
    return found


def _ready(process: subprocess.Popen[bytes], _name: object, read: Callable[[], str]) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"http://\S+?(?=/ )", read())
        if found is not None:
            try:
                if httpx.get(f"{found[0]}/readyz").status_code == 200:
                    return found[0]
            except httpx.TransportError:
                pass
        time.sleep(0.2)
    raise SystemExit(f"the server did not start: {read()[-500:]}")


def crop() -> bytes:
    """The packaged photograph's face as a PNG of 96 x 96 pixels."""
    return face_png(photograph().read_bytes(), None, 96)


Ask = Callable[[httpx.AsyncClient, int], "asyncio.Future[httpx.Response] | object"]


async def clients(
    address: str, count: int, seconds: float, ask: Callable[[httpx.AsyncClient, int], object], most: int | None = None
) -> Told:
    """`count` clients that ask again as soon as they are answered.

    Args:
        address: of the server.
        count: clients at once.
        seconds: how long; a question under way is waited for.
        ask: sends question number n of all.
        most: questions in all, where fewer than the time allows.
    """
    told, number = Told(), 0
    began = time.perf_counter()

    async def one(http: httpx.AsyncClient) -> None:
        nonlocal number
        while time.perf_counter() - began < seconds and (most is None or number < most):
            number += 1
            start = time.perf_counter()
            try:
                answer = await ask(http, number)  # type: ignore[misc]
            except httpx.TransportError:
                told.statuses[0] += 1
                continue
            told.statuses[answer.status_code] += 1
            if answer.status_code == 200:
                told.seconds.append(time.perf_counter() - start)

    limits = httpx.Limits(max_connections=count, max_keepalive_connections=count)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits, trust_env=False) as http:
        await asyncio.gather(*(one(http) for _ in range(count)))
    told.span = time.perf_counter() - began
    return told
