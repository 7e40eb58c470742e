"""The trainer on a small set: cut runs end as whole ones, everything is wired."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fervlm.contrastive.build import build
from fervlm.contrastive.faces import Faces, load_faces
from fervlm.contrastive.run import Run
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.contrastive.state import read_note
from fervlm.contrastive.train import train
from tests.contrastive import tiny
from tests.contrastive.runs import Settings, logged, make_run, silent

CUT_RUN = Path(__file__).with_name("cut_run.py")


def same_state(one: Path, other: Path) -> None:
    first, second = (load_file(out / "state.safetensors") for out in (one, other))
    assert first.keys() == second.keys()
    odd = [name for name, tensor in first.items() if not torch.equal(tensor, second[name])]
    assert not odd, odd


def cut(sent: str, when: str, config: ContrastiveConfig, out: Path, file: Path) -> subprocess.CompletedProcess[str]:
    file.write_text(config.model_dump_json(), encoding="utf-8")
    root = str(CUT_RUN.parents[2])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": root, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, str(CUT_RUN), sent, when, str(file), str(out)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)


def test_a_run_killed_and_terminated_ends_as_one_that_was_not(settings: Settings, whole: Path, tmp_path: Path) -> None:
    """kill -9 while the second state is being put in place; then SIGTERM between two rows of the log; then the rest."""
    out, file = tmp_path / "cut", tmp_path / "settings.json"
    killed = cut("SIGKILL", "save:2", settings(), out, file)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (out / "state.part").exists()
    assert read_note(out / "state.safetensors")["step"] == 4
    assert [row["step"] for row in logged(out, "steps.csv")] == ["3", "6"]
    ended = cut("SIGTERM", "9", settings(), out, file)
    assert ended.returncode == 0, ended.stderr
    assert read_note(out / "state.safetensors")["step"] == 10
    trained = train(settings(), out, silent)
    assert trained.finished
    assert trained.step == 22
    assert logged(out, "steps.csv") == logged(whole, "steps.csv")
    assert logged(out, "scores.csv") == logged(whole, "scores.csv")
    assert len(logged(out, "scores.csv")) == 2
    same_state(out, whole)
    assert (out / "curves.png").read_bytes()[:4] == b"\x89PNG"
    assert list((out / "tensorboard").iterdir())


def test_moments_of_channels_last_weights_survive_a_resume(face_set: Path, faces: Faces, tmp_path: Path) -> None:
    """Fused AdamW pairs weights and moments by their place in memory: nano's are not laid out as files are."""
    grey = load_faces((face_set,), "train", 48)
    weights = {"label": 1, "units": 0.5}
    config = ContrastiveConfig.model_validate(
        tiny.settings(face_set, "nano", weights=weights, sizes=[[1.0, 48]], epochs=1, batch=8)
    )
    runs = []
    for _ in range(2):
        run = make_run(config, grey, tmp_path)
        run.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        runs.append(run)
    first, second = runs
    for _ in range(2):
        first.one_step()
        first.step += 1
    first.save()
    second.resume()
    assert second.step == 2
    for run in runs:
        run.one_step()
    for (name, one), other in zip(first.model.state_dict().items(), second.model.state_dict().values(), strict=True):
        assert torch.equal(one, other), name


def test_it_overfits_few_faces(settings: Settings, faces: Faces, tmp_path: Path) -> None:
    """Labels, units and texts reach the right faces: wired wrongly, none of these numbers would come about."""
    few = faces.take(np.arange(len(faces)) < 32)
    changes = {"epochs": 80, "augment": 0, "smoothing": 0, "mixup": 0, "measure_every": 80, "log_every": 10}
    changes |= {"weight_decay": 0, "lr": 5e-3, "balance": 0, "edge": 4}
    weights = {"label": 1, "units": 1, "affect": 1, "overview": 0.5}
    config = settings(**changes, weights=weights, captions={"every": 2, "mine_after": 1000, "anchored": 0, "hard": 0})
    run = Run(config, tmp_path, build(config, faces), few, silent)  # 32 faces alone would not do for AU heads
    assert run.go(few)
    steps, scores = logged(tmp_path, "steps.csv"), logged(tmp_path, "scores.csv")[-1]
    first, last = ({k: float(v) for k, v in row.items()} for row in (steps[0], steps[-1]))
    assert last["label"] < 0.1 < 1 < first["label"]
    assert last["units"] < 0.25 * first["units"]
    assert last["affect"] < 0.05 < first["affect"]
    assert last["overview"] < 0.5 * first["overview"]
    assert min(float(scores[f"{source}/WAR"]) for source in ("one", "two")) > 0.9
    assert float(scores["units/AUC"]) > 0.95


# ---- gradients


def gradients(run: Run) -> dict[str, torch.Tensor | None]:
    run.step = 4  # captions are shown at even steps, and mined from step 3
    run.one_step()
    return {name: p.grad for name, p in run.model.named_parameters()}


UNSEEN = (".keys.bias", ".attention.bias")
"""A softmax does not change with what is added to all its logits: these have a gradient, which is 0."""


@pytest.mark.parametrize("way", ["attention", "prior", "in_sample"])
def test_every_parameter_gets_a_gradient(settings: Settings, faces: Faces, tmp_path: Path, way: str) -> None:
    config = settings(captions={"every": 2, "regions": 2, "mine_after": 3, "way": way})
    found = gradients(make_run(config, faces, tmp_path))
    assert [name for name, g in found.items() if g is None] == []
    still = [name for name, g in found.items() if g is not None and not g.abs().max() > 0]
    assert [name for name in still if not name.endswith(UNSEEN)] == []
    scales = {name.removeprefix("scales.") for name in found if name.startswith("scales.")}
    assert scales == {"overview", "summary", "local", "attention"}
    assert "clip.logit_scale" in found


@pytest.mark.parametrize(
    ("off", "silent_parts"),
    [
        (("label",), ("clip.logit_scale",)),
        (("units",), ("heads.units.",)),
        (("affect",), ()),
        (("overview",), ("scales.overview",)),
        (("summary",), ("scales.summary",)),
        (("local",), ("scales.local",)),
        (("align",), ("scales.attention",)),
        (("local", "align"), ("scales.local", "scales.attention", "heads.patches.")),
        (("overview", "summary", "local", "align"), ("scales.", "heads.patches.")),
        (
            ("label", "overview", "summary", "local", "align"),
            (
                "scales.",
                "heads.patches.",
                "clip.logit_scale",
                "clip.transformer.",
                "clip.token",
                "clip.text",
                "clip.ln_",
            ),
        ),
    ],
)
def test_a_weight_of_nought_leaves_its_part_alone(
    settings: Settings, faces: Faces, tmp_path: Path, off: tuple[str, ...], silent_parts: tuple[str, ...]
) -> None:
    weights = {"label": 1, "units": 1, "affect": 1, "overview": 1, "summary": 1, "local": 1, "align": 1}
    run = make_run(settings(weights=weights | dict.fromkeys(off, 0)), faces, tmp_path)
    found = gradients(run)
    none = {name for name, g in found.items() if g is None}
    text_bias = "clip.positional_embedding" if "clip.transformer." in silent_parts else ""
    assert none == {name for name in found if name.startswith(silent_parts or ("-",)) or name == text_bias}
    assert ("affect" in run.model.heads) == ("affect" not in off)


def test_settings_are_kept_in_the_state(whole: Path, settings: Settings) -> None:
    note = read_note(whole / "state.safetensors")
    assert ContrastiveConfig.model_validate(note["config"]).fingerprint() == settings().fingerprint()
