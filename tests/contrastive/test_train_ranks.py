"""Training over ranks: real processes over gloo whose step is that of one process, and whose cut run goes on."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.contrastive import tiny

WORKER = Path(__file__).with_name("train_worker.py")


def test_two_ranks_train_as_one(face_set: Path, tiny_vit: Path, tmp_path: Path) -> None:
    """Values and gradients of the label, unit, affect and caption losses; a run stopped by a signal to one rank."""
    changes = {"batch": 22, "epochs": 2, "measure_every": 1}
    captions = {"every": 1, "mine_after": 3, "mine_threshold": 0.3}
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(tiny.settings(face_set, tiny_vit, **changes, captions=captions)), encoding="utf-8")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    environment["PYTHONPATH"] = str(WORKER.parents[2])
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(WORKER)]
    done = subprocess.run(
        [*command, str(file), str(tmp_path / "out")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "all alike: affect align label local overview summary units" in done.stdout
    rows = []
    for name in ("whole", "cut"):
        with (tmp_path / "out" / name / "steps.csv").open(encoding="utf-8", newline="") as handle:
            rows.append([{k: v for k, v in row.items() if k != "pictures_per_s"} for row in csv.DictReader(handle)])
    assert rows[0] == rows[1]
    assert [row["step"] for row in rows[0]] == ["3", "6", "8"]
