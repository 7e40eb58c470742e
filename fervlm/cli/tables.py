"""Tables on standard output: as wide as the terminal, or wide enough not to be cut where there is none."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

UNLIMITED = 200
"""Columns where the output is a file or a pipe."""


def show(table: Table) -> None:
    """Print `table`; no line ends in spaces."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else UNLIMITED, highlight=False, markup=False)
    with console.capture() as caught:
        console.print(table)
    sys.stdout.write("\n".join(line.rstrip() for line in caught.get().splitlines()) + "\n")
