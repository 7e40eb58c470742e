"""A bar on standard error for long work, only where somebody is watching and the results go elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

T = TypeVar("T")
EVERY = 32
"""Items between two updates; an update costs about as much as an explanation."""


class Watch:
    """Counts sources and what is made of them; silent without a terminal."""

    def __init__(self, bar: Progress | None = None, task: TaskID | None = None) -> None:
        self._bar, self._task = bar, task
        self._made = 0

    def source(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """Pass the results of one source on, counting them; the source counts once they are used up."""
        if self._bar is None or self._task is None:
            yield from items
            return
        self._bar.update(self._task, description=PurePath(name).name)
        for item in items:
            yield item
            self._made += 1
            if self._made % EVERY == 0:
                self._bar.update(self._task, made=self._made)
        self._bar.update(self._task, advance=1, made=self._made)


@contextmanager
def watching(sources: int, *, to_file: bool) -> Iterator[Watch]:
    """A progress bar where standard error is a terminal and standard output is not one being written to.

    Args:
        sources: how many there are.
        to_file: whether results go to a file rather than to standard output.
    """
    if not sys.stderr.isatty() or (sys.stdout.isatty() and not to_file):
        yield Watch()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        *((BarColumn(), MofNCompleteColumn()) if sources > 1 else ()),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[made]:,} explained"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        yield Watch(bar, bar.add_task("", total=sources, made=0))


@contextmanager
def stepping() -> Iterator[Callable[[int, int, str], None]]:
    """A bar for the steps of a training, below the lines that are printed meanwhile; silent without a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _all, _told: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("step"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task("", total=None)

        def tick(done: int, steps: int, told: str) -> None:
            bar.update(task, completed=done, total=steps, description=told)

        yield tick
