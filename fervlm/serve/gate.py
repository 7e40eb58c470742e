"""What every request passes: its key, its rate, the limits of its body, the headers of its answer, the log's line."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import secrets
import time
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fervlm.serve.keys import Keys
from fervlm.serve.metrics import Metrics
from fervlm.serve.problems import Problem
from fervlm.serve.rate import Rate
from fervlm.serve.settings import Limits

LOG = logging.getLogger("fervlm.serve")
OPEN_PATHS = frozenset({"/", "/healthz", "/readyz", "/openapi.json", "/v1/notice", "/favicon.ico"})
OPEN_FOLDER = "/page/"
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines; counted, but no line in the log."""
SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "content-security-policy": (
        "default-src 'none'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; script-src 'self'; "
        "connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
}
"""On every answer. Inline styles are those inside the drawings; scripts come from this server alone."""


@dataclass(slots=True)
class Visit:
    """One request on its way."""

    id: str
    began: float
    caller: str = "-"
    status: int = 0
    started: bool = False
    received: int = 0
    bodiless: bool = False
    ended: bool = False
    """The whole body has come."""
    digest: hmac.HMAC | None = field(default=None)


class Gate:
    """ASGI around the application.

    Args:
        app: what answers.
        keys, limits, metrics: the server's.
    """

    def __init__(self, app: ASGIApp, keys: Keys, limits: Limits, metrics: Metrics) -> None:
        self._app, self._keys, self._limits, self._metrics = app, keys, limits, metrics
        self._rate = Rate(limits.per_minute)
        self._salt = secrets.token_bytes(16)  # of this process: a hash in a log must not tell a known picture

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or turn away."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = Visit(secrets.token_hex(8), time.perf_counter(), digest=hmac.new(self._salt, digestmod=hashlib.sha256))
        scope.setdefault("state", {})["request_id"] = visit.id
        self._metrics.open.inc()
        try:
            await self._passed(scope, receive, send, visit)
        finally:
            self._metrics.open.dec()
            self._note(scope, visit)

    async def _passed(self, scope: Scope, receive: Receive, send: Send, visit: Visit) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit.started, visit.status = True, message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers.setdefault(name, value)
                headers["x-request-id"] = visit.id
                if not (visit.ended or visit.bodiless) and message["status"] >= 400:
                    headers["connection"] = "close"  # the rest of the body is not read
            async with asyncio.timeout(self._limits.write_s):
                await send(message)

        try:
            self._admit(scope, visit)
            await self._app(scope, self._limited(receive, visit), answer)
        except Problem as problem:
            if not visit.started:
                await problem.response(visit.id)(scope, receive, answer)
        except TimeoutError:  # the client does not take its answer
            LOG.warning(json.dumps({"request": visit.id, "gone": "the client took its answer too slowly"}))

    def _admit(self, scope: Scope, visit: Visit) -> None:
        """Raises `Problem` for what may not pass; says who calls."""
        headers = Headers(scope=scope)
        client = scope.get("client")
        visit.caller = self._hashed(client[0] if client else "?")
        path = scope["path"]
        free = path in OPEN_PATHS or path.startswith(OPEN_FOLDER)
        if self._keys.wanted and not free:
            scheme, _, key = headers.get("authorization", "").partition(" ")
            name = self._keys.name_of(key.strip()) if scheme.lower() == "bearer" else None
            if name is None:
                told = {"www-authenticate": "Bearer"}
                raise Problem(401, "This server wants a key: send it as 'Authorization: Bearer KEY'.", told)
            visit.caller = name
        if not free:
            wait = self._rate.wait(visit.caller)
            if wait:
                raise Problem(429, "Too many requests of this key.", {"retry-after": str(max(1, round(wait)))})
        length = headers.get("content-length", "0")
        visit.bodiless = length == "0" and "transfer-encoding" not in headers
        if length.isdigit() and int(length) > self._limits.body_bytes:
            raise self._too_large()

    def _limited(self, receive: Receive, visit: Visit) -> Receive:
        """The body as it comes, counted and against the clock."""
        deadline = time.monotonic() + self._limits.body_s

        async def read() -> Message:
            if visit.ended:
                return await receive()
            try:
                async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                    message = await receive()
            except TimeoutError:
                raise Problem(408, "The request's body came too slowly.") from None
            if message["type"] == "http.request":
                body = message.get("body", b"")
                visit.received += len(body)
                visit.ended = not message.get("more_body", False)
                if visit.digest is not None:
                    visit.digest.update(body)
                if visit.received > self._limits.body_bytes:
                    raise self._too_large()
            return message

        return read

    def _too_large(self) -> Problem:
        return Problem(413, f"The request is larger than {self._limits.body_bytes:,} bytes.")

    def _hashed(self, text: str) -> str:
        return hmac.new(self._salt, text.encode(), hashlib.sha256).hexdigest()[:8]

    def _note(self, scope: Scope, visit: Visit) -> None:
        """One line a request: no picture, no text, no address, no query, only hashes of them."""
        route = getattr(scope.get("route"), "path", "other")
        seconds = time.perf_counter() - visit.began
        self._metrics.requests.labels(route, str(visit.status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        if route in PROBES:
            return
        body = visit.digest.hexdigest()[:12] if visit.digest is not None and visit.received else None
        line = {
            "time": round(time.time(), 3),
            "request": visit.id,
            "caller": visit.caller,
            "method": scope["method"],
            "route": route,
            "status": visit.status,
            "ms": round(seconds * 1000, 1),
            "bytes": visit.received,
            "body": body,
        }
        LOG.info(json.dumps(line))
