"""vLLM as a child process: started, waited for, watched, started again after a crash, stopped with all its children."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from fervlm.errors import FervlmError

START_S = 1800.0
"""A large model on a slow disk needs long; a process that ends is noticed at once."""
POLL_S, TELL_S = 0.5, 5.0
SICK = 5
"""Failed health checks in a row, two seconds apart, after which a process that hangs is killed."""
STOP_S = 20.0
BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
WELL_S = 300.0
"""After so long without a crash the back-off begins anew."""
_LAST_LINES = 4


class VllmProcess:
    """One vLLM server on a loopback port.

    Args:
        command: with its program, without port.
        port: it listens on.
        log: file that its output is appended to.
        say: takes lines for the user.
        restarted: called at every start after a crash.
    """

    def __init__(
        self,
        command: list[str],
        port: int,
        log: Path,
        say: Callable[[str], None] | None = None,
        restarted: Callable[[], None] | None = None,
    ) -> None:
        self.command, self.port, self.log = command, port, log
        self.url = f"http://127.0.0.1:{port}"
        self.ready = False
        self._say = say or (lambda line: print(f"fervlm: {line}", file=sys.stderr, flush=True))
        self._restarted = restarted or (lambda: None)
        self._process: asyncio.subprocess.Process | None = None
        self._group: int | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            FervlmError: the program is not there, ends, or does not answer in time.
        """
        environment = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", **os.environ}
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *tied(self.command), stdout=output, stderr=output, env=environment, start_new_session=True
                )
            except OSError as error:
                hint = "Type: pip install 'fervlm[vllm]', or say where it is: --vllm PROGRAM."
                raise FervlmError(f"vLLM cannot be started ({error.strerror})", hint=hint) from None
        self._group = self._process.pid
        await self._answers()
        self.ready = True

    async def _answers(self) -> None:
        began = told = time.monotonic()
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            while time.monotonic() - began < START_S:
                if self._process is None or self._process.returncode is not None:
                    await self._kill()
                    raise FervlmError(f"vLLM ended before it answered: {self._last()}", file=self.log)
                if await _healthy(client, self.url):
                    self._say(f"vLLM answers after {time.monotonic() - began:.0f} s.")
                    return
                if time.monotonic() - told >= TELL_S:
                    told = time.monotonic()
                    self._say(f"vLLM is starting, {told - began:.0f} s so far; its log is {self.log}")
                await asyncio.sleep(POLL_S)
        await self._kill()
        raise FervlmError(f"vLLM did not answer within {START_S:.0f} s", file=self.log)

    def _last(self) -> str:
        """The last lines of the log, for a sentence."""
        with contextlib.suppress(OSError):
            lines = [line.strip() for line in self.log.read_text("utf-8", "replace").splitlines() if line.strip()]
            return " / ".join(lines[-_LAST_LINES:])[-400:]
        return "no log"

    async def watch(self) -> None:
        """Until cancelled: notice a crash, start again, wait longer each time."""
        crashes, well_since = 0, time.monotonic()
        while True:
            await self._ill()
            self.ready = False
            if time.monotonic() - well_since > WELL_S:
                crashes = 0
            wait = BACKOFF_S[min(crashes, len(BACKOFF_S) - 1)]
            crashes += 1
            self._say(f"vLLM is gone ({self._ended()}); it starts again in {wait:.0f} s.")
            await self._kill()
            await asyncio.sleep(wait)
            try:
                await self.start()
            except FervlmError as error:
                self._say(str(error))
                continue
            self._restarted()
            well_since = time.monotonic()

    def _ended(self) -> str:
        code = self._process.returncode if self._process is not None else None
        if code is None:
            return "it does not answer"
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    async def _ill(self) -> None:
        """Returns once the process ended or stopped to answer."""
        failed = 0
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            while self._process is not None and failed < SICK:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), 2.0)
                    return
                failed = 0 if await _healthy(client, self.url) else failed + 1

    async def stop(self) -> None:
        """End it and all its children: SIGTERM, then SIGKILL."""
        self.ready = False
        process = self._process
        if process is not None and process.returncode is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_S)
        await self._kill()

    async def _kill(self) -> None:
        """SIGKILL for whatever is left of the process group."""
        if self._signal(signal.SIGKILL) and self._process is not None:
            await self._process.wait()
        for _ in range(50):
            if not self._signal(signal.SIGKILL):
                break
            await asyncio.sleep(0.1)
        self._group = None

    def _signal(self, number: int) -> bool:
        """Whether there was still something to send it to."""
        if self._group is None:
            return False
        try:
            os.killpg(self._group, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True


def tied(command: list[str]) -> list[str]:
    """The command such that it does not outlive this process, however that ends (Linux; elsewhere unchanged).

    A child between asks the kernel for a signal at our death and then becomes the command: done in a forked copy of a
    process with threads, it could hang. SIGTERM, not SIGKILL: vLLM's server has an engine process of its own to end.
    """
    program = shutil.which(command[0])
    if sys.platform != "linux" or program is None:
        return command
    return [sys.executable, "-c", _TIE, program, *command[1:]]


_TIE = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 15); os.execv(sys.argv[1], sys.argv[1:])"


async def _healthy(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/health")).status_code == 200
    except httpx.HTTPError:
        return False


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
