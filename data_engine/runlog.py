"""What a run did and when: JSON lines beside the data, and a progress bar on the terminal. Not part of the data."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

_LOG_EVERY_S = 2.0


class RunLog:
    """One line an event in `DIR/run_log.jsonl`, and a bar a stage on stderr when that is a terminal."""

    def __init__(self, path: Path, quiet: bool = False) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        _end_line(self._file)
        console = Console(file=sys.stderr)
        self._bars = Progress(
            TextColumn("{task.description:<8}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )

    def __enter__(self) -> RunLog:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
        if error is not None:
            # The disk may be full, which is perhaps what is to be told here; the error itself must come through.
            with suppress(OSError):
                self.event("stopped", why=str(error) or type(error).__name__)
        os.close(self._file)

    def event(self, name: str, **facts: object) -> None:
        """Append a line in one piece; times are wall-clock seconds since the epoch."""
        os.write(self._file, json.dumps({"t": round(time.time(), 3), "event": name, **facts}).encode() + b"\n")

    def stage(self, name: str, total: int | None) -> Stage:
        """Start a stage of `total` faces (None: not known yet)."""
        self.event("stage", stage=name, total=total)
        return Stage(self, self._bars, name, self._bars.add_task(name, total=total, note=""))


def _end_line(file: int) -> None:
    """A run that was killed while writing left half a line; it stays half a line."""
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        os.write(file, b"\n")


class Stage:
    """Progress of one stage: how many passed, how many left, at what rate, for how many tokens."""

    def __init__(self, log: RunLog, bars: Progress, name: str, task: TaskID) -> None:
        self._log = log
        self._bars = bars
        self._name = name
        self._task = task
        self._start = self._told = time.monotonic()
        self.passed = self.rejected = 0
        self.tokens: int | None = None

    def add(self, passed: int, rejected: int = 0, tokens: int | None = None) -> None:
        """Count faces; `tokens` is the running total, where a teacher is paid."""
        self.passed += passed
        self.rejected += rejected
        self.tokens = tokens if tokens is not None else self.tokens
        now = time.monotonic()
        rate = (self.passed + self.rejected) / max(now - self._start, 1e-6)
        cost = f" · {self.tokens} tokens" if self.tokens is not None else ""
        note = f"{rate:.0f}/s · {self.rejected} rejected{cost}"
        self._bars.update(self._task, completed=self.passed + self.rejected, note=note)
        if now - self._told > _LOG_EVERY_S:
            self._told = now
            self._say("progress")

    def done(self) -> None:
        """The stage is complete."""
        self._say("stage_done")

    def _say(self, event: str) -> None:
        seconds = round(time.monotonic() - self._start, 3)
        facts = {"stage": self._name, "passed": self.passed, "rejected": self.rejected, "seconds": seconds}
        self._log.event(event, **facts, **({} if self.tokens is None else {"tokens": self.tokens}))
