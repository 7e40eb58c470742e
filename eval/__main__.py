"""`python -m eval WHAT ...`: run a benchmark or a measurement from a checkout."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from pkgutil import iter_modules

import eval.benchmarks
from eval.performance import MEASUREMENTS, as_table, measure


def benchmarks() -> list[str]:
    """Names of the files in `eval/benchmarks`."""
    return sorted(module.name for module in iter_modules(eval.benchmarks.__path__))


def _benchmark(options: argparse.Namespace) -> int:
    code: int = import_module(f"eval.benchmarks.{options.name}").main(options.rest)
    return code


def _ablations(options: argparse.Namespace) -> int:
    code: int = import_module("eval.ablations").main(options.rest)
    return code


def _performance(options: argparse.Namespace) -> int:
    figures = [figure for name in options.names or MEASUREMENTS for figure in measure(name, options.rows)]
    print(json.dumps([figure.as_dict() for figure in figures], indent=2) if options.json else as_table(figures))
    return 0 if all(figure.met is not False for figure in figures) else 1


def main(argv: list[str] | None = None) -> int:
    """Run what the arguments name; exit code 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m eval", description=__doc__)
    what = parser.add_subparsers(required=True, metavar="WHAT")
    benchmark = what.add_parser("benchmark", help="how good the results are, beside the target", add_help=False)
    benchmark.add_argument("name", choices=benchmarks(), help="which one; its own options follow (--help)")
    benchmark.add_argument("rest", nargs=argparse.REMAINDER, metavar="...")
    benchmark.set_defaults(run=_benchmark)
    ablations = what.add_parser("ablations", help="what each part of the contrastive training adds", add_help=False)
    ablations.add_argument("rest", nargs=argparse.REMAINDER, metavar="...")
    ablations.set_defaults(run=_ablations)
    performance = what.add_parser("performance", help="speed and memory of the main job, each beside its target")
    performance.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    performance.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000], help="file sizes for `memory`")
    performance.add_argument("--json", action="store_true", help="figures as JSON instead of a table")
    performance.set_defaults(run=_performance)
    options = parser.parse_args(argv)
    code: int = options.run(options)
    return code


if __name__ == "__main__":
    sys.exit(main())
