"""`fervlm eval ...`: `python -m eval ...` of the checkout that this fervlm runs from."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import typer

import fervlm
from fervlm.errors import FervlmError


def evaluate(context: typer.Context) -> None:
    """Benchmarks, predictors and reports (from a checkout): list, run, score, report, compare, audit, renew, ..."""
    root = Path(fervlm.__file__).resolve().parents[1]
    if not (root / "eval" / "catalogue.py").is_file():
        raise FervlmError(
            "evaluation runs from a checkout of the project, and this fervlm is installed without one",
            hint="Go to a checkout, type: pip install -e . and there: python -m eval --help",
        )
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))  # other people's `eval` may stand in site-packages; the checkout's counts
    code: int = import_module("eval.__main__").main(context.args or ["--help"])
    raise typer.Exit(code)
