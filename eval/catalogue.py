"""All benchmarks: every file of `eval/benchmarks` that defines `BENCHMARKS`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import eval.benchmarks
from eval.item import Benchmark
from fervlm.errors import FervlmError


@cache
def benchmarks() -> dict[str, Benchmark]:
    """Name -> benchmark, in order of the names."""
    found: dict[str, Benchmark] = {}
    for module in iter_modules(eval.benchmarks.__path__):
        for one in getattr(import_module(f"eval.benchmarks.{module.name}"), "BENCHMARKS", ()):
            if one.name in found:
                raise ValueError(f"two benchmarks are called {one.name}")
            found[one.name] = one
    return dict(sorted(found.items()))


def benchmark(name: str) -> Benchmark:
    """The benchmark called `name`; `FervlmError` with the known names otherwise."""
    try:
        return benchmarks()[name]
    except KeyError:
        raise FervlmError(f"there is no benchmark '{name}'", hint=f"Known: {', '.join(benchmarks())}.") from None


def measured_alone() -> list[str]:
    """Files of `eval/benchmarks` with a command of their own (`python -m eval benchmark NAME`)."""
    names = sorted(module.name for module in iter_modules(eval.benchmarks.__path__))
    return [name for name in names if hasattr(import_module(f"eval.benchmarks.{name}"), "main")]
