"""Speed and memory, measured and printed beside their targets; never a timed test."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eval.performance.annotate import annotate, annotate_memory
from eval.performance.contrastive_loss import contrastive_loss
from eval.performance.contrastive_step import contrastive_step
from eval.performance.explain import memory, startup, throughput
from eval.performance.figure import Figure, as_table
from eval.performance.mllm_captions import mllm_captions
from eval.performance.mllm_training import mllm_training
from eval.performance.serving import serving, serving_crops
from eval.performance.serving_gateway import serving_gateway
from eval.performance.serving_soak import serving_memory
from eval.performance.serving_vllm import serving_vllm
from eval.performance.teacher import teacher

MEASUREMENTS: dict[str, Callable[[Sequence[int]], list[Figure]]] = {
    "throughput": lambda rows: throughput(),
    "startup": lambda rows: startup(),
    "memory": memory,
    "annotate": lambda rows: annotate(),
    "teacher": lambda rows: teacher(),
    "annotate-memory": annotate_memory,
    "contrastive_loss": lambda rows: contrastive_loss(),
    "contrastive_step": lambda rows: contrastive_step(),
    "mllm_training": lambda rows: mllm_training(),
    "mllm_captions": lambda rows: mllm_captions(),
    "serving": lambda rows: [*serving_crops(), *serving()],
    "serving_memory": lambda rows: serving_memory(),
    "serving_gateway": lambda rows: serving_gateway(),
    "serving_vllm": lambda rows: serving_vllm(),
}
"""Name -> measurement, given the file sizes for those that want them."""


def measure(name: str, rows: Sequence[int]) -> list[Figure]:
    """Run one measurement by name; `SystemExit` with the known names otherwise."""
    if name not in MEASUREMENTS:
        raise SystemExit(f"there is no measurement '{name}'; known: {', '.join(MEASUREMENTS)}")
    return MEASUREMENTS[name](rows)


__all__ = ["MEASUREMENTS", "Figure", "as_table", "measure"]
