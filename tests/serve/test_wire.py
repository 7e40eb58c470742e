"""The wire to a language model, against real servers on loopback that keep, close, cut, dawdle and vanish."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fervlm.serve.wire import GoneError, Wire

Talk = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head, await reader.readexactly(length)


def _answer(body: bytes, status: str = "200 OK", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{more}\r\n".encode() + body


def _with(talk: Talk, work: Callable[[Wire], Awaitable[Any]], *, seconds: float = 5, most: int = 4) -> tuple[Any, int]:
    """What `work` returns, and how many connections the server saw."""

    async def run() -> tuple[Any, int]:
        tasks: list[asyncio.Task[Any] | None] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.append(asyncio.current_task())
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await talk(len(tasks), reader, writer)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        wire = Wire(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/front/", seconds, most)
        try:
            return await work(wire), len(tasks)
        finally:
            wire.close()
            server.close()
            await asyncio.wait([task for task in tasks if task is not None] or [asyncio.create_task(asyncio.sleep(0))])

    return asyncio.run(run())


async def _echo(_: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        head, body = await _request(reader)
        assert head.startswith(b"POST /front/v1/x HTTP/1.1\r\n") and b"content-type: application/json" in head
        writer.write(_answer(body))


def test_a_connection_is_used_again() -> None:
    async def ask(wire: Wire) -> list[tuple[int, bytes]]:
        return [await wire.post("/v1/x", f'{{"n": {number}}}'.encode() * 9000) for number in range(3)]

    told, connections = _with(_echo, ask)
    assert [body for _, body in told] == [f'{{"n": {number}}}'.encode() * 9000 for number in range(3)]
    assert [status for status, _ in told] == [200] * 3 and connections == 1


def test_no_more_connections_than_allowed_and_no_answer_mixed_up() -> None:
    async def ask(wire: Wire) -> list[tuple[int, bytes]]:
        return await asyncio.gather(*(wire.post("/v1/x", str(number).encode()) for number in range(20)))

    told, connections = _with(_echo, ask, most=3)
    assert [body for _, body in told] == [str(number).encode() for number in range(20)] and connections == 3


def test_chunks_statuses_and_the_end_of_a_connection() -> None:
    async def talk(_: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        writer.write(b"HTTP/1.1 400 Bad\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        await _request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil the end")

    async def ask(wire: Wire) -> list[tuple[int, bytes]]:
        return [await wire.post("/v1/x", b"{}") for _ in range(2)]

    assert _with(talk, ask) == ([(400, b"abcde"), (200, b"until the end")], 1)


def test_a_connection_closed_while_idle_is_replaced() -> None:
    async def once(_: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_answer((await _request(reader))[1]))  # then closed, without a word of it in the head

    async def ask(wire: Wire) -> list[int]:
        told = [(await wire.post("/v1/x", b"{}"))[0]]
        await asyncio.sleep(0.05)
        return [*told, (await wire.post("/v1/x", b"{}"))[0]]

    assert _with(once, ask) == ([200, 200], 2)


def test_a_connection_closed_in_the_face_of_a_question_is_replaced_once_it_was_used() -> None:
    async def talk(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_answer((await _request(reader))[1]))
        await _request(reader)  # swallowed, and the connection closed
        assert number <= 2

    async def ask(wire: Wire) -> list[int]:
        return [(await wire.post("/v1/x", b"{}"))[0] for _ in range(2)]

    assert _with(talk, ask) == ([200, 200], 2)


@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", b"no HTTP at all\r\n\r\n"])
def test_what_is_cut_is_no_answer(part: bytes) -> None:
    async def talk(_: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        writer.write(part)

    async def ask(wire: Wire) -> None:
        with pytest.raises(GoneError):
            await wire.post("/v1/x", b"{}")

    assert _with(talk, ask) == (None, 1)


def test_a_half_answer_on_a_used_connection_is_not_asked_again() -> None:
    async def talk(_: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_answer((await _request(reader))[1]))
        await _request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")

    async def ask(wire: Wire) -> None:
        await wire.post("/v1/x", b"{}")
        with pytest.raises(GoneError):
            await wire.post("/v1/x", b"{}")

    assert _with(talk, ask) == (None, 1)


def test_nobody_there_and_too_slow() -> None:
    async def nobody() -> None:
        with pytest.raises(GoneError):
            await Wire("http://127.0.0.1:9", 5, 1).post("/v1/x", b"{}")

    asyncio.run(nobody())

    async def slow(_: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        await asyncio.sleep(3)

    async def ask(wire: Wire) -> None:
        with pytest.raises(TimeoutError):
            await wire.post("/v1/x", b"{}")

    _with(slow, ask, seconds=0.1)


def test_who_gives_up_closes_and_frees_the_place() -> None:
    closed = []

    async def talk(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, body = await _request(reader)
        if number == 1:
            closed.append(await reader.read())  # b"" as the client closes
        else:
            writer.write(_answer(body))

    async def ask(wire: Wire) -> int:
        waiting = asyncio.create_task(wire.post("/v1/x", b"{}"))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        status, _ = await wire.post("/v1/x", b"{}")
        await asyncio.sleep(0.05)
        return status

    assert _with(talk, ask, most=1) == (200, 2) and closed == [b""]
