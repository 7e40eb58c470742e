"""Results kept for equal inputs, a bounded number of them: faces with equal evidence share their texts."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """The last `size` results, least recently used first to go."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._found: dict[Hashable, T] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result kept under `key`, or what `make` makes now."""
        if key in self._found:
            result = self._found.pop(key)
        else:
            result = make()
            if len(self._found) >= self._size:
                del self._found[next(iter(self._found))]
        self._found[key] = result
        return result
