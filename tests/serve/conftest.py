"""A real server in a process of its own, and the pictures that tests send to it."""

from __future__ import annotations

import base64
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from fervlm.examples import photograph, recording

ROOT = Path(__file__).parents[2]


class Served:
    """A running `fervlm serve`."""

    def __init__(self, *options: str, environment: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "fervlm", "serve", "--port", "0", "--workers", "1", *options]
        told = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **(environment or {})}
        self._told = ""
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed by stop()
        self.process = subprocess.Popen(command, stderr=self._log, env=told)
        self.address = self._address()
        self._wait()

    def log(self) -> str:
        """All it wrote on standard error so far."""
        if self._log.closed:
            return self._told
        self._log.seek(0)
        return self._log.read()

    def _address(self) -> str:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(r"http://\S+?(?=/ )", self.log())
            if found is not None:
                return found[0]
            time.sleep(0.05)
        raise AssertionError(self._failed())

    def _failed(self) -> str:
        """What it said, once it is stopped."""
        self.process.kill()
        return self.stop()[1]

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.address}/readyz").status_code in {200, 503}:
                    return
            except httpx.TransportError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        raise AssertionError(self._failed())

    def stop(self) -> tuple[int, str]:
        """Exit code, and all it logged."""
        self.process.terminate()
        code = self.process.wait(timeout=60)
        self._told = self.log()
        self._log.close()
        return code, self._told


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server with the shipped model and default settings."""
    served = Served()
    yield served.address
    code, told = served.stop()
    assert code == 0, told[-2000:]
    assert "Traceback" not in told, told[-4000:]


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Starts servers with options of their own; all are stopped at the end."""
    running: list[Served] = []

    def start(*options: str, environment: dict[str, str] | None = None) -> Served:
        running.append(Served(*options, environment=environment))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.stop()


@pytest.fixture(scope="session")
def photo() -> bytes:
    """The packaged photograph."""
    return photograph().read_bytes()


@pytest.fixture(scope="session")
def clip() -> bytes:
    """The packaged recording."""
    return recording().read_bytes()


@pytest.fixture(scope="session")
def crop(photo: bytes) -> bytes:
    """Its face, cut out, as a small PNG."""
    face = Image.open(io.BytesIO(photo)).crop((170, 90, 360, 280)).convert("L").resize((64, 64))
    buffer = io.BytesIO()
    face.save(buffer, "PNG")
    return buffer.getvalue()


def png(wide: int, high: int) -> bytes:
    """A black picture of a size."""
    buffer = io.BytesIO()
    Image.new("1", (wide, high)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def client(served: Served) -> Iterator[Any]:
    """OpenAI's own client, of the server that a module calls `served`."""
    openai = pytest.importorskip("openai", reason="needs the extra 'dev'")
    with openai.OpenAI(base_url=f"{served.address}/v1", api_key="unused", max_retries=0, timeout=120) as made:
        yield made


@pytest.fixture(scope="session")
def picture(photo: bytes) -> dict[str, object]:
    """The photograph as a part of a chat message."""
    return {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64," + base64.b64encode(photo).decode()}}


def about(picture: dict[str, object], words: str) -> list[dict[str, object]]:
    """A conversation of one question about a picture."""
    return [{"role": "user", "content": [picture, {"type": "text", "text": words}]}]
