"""`python -m eval performance [NAME ...]`: every measurement of speed and memory, each beside its target."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from eval.performance import MEASUREMENTS, as_table, measure


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m eval performance", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all without one; {', '.join(MEASUREMENTS)}")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000], help="file sizes for `memory`")
    parser.add_argument("--json", action="store_true", help="figures as JSON instead of a table")
    parser.add_argument("--out", metavar="FILE", help="also write the figures as JSON")
    options = parser.parse_args(argv)
    figures = [figure for name in options.names or MEASUREMENTS for figure in measure(name, options.rows)]
    told = json.dumps([figure.as_dict() for figure in figures], indent=2)
    if options.out:
        Path(options.out).write_text(told + "\n", encoding="utf-8")
    print(told if options.json else as_table(figures))
    return 0 if all(figure.met is not False for figure in figures) else 1
