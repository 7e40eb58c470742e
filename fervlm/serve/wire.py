"""JSON to one HTTP server and back, on connections that stay open: what every answer of a language model goes through.

A general client spends a millisecond of its own on each answer, a fifth of what the whole gateway may add.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

READ = 1 << 16
"""Bytes at once."""


class GoneError(OSError):
    """The server cannot be reached, or went away before its answer was whole."""


@dataclass(slots=True)
class _Line:
    """One open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    http: h11.Connection
    used: bool = False
    answered: bool = False

    @property
    def open(self) -> bool:
        return not (self.reader.at_eof() or self.writer.is_closing())


class Wire:
    """Posts JSON to a server over plain HTTP/1.1.

    Args:
        url: of the server, `http://HOST:PORT`, a path in front allowed.
        seconds: for a whole answer, connecting included.
        most: connections at once; who comes later waits.
    """

    def __init__(self, url: str, seconds: float, most: int) -> None:
        told = urlsplit(url)
        self._host, self._port = told.hostname or "", told.port or 80
        self._before, self._seconds = told.path.rstrip("/"), seconds
        self._headers = [("host", told.netloc), ("content-type", "application/json"), ("accept", "application/json")]
        self._slots = asyncio.Semaphore(most)
        self._idle: list[_Line] = []

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and content of the answer.

        A connection that the server closed while it lay idle is replaced: nothing of an answer had come on it, and a
        question asked twice does no harm. Where the caller gives up it is closed, so that the server knows.

        Raises:
            GoneError: no connection, or it broke.
            TimeoutError: the answer took too long.
        """
        async with asyncio.timeout(self._seconds), self._slots:
            while True:
                line = await self._line()
                try:
                    return await self._asked(line, path, body)
                except (OSError, h11.ProtocolError) as error:
                    if not line.used or line.answered:
                        raise GoneError(str(error)) from None
                finally:
                    self._put_back(line)

    async def _line(self) -> _Line:
        while self._idle:
            line = self._idle.pop()
            if line.open:
                return line
            line.writer.close()
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port, limit=READ)
        except OSError as error:
            raise GoneError(str(error)) from None
        return _Line(reader, writer, h11.Connection(h11.CLIENT))

    def _put_back(self, line: _Line) -> None:
        """Kept where its answer is complete and the server keeps it too; closed otherwise."""
        if line.http.our_state is line.http.their_state is h11.DONE and line.open:
            line.http.start_next_cycle()
            line.used, line.answered = True, False
            self._idle.append(line)
        else:
            line.writer.close()

    async def _asked(self, line: _Line, path: str, body: bytes) -> tuple[int, bytes]:
        headers = [*self._headers, ("content-length", str(len(body)))]
        head = line.http.send(h11.Request(method="POST", target=self._before + path, headers=headers))
        line.http.send(h11.Data(data=body))  # h11 gives it back as it is
        line.http.send(h11.EndOfMessage())
        line.writer.write((head or b"") + body)
        await line.writer.drain()
        status, parts = 0, []
        while True:
            event = line.http.next_event()
            if event is h11.NEED_DATA:
                data = await line.reader.read(READ)
                line.answered = line.answered or bool(data)
                line.http.receive_data(data)
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                parts.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                return status, b"".join(parts)
            elif isinstance(event, h11.ConnectionClosed):
                raise GoneError("closed")

    def close(self) -> None:
        """Close what lies idle."""
        for line in self._idle:
            line.writer.close()
        self._idle.clear()
