"""A chat-completions server that takes a fixed time over each answer and works on a limited number at once.

It stands for a language model whose speed is known: `PARALLEL / SECONDS` answers a second and no more. The answer is
the draft that stands in the request. GET /counts tells the answers since the last look, and the seconds from the first
of these requests to the last of these answers; every request body is appended to FILE.

    python answering.py SECONDS PARALLEL FILE
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from pathlib import Path

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_DRAFT = re.compile(r"A draft that follows the rules:\n(.*?)\n\nWrite the caption anew", re.DOTALL)


class Answering:
    """The server's state: its slots, and what it has counted."""

    def __init__(self, seconds: float, parallel: int, record: Path) -> None:
        self._seconds = seconds
        self._slots = asyncio.Semaphore(parallel)
        self._record = record.open("ab")
        self._answers = 0
        self._first = self._last = 0.0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept open for any number of requests."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if head.startswith(b"GET"):
                    reply = self._counts() if b"/counts" in head.split(b"\r\n", 1)[0] else {"data": []}
                else:
                    length = _LENGTH.search(head)
                    reply = await self._answer(await reader.readexactly(int(length[1]) if length else 0))
                body = json.dumps(reply).encode()
                start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                writer.write(start + str(len(body)).encode() + b"\r\n\r\n" + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, body: bytes) -> dict[str, object]:
        self._first = self._first or time.perf_counter()
        async with self._slots:
            await asyncio.sleep(self._seconds)
        self._record.write(body + b"\n")
        request = json.loads(body)
        draft = _DRAFT.search(request["messages"][-1]["content"])
        self._answers += 1
        self._last = time.perf_counter()
        message = {"role": "assistant", "content": draft[1] if draft else "There is no draft."}
        return {"choices": [{"message": message}], "usage": {"total_tokens": len(body) // 4}}

    def _counts(self) -> dict[str, object]:
        self._record.flush()
        told: dict[str, object] = {"answers": self._answers, "seconds": self._last - self._first}
        self._answers, self._first, self._last = 0, 0.0, 0.0
        return told


async def main(seconds: float, parallel: int, record: Path) -> None:
    """Serve on a free port of this machine, which is printed, until killed."""
    server = await asyncio.start_server(Answering(seconds, parallel, record).serve, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
