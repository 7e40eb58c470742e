"""A run in a process that signals itself at a step of its own: exact, whatever the machine's speed.

python cut_run.py SIGTERM 10 SETTINGS OUT   # in the middle of step 10
python cut_run.py SIGKILL save:2 SETTINGS OUT   # where the second state is whole, but not yet in its place
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from fervlm.contrastive.run import Run
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.contrastive.train import train


def main(sent: str, when: str, settings: str, out: str) -> int:
    """Exit code 0 where the run says that it is not finished."""
    number = signal.Signals[sent]
    if when.startswith("save:"):
        _at_save(number, int(when.removeprefix("save:")))
    else:
        _at_step(number, int(when))
    trained = train(ContrastiveConfig.model_validate(json.loads(Path(settings).read_text(encoding="utf-8"))), Path(out))
    return int(trained.finished)


def _at_step(number: signal.Signals, step: int) -> None:
    whole = Run.one_step

    def one_step(run: Run) -> dict[str, float]:
        if run.step == step:
            os.kill(os.getpid(), number)
        return whole(run)

    Run.one_step = one_step  # type: ignore[method-assign]


def _at_save(number: signal.Signals, count: int) -> None:
    seen = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal seen
        if event == "os.rename" and str(args[0]).endswith("state.part"):
            seen += 1
            if seen == count:
                os.kill(os.getpid(), number)

    sys.addaudithook(hook)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
