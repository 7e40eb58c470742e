"""vLLM's own engine as the teacher, on the CPU: real answers of a small random model, and what cannot be loaded.

Runs where FERVLM_VLLM names vLLM's program (`.ci/run` sets it); the Python beside it has fervlm's own needs as well.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.data_engine.faces import coded_faces
from tests.serve.tiny_vlm import write_base

PROGRAM = os.environ.get("FERVLM_VLLM")
pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="needs vLLM: set FERVLM_VLLM to its program"),
    pytest.mark.timeout(900),
]
ROOT = Path(__file__).parents[2]


def annotate(folder: Path, model: Path, *more: str) -> subprocess.CompletedProcess[str]:
    pictures, codes, labels = coded_faces(folder, 4)
    python = Path(str(PROGRAM)).with_name("python")
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    settings = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "HF_HUB_OFFLINE": "1"}
    command = [str(python), "-m", "fervlm", "annotate", str(pictures), "--au", str(codes), "--labels", str(labels)]
    command += ["--out", str(folder / "set"), "--teacher-offline", "--teacher-model", str(model), *more]
    return subprocess.run(
        command,
        env={**os.environ, **settings, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )


def longest(model: Path, tokens: int) -> None:
    """Nothing in the weights goes by place: any context will do."""
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    config["text_config"]["max_position_embeddings"] = tokens
    (model / "config.json").write_text(json.dumps(config), encoding="utf-8")


def test_the_engine_answers_and_a_request_that_is_too_long_fails_alone(tmp_path: Path) -> None:
    """A second request carries the first answer, which is long: it does not fit, and only that face keeps its draft."""
    model = write_base(tmp_path / "base")
    longest(model, 4096)
    options = ("--teacher-tries", "3", "--teacher-engine", "enforce_eager=true", "--teacher-engine", "max_num_seqs=4")
    done = annotate(tmp_path / "run", model, *options)
    assert done.returncode == 0, done.stderr[-3000:]
    card = (tmp_path / "run" / "set" / "README.md").read_text(encoding="utf-8")
    assert "| kept the deterministic draft | 4 | 100.0 % |" in card
    assert "`base`" in card and str(tmp_path) not in card
    log = [json.loads(line) for line in (tmp_path / "run" / "set" / "run_log.jsonl").read_text().splitlines()]
    told = next(event for event in log if (event["event"], event.get("stage")) == ("stage_done", "teacher"))
    assert told["tokens"] > 4 * 512, told


def test_a_model_that_vllm_cannot_load_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = annotate(tmp_path / "run", tmp_path / "empty")
    assert done.returncode == 2
    [told] = [line for line in done.stderr.splitlines() if line.startswith("fervlm: ")]
    assert told.startswith("fervlm: vLLM cannot load the teacher 'empty' ("), told
    assert "Traceback" not in done.stderr and not (tmp_path / "run" / "set" / "README.md").exists()
