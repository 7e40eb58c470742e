"""Over ranks the loss is the loss of the whole batch, in value and gradient: real processes over gloo."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fervlm.contrastive.distributed import Ranks, loss_over_ranks, positives_by_id
from fervlm.contrastive.loss import multi_positive_loss

WORKER = Path(__file__).with_name("ranks_worker.py")


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_together_are_one_process(ranks: int) -> None:
    """Unequal parts, every form and kind of pair, DDP parameters, mining; the comparisons are in the worker."""
    root = str(WORKER.parents[2])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": root, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}", str(WORKER)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"equal over {ranks} ranks" in done.stdout


def test_one_process_needs_no_group() -> None:
    a, b = (
        torch.nn.functional.normalize(torch.randn(4, 6, generator=torch.Generator().manual_seed(i)), dim=1)
        for i in (0, 1)
    )
    assert torch.equal(loss_over_ranks(a, b, None, 5.0), multi_positive_loss(a, b, None, 5.0))
    alone = Ranks(4, "cpu")
    assert (alone.counts, alone.rows) == ([4], (0, 4))
    assert torch.equal(alone.gather(a), a)


def test_positives_by_id_keep_what_is_in_the_batch() -> None:
    batch = torch.tensor([70, 10, 40])
    rows, cols = torch.tensor([10, 70, 70, 11, 99]), torch.tensor([10, 40, 12, 40, 99])
    found = positives_by_id(rows, cols, torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]), batch)
    pairs = zip(found.rows.tolist(), found.cols.tolist(), found.weights.tolist(), strict=True)
    assert set(pairs) == {(1, 1, 1.0), (0, 2, 2.0)}
    with pytest.raises(ValueError, match="stands twice"):
        positives_by_id(rows, cols, torch.ones(5), torch.tensor([1, 2, 1]))
