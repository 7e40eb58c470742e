"""The contrastive loss beside open_clip's `ClipLoss`, both in one process: time, bytes kept, peak memory.

One thread, the two losses by turns on the same normalised features (D = 512, fp32). Time is the process's own clock,
forward and backward pass together, the better of the rounds. Bytes kept are the distinct storages that autograd saves
for the backward pass. The peak is what resident memory rises by above its level before the pass (Linux only), taken in
a second process whose allocator gives every large block back at once, as else a freed one hides the next.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from eval.performance.figure import Figure

if TYPE_CHECKING:
    from torch import Tensor

SIZES = (2048, 4096, 8192, 16384)
JUDGED = 8192
"""The size the targets are stated for."""
WIDTH = 512
MIB = 1024 * 1024
PROGRAM = "import sys; from eval.performance.contrastive_loss import main; main(sys.argv[1], *map(int, sys.argv[2:]))"


def contrastive_loss(sizes: Sequence[int] = SIZES, rounds: int = 2) -> list[Figure]:
    """Figures for each batch size, then how the largest compares with the one before it; none without open_clip."""
    if find_spec("open_clip") is None:
        print("contrastive_loss: left out, type: pip install 'fervlm[train]'", file=sys.stderr)
        return []
    runs = {size: _run(size, rounds) for size in sizes}
    figures = [figure for size, run in runs.items() for figure in as_figures(size, run)]
    if len(sizes) > 1:
        small, large = sorted(sizes)[-2:]
        grown = runs[large]["kept"]["ours"] / runs[small]["kept"]["ours"]
        note = f"N = {small:,} to {large:,}; linear is {large / small:g}"
        figures.append(Figure("loss: growth of bytes kept", grown, "x", 1.05 * large / small, "lower", note))
    return figures


def _run(size: int, rounds: int) -> dict[str, dict[str, float]]:
    result: dict[str, dict[str, float]] = {}
    for what, setting in (("time", {}), ("memory", {"MALLOC_MMAP_THRESHOLD_": "65536"})):
        command = [sys.executable, "-c", PROGRAM, what, str(size), str(rounds)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **setting}
        root = Path(__file__).parents[2]
        done = subprocess.run(command, env=environment, cwd=root, check=True, capture_output=True, text=True)
        result |= json.loads(done.stdout.splitlines()[-1])
    return result


def as_figures(size: int, run: dict[str, dict[str, float]]) -> list[Figure]:
    """The figures of one batch size from what `main` printed."""
    kept, seconds, peak = run["kept"], run["seconds"], run["peak"]
    judged = size == JUDGED
    name = f"loss at N = {size:,}"
    note = f"{seconds['ours']:.2f} s against {seconds['theirs']:.2f} s; value apart by {run['apart']['loss']:.1e}"
    figures = [
        Figure(f"{name}: time", seconds["ours"] / seconds["theirs"], "x", 1.1 if judged else None, "lower", note),
        Figure(
            f"{name}: bytes kept",
            kept["ours"] / kept["theirs"],
            "x",
            0.1 if judged else None,
            "lower",
            f"{kept['ours'] / MIB:,.1f} MiB against {kept['theirs'] / MIB:,.1f} MiB",
        ),
        Figure(f"{name}: mined positives, groups", seconds["mined"] / seconds["theirs"], "x", note="time; 5 a row"),
    ]
    if peak.get("theirs"):
        note = f"{peak['ours'] / MIB:,.0f} MiB against {peak['theirs'] / MIB:,.0f} MiB above the level before"
        figures.append(Figure(f"{name}: peak memory", peak["ours"] / peak["theirs"], "x", better="lower", note=note))
    return figures


def _losses(size: int) -> tuple[list[Tensor], dict[str, Callable[[], Tensor]]]:
    """Features [N, D] twice and a scale, and what is to be measured on them."""
    import torch  # noqa: PLC0415 - the other measurements do without

    import fervlm.torchvision_fix  # noqa: F401, PLC0415
    from fervlm.contrastive.loss import multi_positive_loss  # noqa: PLC0415
    from fervlm.contrastive.pairs import Positives  # noqa: PLC0415

    # isort: split
    from open_clip.loss import ClipLoss  # noqa: PLC0415

    draw = torch.Generator().manual_seed(0)
    a, b = (torch.nn.functional.normalize(torch.randn(size, WIDTH, generator=draw), dim=1) for _ in range(2))
    scale = torch.tensor(1 / 0.07)
    index = torch.arange(size).repeat(5)
    others = torch.cat([torch.arange(size), torch.randint(0, size, (4 * size,), generator=draw)])
    mined = Positives(index, others, torch.cat([torch.full((size,), 0.6), torch.full((4 * size,), 0.1)]))
    groups = torch.randint(0, size // 4, (size, 2), generator=draw)
    inputs = [tensor.requires_grad_() for tensor in (a, b, scale)]
    theirs = ClipLoss()
    return inputs, {
        "theirs": lambda: theirs(a, b, scale),
        "ours": lambda: multi_positive_loss(a, b, None, scale),
        "mined": lambda: multi_positive_loss(a, b, mined, scale, same=groups),
    }


def _memory(loss: Callable[[], Tensor], inputs: list[Tensor]) -> tuple[int, int | None]:
    """(bytes that autograd saves, rise of the resident peak or None where the kernel does not tell) of one pass."""
    import torch  # noqa: PLC0415

    storages: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    _forget(inputs)
    before = _reset_peak()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        value = loss()
    value.backward()  # type: ignore[no-untyped-call]
    return sum(storages.values()), None if before is None else _status("VmHWM") - before


def _forget(inputs: list[Tensor]) -> None:
    for tensor in inputs:
        tensor.grad = None


def _reset_peak() -> int | None:
    """Make the peak of resident memory start anew; its level now in bytes."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
        return _status("VmRSS")
    except OSError:
        return None


def _status(key: str) -> int:
    """Bytes of one line of the kernel's account of this process."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))


def _seconds(loss: Callable[[], Tensor], inputs: list[Tensor]) -> float:
    _forget(inputs)
    start = time.process_time()
    loss().backward()  # type: ignore[no-untyped-call]
    return time.process_time() - start


def main(what: str, size: int, rounds: int) -> None:
    """Measure one batch size and print the result as JSON."""
    inputs, losses = _losses(size)
    if what == "time":
        turns = [{name: _seconds(loss, inputs) for name, loss in losses.items()} for _ in range(rounds)]
        apart = abs(float(losses["ours"]().detach() - losses["theirs"]().detach()))
        seconds = {name: min(turn[name] for turn in turns) for name in losses}
        print(json.dumps({"seconds": seconds, "apart": {"loss": apart}}))
        return
    found = {name: _memory(losses[name], inputs) for name in ("ours", "theirs")}
    peaks = {name: peak for name, (_, peak) in found.items() if peak is not None}
    print(json.dumps({"kept": {name: kept for name, (kept, _) in found.items()}, "peak": peaks}))
