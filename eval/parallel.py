"""The same predictor in several processes, or on a Ray cluster; answers come back in order."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

from eval.answer import Answer
from eval.item import Benchmark, Item
from eval.predictors import Predictor, Settings, open_predictor
from fervlm.errors import MissingExtraError

Job = tuple[str, Benchmark, Settings, tuple[str, ...]]
"""What `open_predictor` takes."""
Work = tuple[str, str, Settings, tuple[str, ...], tuple[str, ...], tuple[int, ...], list[Item]]
"""Predictor, benchmark, settings, truth, labels, AUs, items."""
CHUNK = 32
_opened: dict[tuple[object, ...], Predictor] = {}
"""One predictor a process."""


def _chunk(work: Work) -> list[Answer]:
    from eval.catalogue import benchmark  # noqa: PLC0415 - a worker reads the benchmark itself: loaders do not pickle

    spec, name, settings, truth, labels, units, items = work
    token = (spec, name, settings, truth, labels, units)
    if token not in _opened:
        asked = replace(benchmark(name), labels=labels, units=units)
        _opened[token] = open_predictor(spec, asked, settings, truth)
    return list(_opened[token].answers(items))


def spread_out(job: Job, items: Sequence[Item], workers: int, *, ray: bool) -> Iterator[Answer]:
    """Answers in the order of the items.

    Raises:
        MissingExtraError: `ray` without the extra `scale`.
    """
    spec, benchmark, settings, truth = job
    parts = [list(items[k : k + CHUNK]) for k in range(0, len(items), CHUNK)]
    asked = (spec, benchmark.name, settings, truth, benchmark.labels, benchmark.units)
    work: list[Work] = [(*asked, part) for part in parts]
    if ray:
        yield from _on_ray(work, workers)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        for answers in pool.map(_chunk, work):
            yield from answers


def _on_ray(work: list[Work], workers: int) -> Iterator[Answer]:
    try:
        import ray  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError("a Ray cluster", "scale") from None
    if not ray.is_initialized():
        ray.init(num_cpus=max(workers, 1), include_dashboard=False, log_to_driver=False)
    remote = ray.remote(_chunk)
    waiting = [remote.remote(part) for part in work[: 2 * workers]]
    for place in range(len(work)):
        answers: list[Answer] = ray.get(waiting[place])
        if len(waiting) < len(work):
            waiting.append(remote.remote(work[len(waiting)]))
        yield from answers
