"""Several vLLM behind one gateway, through Ray Serve: on one machine or on a cluster (extra `scale`).

Each replica is an actor that starts and watches a vLLM of its own. What a replica was asked and did not answer when it
died is asked of another one; a stream that was cut ends with an error, as its beginning was already told.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from fervlm.errors import FervlmError, MissingExtraError
from fervlm.serve.vllm_process import VllmProcess, free_port

NAME = "fervlm"
TRIES = 4
"""Replicas that are asked in turn."""
PORT_MARK = "{port}"
"""Stands in the command for the port that a replica takes."""
_READ_S = 600.0


class Replica:
    """The actor: one vLLM and the way to it.

    Args:
        command: its command line, with `{port}` for the port.
        log: folder for its log, on the machine that it runs on.
    """

    async def __init__(self, command: list[str], log: str) -> None:  # type: ignore[misc]  # Ray waits for it
        port = free_port()
        told = [part.replace(PORT_MARK, str(port)) for part in command]
        self._process = VllmProcess(told, port, Path(log) / f"vllm-{port}.log", _say)
        self._http = httpx.AsyncClient(base_url=self._process.url, timeout=_READ_S, trust_env=False)
        await self._process.start()
        self._watching = asyncio.create_task(self._process.watch())

    async def ask(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of an answer."""
        answer = await self._http.request(method, path, content=body, headers={"content-type": "application/json"})
        return answer.status_code, answer.content

    async def stream(self, path: str, body: bytes) -> AsyncIterator[bytes]:
        """First the status, then the body as it comes."""
        headers = {"content-type": "application/json"}
        async with self._http.stream("POST", path, content=body, headers=headers) as answer:
            yield str(answer.status_code).encode()
            async for part in answer.aiter_raw():
                yield part

    async def __del__(self) -> None:
        """Ray calls this when a replica is scaled away or the application ends."""
        self._watching.cancel()
        await self._process.stop()


def _say(line: str) -> None:
    print(f"fervlm: {line}", file=sys.stderr, flush=True)


class ReplicaTransport(httpx.AsyncBaseTransport):
    """httpx over a Ray Serve handle, so that a `VllmWriter` need not know that it has many of them behind it.

    Args:
        handle: of the deployment.
    """

    def __init__(self, handle: Any) -> None:  # noqa: ANN401 - Ray has no types for it
        self._handle = handle

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx asks for it."""
        body = await request.aread()
        path = request.url.raw_path.decode()
        if request.method == "POST" and _streams(body):
            return await self._stream(path, body)
        status, content = await self._ask(request.method, path, body)
        return httpx.Response(status, content=content, headers={"content-type": "application/json"})

    async def _ask(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Asked of another replica where one died before it answered; the same question twice does no harm."""
        for turn in range(TRIES):
            try:
                status, content = await self._handle.ask.remote(method, path, body)
            except Exception as error:  # whatever Ray raises for an actor that is gone
                if turn == TRIES - 1 or not _gone(error):
                    raise httpx.ReadError(str(error)[:200]) from None
                await asyncio.sleep(0.2 * 2**turn)
                continue
            return int(status), bytes(content)
        raise httpx.ReadError("no replica answers")

    async def _stream(self, path: str, body: bytes) -> httpx.Response:
        parts = self._handle.options(stream=True).stream.remote(path, body)
        try:
            status = int(await anext(parts))
        except Exception as error:
            raise httpx.ReadError(str(error)[:200]) from None
        return httpx.Response(status, stream=_Parts(parts))


class _Parts(httpx.AsyncByteStream):
    """A body as a replica gives it."""

    def __init__(self, parts: Any) -> None:  # noqa: ANN401 - Ray's
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._parts:
                yield bytes(part)
        except Exception as error:
            raise httpx.ReadError(str(error)[:200]) from None

    async def aclose(self) -> None:
        self._parts.cancel()


def _streams(body: bytes) -> bool:
    try:
        return bool(json.loads(body).get("stream"))
    except (ValueError, AttributeError):
        return False


def _gone(error: Exception) -> bool:
    """Whether the replica, or its vLLM, went away: others may answer."""
    from ray.exceptions import RayActorError, RayTaskError  # noqa: PLC0415

    inner = error.cause if isinstance(error, RayTaskError) else error
    return isinstance(inner, RayActorError | httpx.TransportError | RuntimeError)


class Replicas:
    """The deployment: begun with the gateway, ended with it.

    Args:
        command: of one vLLM, `{port}` for its port.
        count: how many.
        log: folder of the logs.
        address: of a Ray cluster; None starts Ray on this machine.
        gpus: of each.
    """

    def __init__(self, command: list[str], count: int, log: Path, address: str | None = None, gpus: float = 0) -> None:
        self._command, self._count, self._log = command, count, log
        self._address, self._gpus = address, gpus
        self._handle: Any = None

    def begin(self) -> ReplicaTransport:
        """Start Ray and the replicas; returns once every vLLM answers.

        Raises:
            MissingExtraError: Ray Serve is not installed.
            FervlmError: the cluster cannot be reached, or vLLM does not start.
        """
        os.environ.setdefault("RAY_SERVE_QUEUE_LENGTH_RESPONSE_DEADLINE_S", "2")  # read when Ray Serve is imported
        logging.getLogger("ray.serve").setLevel(logging.ERROR)
        try:
            import ray  # noqa: PLC0415
            from ray import serve  # noqa: PLC0415
        except ImportError:
            raise MissingExtraError("Serving by several replicas", "scale") from None
        try:
            ray.init(address=self._address, ignore_reinit_error=True, log_to_driver=False, include_dashboard=False)
        except ConnectionError as error:
            raise FervlmError(f"the Ray cluster cannot be reached ({error})") from None
        told = serve.deployment(
            name="vllm",
            num_replicas=self._count,
            max_ongoing_requests=64,
            ray_actor_options={"num_cpus": 0, "num_gpus": self._gpus},
            health_check_period_s=2,
            graceful_shutdown_timeout_s=20,
        )(Replica)
        try:
            self._handle = serve.run(told.bind(self._command, str(self._log)), name=NAME, route_prefix=None)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[-300:]
            raise FervlmError(f"the replicas do not start ({reason})", hint=f"Their logs are in {self._log}.") from None
        return ReplicaTransport(self._handle)

    def end(self) -> None:
        """Stop the replicas, and Ray where it was started here."""
        import ray  # noqa: PLC0415
        from ray import serve  # noqa: PLC0415

        serve.delete(NAME)
        serve.shutdown()  # type: ignore[no-untyped-call]
        if self._address is None:
            ray.shutdown()
