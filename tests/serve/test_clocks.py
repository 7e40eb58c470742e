"""The clocks and last defences of a server: slow bodies, readers and answers, too many lines, things that break."""

from __future__ import annotations

import io
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from PIL import Image

import fervlm.serve.run as listening
from fervlm.predict.load import load
from fervlm.predict.pictures import PictureReader
from fervlm.serve.app import create_app
from fervlm.serve.settings import Limits, ServeSettings
from fervlm.vision.find_faces import FoundFace
from tests.serve.conftest import Served, png


@contextmanager
def _served(reader: PictureReader | None = None, **limits: float) -> Iterator[tuple[str, int]]:
    """A server with short clocks in a thread of this process."""
    settings = ServeSettings(limits=Limits(**limits))
    bound = listening.bound("127.0.0.1", 0)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)  # so that an answer fills it
    server = listening.server(create_app([reader or load()], settings), settings.limits.head_s)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    host, port = bound.getsockname()
    try:
        for _ in range(600):
            if server.started:
                break
            time.sleep(0.05)
        yield host, port
    finally:
        server.should_exit = True
        thread.join(30)


def _post(address: tuple[str, int], **sent: object) -> httpx.Response:
    return httpx.post(f"http://{address[0]}:{address[1]}/v1/explain", timeout=60, **sent)  # type: ignore[arg-type]


def test_a_body_that_dawdles_is_408() -> None:
    head = b"POST /v1/explain HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"
    with _served(body_s=0.5) as address, socket.create_connection(address, timeout=20) as line:
        line.sendall(head)
        began = time.monotonic()
        told = line.recv(4096)
        assert told.startswith(b"HTTP/1.1 408 ") and b"application/problem+json" in told
        assert 0.4 < time.monotonic() - began < 10


def test_who_does_not_take_an_answer_is_left(photo: bytes, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("fervlm.serve").propagate = True
    body = b"".join(
        b'--b\r\ncontent-disposition: form-data; name="pictures"; filename="p.jpg"\r\n\r\n' + photo + b"\r\n"
        for _ in range(60)
    )
    head = f"POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: {len(body) + 7}\r\n\r\n"  # fmt: skip  # noqa: E501
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with _served(write_s=0.5) as address, line, caplog.at_level(logging.WARNING, "fervlm.serve"):
        line.connect(address)
        line.sendall(head.encode() + body + b"--b--\r\n")
        deadline = time.monotonic() + 60
        while "too slowly" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.1)
        assert "too slowly" in caplog.text
        assert _post(address, files={"picture": photo}).status_code == 200


class Slow:
    """A finder that takes its time."""

    name = "none"

    def find(self, picture: object) -> Sequence[FoundFace]:
        time.sleep(6)
        return []


def test_an_answer_that_takes_too_long_is_503_and_the_next_one_comes(photo: bytes) -> None:
    reader = load()
    with _served(reader, answer_s=4) as address:
        quick, reader.finder = reader.finder, Slow()  # type: ignore[assignment]
        late = _post(address, files={"picture": photo})
        assert late.status_code == 503 and late.headers["retry-after"].isdigit()
        assert late.headers["content-type"] == "application/problem+json"
        reader.finder = quick
        time.sleep(2.5)  # a thread cannot be stopped: its place is free once it is done
        assert _post(address, files={"picture": photo}).status_code == 200


class Broken:
    """A finder with a fault in it."""

    name = "none"

    def find(self, picture: object) -> Sequence[FoundFace]:
        raise RuntimeError("a secret of the inside")


def test_what_breaks_inside_stays_inside(photo: bytes, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("fervlm.serve").propagate = True
    reader = load()
    with _served(reader) as address:
        reader.finder = Broken()  # type: ignore[assignment]
        told = _post(address, files={"picture": photo})
        assert told.status_code == 500 and told.headers["content-type"] == "application/problem+json"
        assert "secret" not in told.text and "Traceback" not in told.text and "find" not in told.json()["detail"]
    assert "a secret of the inside" in caplog.text


def test_more_connections_than_allowed_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "MOST_CONNECTIONS", 3)
    with _served() as address:
        lines = [socket.create_connection(address, timeout=10) for _ in range(5)]
        time.sleep(0.5)
        open_ones = 0
        for line in lines:
            line.setblocking(False)
            try:
                line.recv(1)
            except BlockingIOError:
                open_ones += 1
            except ConnectionResetError:
                pass
            line.close()
        assert open_ones == 3


def test_only_so_many_faces_are_told_of(photo: bytes, tmp_path: Path) -> None:
    one = Image.open(io.BytesIO(photo))
    both = Image.new("RGB", (one.width * 2, one.height))
    both.paste(one, (0, 0))
    both.paste(one, (one.width, 0))
    both.save(tmp_path / "two.png")
    sent = (tmp_path / "two.png").read_bytes()
    counts = []
    for most in (16, 1):
        with _served(faces=most) as address:
            counts.append(len(_post(address, files={"picture": sent}).json()["predictions"]))
    assert counts == [2, 1]


def test_no_upload_reaches_a_disk(serve: Callable[..., Served]) -> None:
    """Far larger than what Starlette keeps in memory by itself; sockets do not count as writing, files do."""
    served = serve()
    counted = Path(f"/proc/{served.process.pid}/io")

    def written() -> int:
        return int(next(row.split()[1] for row in counted.read_text().splitlines() if row.startswith("wchar")))

    picture = png(2000, 2000) + os.urandom(6 << 20)  # what comes after a PNG's end is passed over
    httpx.post(f"{served.address}/v1/explain", files={"picture": png(20, 20)}, timeout=60)
    before = written()
    answer = httpx.post(f"{served.address}/v1/explain", files={"picture": picture}, timeout=60)
    assert answer.status_code == 422 and "no face" in answer.text
    assert written() - before < 4096  # a line in the log
