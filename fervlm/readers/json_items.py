"""JSON as a stream of items: an array's elements, the objects of JSON Lines, or one object; never the whole file."""

from __future__ import annotations

import io
import json
from collections.abc import Generator, Iterator
from contextlib import closing
from json.decoder import JSONDecodeError
from math import nan

from fervlm.errors import ReadError
from fervlm.readers.source import Origin

CHUNK = 1 << 16
ITEM_LIMIT = 1 << 24
"""Longest single item in characters."""
BLANK = " \t\r\n"


def items(origin: Origin) -> Generator[tuple[int, object]]:
    """(number from 1, value) of every item. An array of bare numbers or words counts as one item.

    Raises:
        ReadError: not JSON, cut off, an item of more than 16 million characters, or nothing in it.
    """
    with origin.opened() as stream, origin.decoded(stream) as text:
        yield from _Items(text, origin.label)


def first_item(origin: Origin) -> object:
    """The first item, without taking anything from standard input beyond its head."""
    if origin.path is not None:
        with closing(items(origin)) as found:
            return next(found)[1]
    return next(iter(_Items(origin.decoded(io.BytesIO(origin.head)), origin.label)))[1]


def as_number(given: object) -> float:
    """A JSON number, or a string that holds one, as a float; NaN for anything else."""
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        return nan
    try:
        return float(given)
    except (ValueError, OverflowError):
        return nan


class _Items:
    def __init__(self, text: io.TextIOWrapper, label: str) -> None:
        self._text, self._label = text, label
        self._buffer, self._at, self._done = "", 0, False
        self._decode = json.JSONDecoder().raw_decode
        self._number = 0

    def __iter__(self) -> Iterator[tuple[int, object]]:
        in_array = self._peek() == "[" and self._array_of_containers()
        if in_array:
            self._at += 1
        while True:
            sign = self._peek()
            if in_array and sign == "]":
                in_array = False
                self._at += 1
                continue
            if not sign:
                break
            self._number += 1
            yield self._number, self._item()
            if in_array:
                self._comma()
        if in_array:
            raise self._error("the JSON array is not closed", "The file may have been cut off.")
        if not self._number:
            raise self._error("the JSON holds no face", "The tool found no face, or was stopped early.")

    def _peek(self, ahead: int = 0) -> str:
        """The next sign that is no blank (`ahead` of the current one), or an empty string at the end."""
        while True:
            at = self._at
            while at < len(self._buffer) and self._buffer[at] in BLANK:
                at += 1
            if at + ahead < len(self._buffer):
                self._at = at
                return self._buffer[at + ahead]
            if not self._more():
                self._at = at
                return ""

    def _more(self, size: int = CHUNK) -> bool:
        if self._done:
            return False
        added = self._text.read(size)
        self._done = not added
        self._buffer = self._buffer[self._at :] + added
        self._at = 0
        return bool(added)

    def _array_of_containers(self) -> bool:
        ahead = 1
        while (sign := self._peek(ahead)) and sign in BLANK:
            ahead += 1
        return sign in {"[", "{", "]"}

    def _item(self) -> object:
        size = CHUNK
        while True:
            try:
                value, self._at = self._decode(self._buffer, self._at)
            except JSONDecodeError as error:
                unfinished = error.pos >= len(self._buffer) - 16 or error.msg.startswith("Unterminated string")
                if unfinished and len(self._buffer) < ITEM_LIMIT and self._more(size):
                    size *= 2
                    continue
                raise self._error(f"this is not JSON ({error.msg})", "The file may have been cut off.") from None
            except (RecursionError, ValueError):
                raise self._error("this JSON nests too deep, or holds a number that is too long") from None
            else:
                return value

    def _comma(self) -> None:
        sign = self._peek()
        if sign == ",":
            self._at += 1
            if self._peek() == "]":
                raise self._error("this is not JSON (a comma before the closing bracket)")
        elif sign and sign != "]":
            raise self._error("this is not JSON (a comma is missing between two items)")

    def _error(self, what: str, hint: str | None = None) -> ReadError:
        return ReadError(what, file=self._label, row=self._number or None, hint=hint)
