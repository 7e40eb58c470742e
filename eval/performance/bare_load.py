"""A bare load generator: requests from a file, so many out at once, and nothing done with the answers.

python -m eval.performance.bare_load PORT CONCURRENCY FILE
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path


async def load(port: int, concurrency: int, bodies: list[bytes]) -> None:
    """Send every body once over `concurrency` connections, each as soon as the answer before it is there."""
    left = iter(bodies)

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for body in left:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
            answer = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        writer.close()

    await asyncio.gather(*(connection() for _ in range(concurrency)))


if __name__ == "__main__":
    asyncio.run(load(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]).read_bytes().splitlines()))
