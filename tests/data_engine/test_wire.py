"""The small HTTP client against a real socket: every way to end a body, and every way to fail."""

from __future__ import annotations

import asyncio

import pytest

from data_engine.teacher.wire import Reply, Wire, WireError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def talk(
    answers: list[bytes], *, calls: int = 1, timeout_s: float = 5.0, path: str = ""
) -> tuple[list[object], list[bytes]]:
    """What `calls` posts one after the other bring from a server that gives each request the next of `answers`.

    Also the requests as they came, each after the number of its connection. `<end>` ends the connection.
    """
    seen: list[bytes] = []
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        mine = connections
        try:
            while answers:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
                seen.append(b"%d " % mine + head + body)
                answer = answers.pop(0)
                writer.write(answer.removesuffix(b"<end>"))
                await writer.drain()
                if not answer or answer.endswith(b"<end>"):
                    break
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    async def run() -> list[object]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        wire = Wire(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{path}", {"X-Key": "k"}, timeout_s)
        found: list[object] = []
        for k in range(calls):
            try:
                found.append(await wire.post("/chat", b'{"n": %d}' % k))
            except WireError as error:
                found.append(str(error))
            await asyncio.sleep(0.02)  # the server's end of a connection comes through
        await wire.close()
        server.close()
        return found

    return asyncio.run(run()), seen


def test_a_request_is_what_a_server_expects_and_connections_are_kept() -> None:
    found, seen = talk([OK, OK, OK], calls=3, path="/v1/")
    assert [reply.body for reply in found if isinstance(reply, Reply)] == [b"{}"] * 3
    assert [request[:2] for request in seen] == [b"1 "] * 3
    assert seen[1].startswith(b"1 POST /v1/chat HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nX-Key: k\r\n" in seen[1]
    assert seen[1].endswith(b'\r\n\r\n{"n": 1}')


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=1\r\nde\r\n0\r\nT: 1\r\n\r\n",
            b"abcde",
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx", b"x"),
        (b"HTTP/1.1 429 \r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
)
def test_every_end_of_a_body_leaves_the_connection_usable(answer: bytes, body: bytes) -> None:
    found, seen = talk([answer, OK], calls=2)
    first, second = found
    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert (first.body, second.body) == (body, b"{}")
    assert [request[:2] for request in seen] == [b"1 ", b"1 "]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\nto the end<end>",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\nto the end",
        b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nto the end",
    ],
)
def test_a_connection_that_the_server_ends_is_not_used_again(answer: bytes) -> None:
    found, seen = talk([answer, OK], calls=2)
    assert [reply.body for reply in found if isinstance(reply, Reply)] == [b"to the end", b"{}"]
    assert [request[:2] for request in seen] == [b"1 ", b"2 "]


def test_a_kept_connection_that_was_ended_meanwhile_costs_nothing() -> None:
    found, seen = talk([OK + b"<end>", OK], calls=2)
    assert [reply.body for reply in found if isinstance(reply, Reply)] == [b"{}", b"{}"]
    assert [request[:2] for request in seen] == [b"1 ", b"2 "]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"<end>", "the connection was cut"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf<end>", "the connection was cut"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf<end>", "the connection was cut"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "no answer within 0.3 s"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "the server does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "the server does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "an answer of more than 64 MiB is no caption"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "the server does not speak HTTP"),
    ],
)
def test_what_is_no_whole_answer_is_one_error_and_the_next_call_is_sound(answer: bytes, told: str) -> None:
    found, seen = talk([answer, OK], calls=2, timeout_s=0.3)
    assert found[0] == told
    assert isinstance(found[1], Reply)
    assert [request[:2] for request in seen] == [b"1 ", b"2 "]


@pytest.mark.parametrize(
    "base", ["not a url", "http://", "ftp://host/v1", "http://[::1/v1", "http://host:port/v1", "//x"]
)
def test_what_is_no_address_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Wire(base, {}, 1.0)


def test_a_key_cannot_smuggle_a_header_in() -> None:
    with pytest.raises(ValueError, match="no header can bear"):
        Wire("http://host/v1", {"Authorization": "Bearer a\r\nX: y"}, 1.0)
