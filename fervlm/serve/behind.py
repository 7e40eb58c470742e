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
from fervlm.serve.replicas import PORT_MARK, Replicas
from fervlm.serve.vllm_plan import Plan, command
from fervlm.serve.vllm_process import VllmProcess, free_port
from fervlm.serve.vllm_writer import VllmWriter

POLL_S = 1.0
REPLICAS = "http://replicas"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user chose.

    Attributes:
        plan: a checkpoint to serve, or to compare with a server that runs; None: whatever that serves.
        url: of a vLLM that runs; None: one is started.
        program: vLLM's.
        arguments: for it, beyond our own.
        log: of what is started; a folder for several replicas.
        replicas: how many are started, by Ray Serve where it is more than one.
        ray: address of a cluster; None starts Ray here.
        gpus: of each replica.
        parity: whether it is compared with the training stack.
        say: takes lines for the user.
    """

    plan: Plan | None
    url: str | None = None
    program: str = "vllm"
    arguments: tuple[str, ...] = ()
    log: Path = Path("vllm.log")
    replicas: int = 1
    ray: str | None = None
    gpus: float = 0
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
        self._replicas: Replicas | None = None
        self._late: LateTransport | None = None
        self._tried = self._reached = False

    async def begin(self, backend: Backend) -> None:
        """Give the backend its writer, which is ready once the model answers as it should."""
        url = self._wanted.url
        transport = None
        if self._wanted.replicas > 1 and url is None:
            transport, url = LateTransport(), REPLICAS
        elif url is None and self._wanted.plan is not None:
            port = free_port()
            told = command(self._wanted.plan, self._wanted.program, port, list(self._wanted.arguments))
            count = backend.metrics.restarts.inc
            self._process = VllmProcess(told, port, self._wanted.log, self._wanted.say, count)
            url = self._process.url
        assert url is not None
        limits = backend.settings.limits
        self._late = transport
        self._writer = VllmWriter(
            url,
            self._wanted.plan,
            self._up,
            tokens=limits.caption_tokens,
            seconds=limits.answer_s * 4,
            transport=transport,
            alone=self._wanted.url is not None
            or (self._wanted.plan is not None and "lm_head" in self._wanted.plan.parts),
        )
        backend.writer = self._writer
        self._task = asyncio.create_task(self._run(self._writer))

    def _up(self) -> bool:
        return self._tried and (self._process.ready if self._process is not None else self._reached)

    async def _run(self, writer: VllmWriter) -> None:
        try:
            if self._late is not None:
                await self._gather(self._late)
            elif self._process is not None:
                await self._process.start()
            else:
                await self._reach(writer)
            await writer.learn_version()
            if self._wanted.plan is not None and self._wanted.parity:
                writer.parity = await check_parity(writer, self._wanted.plan)
                self._wanted.say(f"parity: {writer.parity['gap_nats']:.4f} nats a token from the training stack.")
            self._tried = True
        except FervlmError as error:
            if error.hint is None and self._wanted.url is None:
                error.hint = f"vLLM's log may tell why: {self._wanted.log}"
            self._failed(error)
            return
        if self._process is not None:
            await self._process.watch()
        elif self._late is None:
            await self._poll()

    async def _gather(self, late: LateTransport) -> None:
        """Start the replicas in a thread, as Ray's calls wait."""
        wanted = self._wanted
        assert wanted.plan is not None
        told = command(wanted.plan, wanted.program, PORT_MARK, list(wanted.arguments))
        self._replicas = Replicas(told, wanted.replicas, wanted.log.absolute(), wanted.ray, wanted.gpus)
        wanted.say(f"{wanted.replicas} replicas are starting; their logs are in {wanted.log}")
        late.inner = await asyncio.to_thread(self._replicas.begin)
        self._reached = True

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
        if self._replicas is not None:
            await asyncio.to_thread(self._replicas.end)
        if self._writer is not None:
            await self._writer.close()


class LateTransport(httpx.AsyncBaseTransport):
    """Stands in until the replicas are there."""

    inner: httpx.AsyncBaseTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx asks for it."""
        if self.inner is None:
            raise httpx.ConnectError("the replicas are starting")
        return await self.inner.handle_async_request(request)


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/health")).status_code == 200
    except httpx.HTTPError:
        return False
