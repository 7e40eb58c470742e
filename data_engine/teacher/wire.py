"""HTTP/1.1 to one server, as little of it as chat completions need: kept connections, JSON in, bytes out.

A general client took more of a core for each call than parsing and verifying the answer did, so a fast server had to
wait; this one takes about a tenth of that. No proxies and no redirects: a teacher is asked where its address says.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from typing import NamedTuple
from urllib.parse import urlsplit

_MOST_BYTES = 64 * 1024 * 1024
"""Of one answer; what is longer is no caption."""
_NO_BODY = frozenset({204, 304})


class WireError(Exception):
    """No whole answer came: refused, cut, timed out, or not HTTP."""


class Reply(NamedTuple):
    """What a server answered."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


class Wire:
    """Connections to the server of `base` (http or https), each used by one request at a time and then kept.

    Raises:
        ValueError: `base` is no such address.
    """

    def __init__(self, base: str, headers: dict[str, str], timeout_s: float) -> None:
        parts = urlsplit(base)
        if parts.scheme not in {"http", "https"} or not parts.hostname or any(c.isspace() for c in base):
            raise ValueError("it begins with http:// or https:// and names a server")
        self._host = parts.hostname
        self._ssl = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._ssl else 80)
        self._path = parts.path.rstrip("/")
        self._timeout_s = timeout_s
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        host = parts.netloc.rpartition("@")[2].encode("idna").decode()
        given = {"Host": host, "Accept": "application/json", "User-Agent": "fervlm", **headers}
        if parts.username is not None and "Authorization" not in given:
            pair = f"{parts.username}:{parts.password or ''}".encode()
            given["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        if any(not value.isprintable() for value in given.values()):
            raise ValueError("the key holds a character that no header can bear")
        self._head = "".join(f"{name}: {value}\r\n" for name, value in given.items())

    async def post(self, path: str, body: bytes) -> Reply:
        """The answer to a JSON body; `WireError` where none came in time."""
        head = f"POST {self._path}{path} HTTP/1.1\r\n{self._head}Content-Type: application/json\r\n"
        return await self._timed(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body, self._timeout_s)

    async def get(self, path: str, timeout_s: float) -> Reply:
        """The answer to a GET."""
        return await self._timed(f"GET {self._path}{path} HTTP/1.1\r\n{self._head}\r\n".encode(), timeout_s)

    async def close(self) -> None:
        """Close the kept connections."""
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()

    async def _timed(self, request: bytes, timeout_s: float) -> Reply:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchange(request)
        except TimeoutError as error:
            raise WireError(f"no answer within {timeout_s:g} s") from error
        except asyncio.IncompleteReadError as error:
            raise WireError("the connection was cut") from error
        except (OSError, UnicodeError) as error:
            raise WireError(f"{getattr(error, 'strerror', None) or error}") from error
        except (ValueError, IndexError, asyncio.LimitOverrunError) as error:
            raise WireError("the server does not speak HTTP") from error

    async def _exchange(self, request: bytes) -> Reply:
        reader, writer = await self._connection()
        kept = False
        try:
            writer.write(request)
            await writer.drain()
            reply, kept = await _reply(reader)
        finally:
            if kept:
                self._idle.append((reader, writer))
            else:
                writer.close()
        return reply

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not (reader.at_eof() or writer.is_closing()):
                return reader, writer
            writer.close()  # the server ended it meanwhile
        return await asyncio.open_connection(self._host, self._port, ssl=self._ssl)


async def _reply(reader: asyncio.StreamReader) -> tuple[Reply, bool]:
    """One answer, and whether the connection may be used again."""
    status = 100
    while 100 <= status < 200:  # a server may say first that it goes on
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        version, code = lines[0].split(" ", 2)[:2]
        if not version.startswith("HTTP/1."):
            raise ValueError(version)
        status = int(code)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    ended = True
    if status in _NO_BODY:
        body = b""
    elif headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _chunks(reader)
    elif "content-length" in headers:
        body = await reader.readexactly(_bounded(int(headers["content-length"])))
    else:
        body, ended = await reader.read(-1), False  # as far as the server's end of the connection
    kept = ended and version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    return Reply(status, headers, body), kept


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    total = 0
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        total += size
        parts.append(await reader.readexactly(_bounded(size, total)))
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers say nothing that is needed
    return b"".join(parts)


def _bounded(size: int, total: int = 0) -> int:
    if not 0 <= max(size, total) <= _MOST_BYTES:
        raise ValueError(f"{size} bytes")
    return size
