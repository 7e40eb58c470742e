"""A line on standard error for long work, only where somebody is watching and results go elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

T = TypeVar("T")
EVERY = 32
"""Items between two updates; an update costs about as much as an explanation."""


class Watch:
    """Counts what passes through; silent without a terminal."""

    def __init__(self, bar: Progress | None, task: TaskID | None) -> None:
        self._bar, self._task = bar, task

    def file(self, name: str) -> None:
        """Say which file is being worked on."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=name)

    def count(self, items: Iterable[T]) -> Iterator[T]:
        """Pass `items` on, counting them."""
        if self._bar is None or self._task is None:
            yield from items
            return
        since = 0
        for item in items:
            yield item
            since += 1
            if since == EVERY:
                self._bar.advance(self._task, since)
                since = 0
        self._bar.advance(self._task, since)


@contextmanager
def watching(results_to_file: bool) -> Iterator[Watch]:
    """A progress line where standard error is a terminal and standard output is not one being written to."""
    if not sys.stderr.isatty() or (sys.stdout.isatty() and not results_to_file):
        yield Watch(None, None)
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.completed:,.0f} explained"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Watch(bar, bar.add_task("", total=None))
