"""Benchmarks, predictors and reports, from a checkout: `python -m eval WHAT ...` (also `fervlm eval WHAT ...`)."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from eval import commands
from eval.catalogue import measured_alone
from fervlm.errors import FervlmError

OWN = {
    "counterfactual": "one movement changed, in the evidence or the picture: does the text follow?",
    "renew": "the shipped predictors on the sets at hand: eval/REPORT.md, in one command",
    "embeddings": "a linear probe and retrieval on a contrastive model's features",
    "bertscore": "likeness of explanations to reference texts, by a local encoder (legacy)",
    "judge": "a language model's opinion of a run's explanations, beside the counts",
    "lmms": "a benchmark as a task folder for lmms-eval",
    "ablations": "what each part of the contrastive training adds",
    "style": "what an adapter changes in its base's answers, and what stays",
    "mllm": "a multimodal checkpoint beside the engine, the small picture model and the majority class",
    "performance": "speed and memory of the main job, each beside its target",
}
"""Programs with options of their own."""
HOMES = {
    "lmms": "eval.lmms.export",
    "mllm": "eval.multimodal.program",
    "style": "eval.multimodal.style",
    "performance": "eval.performance.program",
}


def _benchmark(options: argparse.Namespace) -> int:
    code: int = import_module(f"eval.benchmarks.{options.name}").main(options.rest)
    return code


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
