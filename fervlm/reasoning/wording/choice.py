"""Deterministic choice among wordings: the same evidence and seed always take the same turns.

Python's own `hash` is salted and `random` costs microseconds a call; here a key is mixed once (CRC-32) and a linear
congruential step picks each option in some hundred nanoseconds. Nothing about it is random in a statistical sense, and
nothing needs to be: it only has to spread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar
from zlib import crc32

from fervlm.reasoning.observe import Unit

T = TypeVar("T")

_MASK = (1 << 64) - 1
_SIDES = {None: 0, "both": 1, "left": 2, "right": 3}
_STRONGER = {None: 0, "left": 1, "right": 2}


def unit_code(unit: Unit) -> int:
    """All that the wording of one unit may depend on, as one number."""
    return (
        unit.au
        | (unit.state == "present") << 7
        | _SIDES[unit.side] << 8
        | (unit.level or 0) << 10
        | _STRONGER[unit.stronger] << 13
        | unit.uncertain << 15
        | unit.confident << 16
    )


def key_of(numbers: Iterable[int], seed: int, slot: int) -> int:
    """A well-spread 32-bit key of some numbers, the seed, and the slot the choice is made for."""
    key = seed * 1_000_003 + slot
    for number in numbers:
        key = (key * 1_000_003 ^ number) & _MASK
    return crc32((key & _MASK).to_bytes(8, "little"))


class Choice:
    """A stream of choices grown from one key."""

    __slots__ = ("_state",)

    def __init__(self, key: int) -> None:
        self._state = key * 2_862_933_555_777_941_757 + 3_037_000_493 & _MASK

    def number(self, below: int) -> int:
        """The next whole number from 0 to `below` - 1."""
        self._state = state = self._state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407 & _MASK
        return (state >> 33) % below

    def of(self, options: Sequence[T]) -> T:
        """The next pick among `options` (not empty)."""
        self._state = state = self._state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407 & _MASK
        return options[(state >> 33) % len(options)]


class Turns:
    """Choices that rest on what a sentence says, the seed, and one of eight turns taken from the whole face.

    Equal statements on different faces so come in few wordings, and whoever keeps judged sentences meets them again.
    """

    __slots__ = ("_base",)

    def __init__(self, seed: int, key: int) -> None:
        self._base = crc32((seed & _MASK).to_bytes(8, "little")) + key % 8

    def on(self, content: str) -> Choice:
        """The choices for one sentence; `content` is all that it will say."""
        return Choice(crc32(content.encode(), self._base))
