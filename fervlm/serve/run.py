"""From a listening socket to answers: uvicorn with a clock on request heads, and a clean stop."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from fervlm.errors import FervlmError

MOST_CONNECTIONS = 1024
"""Open at once; more are closed at once, so that idle ones cannot use up all files."""
SWITCH_S = 0.0005
GRACE_S = 10
"""Seconds for requests under way when the server is stopped."""


def protocol(head_s: float) -> type[H11Protocol]:
    """HTTP/1.1 that closes a connection whose next request head is not there in time, and those beyond the limit."""

    class Patient(H11Protocol):
        """One connection."""

        _waiting: asyncio.TimerHandle | None = None
        _begun: object = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > MOST_CONNECTIONS:
                transport.abort()
            else:
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and self.cycle is not self._begun:
                self._begun = self.cycle  # a head is complete; the body has a clock of its own
                self._stop()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if not self.transport.is_closing():
                self._wait()

        def _wait(self) -> None:
            self._stop()
            self._waiting = self.loop.call_later(head_s, self._too_slow)

        def _stop(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

        def _too_slow(self) -> None:
            self.transport.abort()

    return Patient


def bound(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        FervlmError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        reason = error.strerror or str(error)
        raise FervlmError(
            f"cannot listen on {host} port {port} ({reason.lower()})", hint="Choose another with --port."
        ) from None
    found.listen(512)
    return found


def server(app: ASGIApp, head_s: float) -> uvicorn.Server:
    """Uvicorn around the application; `run(sockets=[...])` serves until SIGINT or SIGTERM.

    Threads of this process give way to one another from now on every `SWITCH_S`: requests are moved by one of them,
    and each look at a picture would hold it up by Python's own five milliseconds.
    """
    sys.setswitchinterval(SWITCH_S)
    settings: dict[str, Any] = {
        "http": protocol(head_s),
        "ws": "none",
        "lifespan": "on",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "date_header": True,
        "timeout_keep_alive": 15,
        "timeout_graceful_shutdown": GRACE_S,
        "h11_max_incomplete_event_size": 32 * 1024,
    }
    return uvicorn.Server(uvicorn.Config(app, **settings))
