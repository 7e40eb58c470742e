"""The language model behind the gateway: vLLM started and tried, or one that runs already."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from fervlm.errors import FervlmError
from fervlm.serve.backend import Backend
from fervlm.serve.parity import check_parity
from fervlm.serve.vllm_plan import Plan, command
from fervlm.serve.vllm_process import VllmProcess, free_port
from fervlm.serve.vllm_writer import VllmWriter

POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user chose.

    Attributes:
        plan: a checkpoint to serve, or to compare with a server that runs; None: whatever that serves.
        url: of a vLLM that runs; None: one is started.
        program: vLLM's.
        arguments: for it, beyond our own.
        log: of what is started.
        parity: whether it is compared with the training stack.
        say: takes lines for the user.
    """

    plan: Plan | None
    url: str | None = None
    program: str = "vllm"
    arguments: tuple[str, ...] = ()
    log: Path = Path("vllm.log")
    parity: bool = True
    say: Callable[[str], None] = print


class Behind:
    """Begins, watches and ends the language model of one server.

    Args:
        wanted: what the user chose.
        failed: called where the first start does not succeed; the server then ends.
    """

    def __init__(self, wanted: Wanted, failed: Callable[[FervlmError], None]) -> None:
        self._wanted, self._failed = wanted, failed
        self._process: VllmProcess | None = None
        self._writer: VllmWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._tried = self._reached = False

    async def begin(self, backend: Backend) -> None:
        """Give the backend its writer, which is ready once the model answers as it should."""
        url = self._wanted.url
        if url is None and self._wanted.plan is not None:
            port = free_port()
            told = command(self._wanted.plan, self._wanted.program, port, list(self._wanted.arguments))
            count = backend.metrics.restarts.inc
            self._process = VllmProcess(told, port, self._wanted.log, self._wanted.say, count)
            url = self._process.url
        assert url is not None
        limits = backend.settings.limits
        self._writer = VllmWriter(
            url, self._wanted.plan, self._up, tokens=limits.tokens // 2, seconds=limits.answer_s * 4
        )
        backend.writer = self._writer
        self._task = asyncio.create_task(self._run(self._writer))

    def _up(self) -> bool:
        return self._tried and (self._process.ready if self._process is not None else self._reached)

    async def _run(self, writer: VllmWriter) -> None:
        try:
            if self._process is not None:
                await self._process.start()
            else:
                await self._reach(writer)
            if self._wanted.plan is not None and self._wanted.parity:
                writer.parity = await check_parity(writer, self._wanted.plan)
                self._wanted.say(f"parity: {writer.parity['gap_nats']:.4f} nats a token from the training stack.")
            self._tried = True
        except FervlmError as error:
            self._failed(error)
            return
        if self._process is not None:
            await self._process.watch()
        else:
            await self._poll()

    async def _reach(self, writer: VllmWriter) -> None:
        """Wait for a server that somebody else starts, and take its first model where none was named."""
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            while not await _answers(client, str(self._wanted.url)):
                self._wanted.say(f"waiting for {self._wanted.url}")
                await asyncio.sleep(POLL_S * 5)
        self._reached = True
        if not writer.name:
            writer.name = await writer.first_model()

    async def _poll(self) -> None:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            while True:
                await asyncio.sleep(POLL_S)
                self._reached = await _answers(client, str(self._wanted.url))

    async def end(self, _: Backend) -> None:
        """Stop what was started, with all its children."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._process is not None:
            await self._process.stop()
        if self._writer is not None:
            await self._writer.close()


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/health")).status_code == 200
    except httpx.HTTPError:
        return False
