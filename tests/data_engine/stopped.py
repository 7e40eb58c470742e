"""`fervlm ...` in this process, which sends itself a signal at a given step: exact, whatever the machine's speed.

    python stopped.py SIGKILL 17 FOLDER annotate ...  # at its 17th file step in FOLDER
    python stopped.py SIGSTOP '.work/drafts/*.jsonl' FOLDER annotate ...  # at the first that finds such a file

A file step is a file of FOLDER opened for writing, renamed or removed, as the interpreter's audit hooks tell it just
before it happens. A run that ends by itself prints how many it made.
"""

from __future__ import annotations

import atexit
import os
import runpy
import signal
import sys
from pathlib import Path

STEPS = frozenset({"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir"})
WRITING = os.O_WRONLY | os.O_RDWR


class Watch:
    """Counts file steps and sends the signal at the one that is wanted."""

    def __init__(self, sent: signal.Signals, when: str, folder: Path) -> None:
        self._sent, self._when, self._folder = sent, when, folder.absolute()
        self._looking = False
        self.steps = 0

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        """An audit hook."""
        if event not in STEPS or self._looking or not self._inside(args[0]) or not self._writes(event, args):
            return
        self.steps += 1
        self._looking = True  # looking for the file is heard by this hook, too
        reached = self.steps == int(self._when) if self._when.isdigit() else any(self._folder.glob(self._when))
        if reached:
            os.kill(os.getpid(), self._sent)
        self._looking = reached

    def _inside(self, path: object) -> bool:
        return isinstance(path, str | os.PathLike) and Path(path).absolute().is_relative_to(self._folder)

    @staticmethod
    def _writes(event: str, args: tuple[object, ...]) -> bool:
        flags = args[2] if event == "open" else WRITING
        return isinstance(flags, int) and bool(flags & WRITING)


if __name__ == "__main__":  # a worker process imports this file and is not watched
    watch = Watch(signal.Signals[sys.argv[1]], sys.argv[2], Path(sys.argv[3]))
    sys.argv = ["fervlm", *sys.argv[4:]]
    sys.addaudithook(watch)
    atexit.register(lambda: print(watch.steps))
    runpy.run_module("fervlm", run_name="__main__")
