"""Benchmarks, predictors and reports, from a checkout: `python -m eval WHAT ...` (also `fervlm eval WHAT ...`)."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module

from eval import commands
from eval.catalogue import measured_alone
from eval.performance import MEASUREMENTS, as_table, measure
from fervlm.errors import FervlmError

OWN = {
    "counterfactual": "one movement changed, in the evidence or the picture: does the text follow?",
    "renew": "the shipped predictors on the sets at hand: eval/REPORT.md, in one command",
    "embeddings": "a linear probe and retrieval on a contrastive model's features",
    "bertscore": "likeness of explanations to reference texts, by a local encoder (legacy)",
    "judge": "a language model's opinion of a run's explanations, beside the counts",
    "lmms": "a benchmark as a task folder for lmms-eval",
    "ablations": "what each part of the contrastive training adds",
}
"""Programs with options of their own."""
HOMES = {"lmms": "eval.lmms.export"}


def _benchmark(options: argparse.Namespace) -> int:
    code: int = import_module(f"eval.benchmarks.{options.name}").main(options.rest)
    return code


def _performance(options: argparse.Namespace) -> int:
    figures = [figure for name in options.names or MEASUREMENTS for figure in measure(name, options.rows)]
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:  # noqa: PTH123 - `-` aside, any path a user gives
            json.dump([figure.as_dict() for figure in figures], file, indent=2)
    print(json.dumps([figure.as_dict() for figure in figures], indent=2) if options.json else as_table(figures))
    return 0 if all(figure.met is not False for figure in figures) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval", description=__doc__)
    what = parser.add_subparsers(required=True, metavar="WHAT")
    commands.add(what)
    for name, told in OWN.items():
        what.add_parser(name, help=told, add_help=False)
    own = what.add_parser(
        "benchmark", help="a measurement with a command of its own, beside its target", add_help=False
    )
    own.add_argument("name", choices=measured_alone(), help="which one; its own options follow (--help)")
    own.add_argument("rest", nargs=argparse.REMAINDER, metavar="...")
    own.set_defaults(do=_benchmark)
    performance = what.add_parser("performance", help="speed and memory of the main job, each beside its target")
    performance.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    performance.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000], help="file sizes for `memory`")
    performance.add_argument("--json", action="store_true", help="figures as JSON instead of a table")
    performance.add_argument("--out", metavar="FILE", help="also write the figures as JSON")
    performance.set_defaults(do=_performance)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run what the arguments name; exit code 1 where a target is missed, 2 where nothing could be done."""
    given = sys.argv[1:] if argv is None else argv
    try:
        if given and given[0] in OWN:
            code: int = import_module(HOMES.get(given[0], f"eval.{given[0]}")).main(given[1:])
            return code
        options = _parser().parse_args(given)
        code = options.do(options)
    except FervlmError as error:
        print(f"fervlm: {error}", file=sys.stderr)
        code = 2
    return code


if __name__ == "__main__":
    sys.exit(main())
