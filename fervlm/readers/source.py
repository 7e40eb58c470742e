"""Where the bytes come from: a file or standard input, decoded as a stream, never held whole."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from fervlm.errors import ReadError

STDIN = "-"
HEAD_BYTES = 1 << 18
"""Enough for the header (a py-feat 2 header has 25 KB) and some rows."""
HEAD_LINES = 8
LINE_LIMIT = 1 << 22
"""Longest line in characters: a hundred times the longest known row."""


class _Readable(Protocol):
    def read1(self, size: int = ..., /) -> bytes: ...


class _Resumed(io.RawIOBase):
    """A stream whose beginning was already taken: first the beginning again, then the rest."""

    def __init__(self, head: bytes, rest: _Readable) -> None:
        self._head, self._rest = memoryview(head), rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._head:
            taken = self._head[: len(buffer)]
            self._head = self._head[len(taken) :]
        else:
            taken = memoryview(self._rest.read1(len(buffer)))
        buffer[: len(taken)] = taken
        return len(taken)


class Origin:
    """A file or standard input, as the user named it."""

    def __init__(self, path: str | Path) -> None:
        given = str(path)
        self.path = None if given == STDIN else Path(given)
        self.label = "<stdin>" if self.path is None else plain(given) or given
        self.stem = "stdin" if self.path is None else plain(self.path.stem) or "file"
        self._head: bytes | None = None
        self._taken = False

    @property
    def head(self) -> bytes:
        """The first bytes: a quarter MiB, or as much as standard input gives for its first lines.

        Raises:
            ReadError: there is nothing, or it cannot be opened.
        """
        if self._head is None:
            self._head = self._take_head()
            if not self._head.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
                raise ReadError("the file is empty", file=self.label, hint="The tool wrote nothing; run it again.")
        return self._head

    def _take_head(self) -> bytes:
        if self.path is not None:
            with self._opened() as stream:
                return stream.read(HEAD_BYTES)
        stdin, head = _standard_input(self.label), b""
        while len(head) < HEAD_BYTES and head.count(b"\n") < HEAD_LINES:
            more = stdin.read1(HEAD_BYTES)
            if not more:
                break
            head += more
        return head

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        assert self.path is not None
        try:
            with self.path.open("rb") as stream:
                yield stream
        except FileNotFoundError:
            raise ReadError("there is no such file", file=self.label) from None
        except IsADirectoryError:
            raise ReadError("this is a folder, not a file", file=self.label) from None
        except OSError as error:
            raise ReadError(f"the file cannot be read ({error.strerror or error})", file=self.label) from None
        except ValueError:  # a NUL in the name
            raise ReadError("this is not a file name", file=self.label) from None

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The bytes from their beginning. Standard input can be opened once."""
        if self.path is not None:
            with self._opened() as stream:
                yield stream
            return
        head = self.head
        if self._taken:
            raise ReadError("standard input can be read only once", file=self.label)
        self._taken = True
        with io.BufferedReader(_Resumed(head, _standard_input(self.label))) as resumed:
            yield resumed

    @property
    def encoding(self) -> str:
        """UTF-16 where a byte order mark says so, else UTF-8 with or without mark."""
        return "utf-16" if self.head[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"

    def decoded(self, stream: BinaryIO) -> io.TextIOWrapper:
        """`stream` as text, line ends kept. What is no text stays visible: it is no number, so the cell gets blamed."""
        errors = "replace" if self.encoding == "utf-16" else "surrogateescape"
        return io.TextIOWrapper(stream, encoding=self.encoding, errors=errors, newline="")

    def lines(self) -> Iterator[str]:
        """Lines with their ends.

        Raises:
            ReadError: cannot be opened, or a line is longer than any tool writes.
        """
        with self.opened() as stream, self.decoded(stream) as text:
            number = 0
            while line := text.readline(LINE_LIMIT):
                number += 1
                if len(line) == LINE_LIMIT and line[-1] not in "\r\n":
                    raise ReadError("the line is longer than any AU tool writes", file=self.label, row=number)
                yield line

    def head_text(self) -> tuple[str, bool]:
        """The head as text, and whether it is the whole file."""
        whole = len(self.head) < HEAD_BYTES and self.path is not None
        return self.decoded(io.BytesIO(self.head)).read(), whole


def _standard_input(label: str) -> _Readable:
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None or sys.stdin.closed:
        raise ReadError("there is no standard input", file=label)
    found: _Readable = stream
    return found


def plain(text: str) -> str | None:
    """A text cell as valid Unicode without outer blanks (bytes that were no UTF-8 become the replacement sign)."""
    text = text.strip()
    if not text.isascii():
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text or None
