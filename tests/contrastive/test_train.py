"""The trainer on a small set: cut runs end as whole ones, everything is wired, what cannot be is one sentence."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from fervlm.contrastive.build import build
from fervlm.contrastive.faces import Faces, load_faces
from fervlm.contrastive.objective import Batch
from fervlm.contrastive.run import Run
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.contrastive.state import load_state, read_note
from fervlm.contrastive.train import train
from fervlm.contrastive.validation import tuning_part
from fervlm.errors import FervlmError
from tests.contrastive import tiny

CUT_RUN = Path(__file__).with_name("cut_run.py")
Settings = Callable[..., ContrastiveConfig]


@pytest.fixture(scope="module")
def settings(face_set: Path, tiny_vit: Path) -> Settings:
    def make(**changes: object) -> ContrastiveConfig:
        return ContrastiveConfig.model_validate(tiny.settings(face_set, tiny_vit) | changes)

    return make


@pytest.fixture(scope="module")
def whole(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run from beginning to end."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    assert train(settings(), out, silent).finished
    return out


@pytest.fixture(scope="module")
def faces(face_set: Path) -> Faces:
    return load_faces((face_set,), "train", tiny.SIDE, colour=True)


def silent(_text: str) -> None:
    pass


def make_run(config: ContrastiveConfig, faces: Faces, out: Path) -> Run:
    torch.set_num_threads(1)
    torch.manual_seed(config.seed)
    return Run(config, out, build(config, faces), faces, silent)


def logged(out: Path, name: str) -> list[dict[str, str]]:
    with (out / name).open(encoding="utf-8", newline="") as handle:
        return [{k: v for k, v in row.items() if k != "pictures_per_s"} for row in csv.DictReader(handle)]


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


# ---- what must not go on


def test_a_damaged_number_stops_the_run_and_spares_the_last_state(
    settings: Settings, faces: Faces, whole: Path, tmp_path: Path
) -> None:
    run = make_run(settings(), faces, tmp_path)
    run.feed.targets.affect[int(run.feed.chosen(6)[3])] = torch.nan
    tuning = faces.take(np.arange(len(faces)) < 20)
    with pytest.raises(FervlmError, match=r"no number in the batch of step 6, .*affect nan.*last saved state is good"):
        run.go(tuning)
    again = make_run(settings(), faces, tmp_path)
    note = load_state(tmp_path, again.model, again.average, again.optimizer)
    assert note is not None
    assert note["step"] == 4
    assert all(bool(torch.isfinite(tensor).all()) for tensor in again.model.state_dict().values())


def test_an_infinite_gradient_of_a_finite_loss_stops_it_too(settings: Settings, faces: Faces, tmp_path: Path) -> None:
    run = make_run(settings(), faces, tmp_path)
    before = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    run.model.heads["patches"].weight.register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(FervlmError, match=r"gradient is no number in the batch of step 0.*Nothing was saved yet"):
        run.one_step()
    assert all(torch.equal(tensor, before[name]) for name, tensor in run.model.state_dict().items())


def test_another_run_in_the_folder_is_refused(settings: Settings, whole: Path, tmp_path: Path) -> None:
    for changed in (settings(lr=1e-3), settings(edge=0), settings(weights={"label": 1, "units": 1})):
        with pytest.raises(FervlmError, match="a run with other settings"):
            train(changed, whole, silent)
    # How it is looked at and where it runs does not make it another run.
    assert train(settings(save_every=7, log_every=1, threads=1, measure_every=3), whole, silent).step == 22


def test_other_faces_are_refused(settings: Settings, faces: Faces, whole: Path) -> None:
    labels = faces.labels.copy()
    labels[3] = (labels[3] + 1) % 5
    other = Faces(faces.ids, faces.pictures, labels, faces.units, faces.sources, faces.texts)
    run = make_run(settings(), other, whole)
    with pytest.raises(FervlmError, match="a run with other training faces"):
        run.resume()


@pytest.mark.parametrize("damage", ["cut", "text", "foreign"])
def test_a_damaged_state_is_refused(settings: Settings, whole: Path, tmp_path: Path, damage: str) -> None:
    data = (whole / "state.safetensors").read_bytes()
    path = tmp_path / "state.safetensors"
    if damage == "foreign":
        from safetensors.torch import save_file

        save_file({"weight": torch.zeros(2)}, path)
    else:
        path.write_bytes(data[:-50] if damage == "cut" else b"no tensors at all")
    with pytest.raises(FervlmError, match=r"saved state cannot be read.*--restart"):
        train(settings(), tmp_path, silent)


# ---- parts, flips, mixup, patience, precision


def test_the_tuning_part_is_stable_and_apart(face_set: Path) -> None:
    held_out = load_faces((face_set,), "val", tiny.SIDE)
    train_ids = set(load_faces((face_set,), "train", tiny.SIDE).ids)
    assert not train_ids & set(held_out.ids)
    tuned = tuning_part(held_out)
    names = {name for name, at in zip(held_out.ids, tuned, strict=True) if at}
    assert 0.1 < len(names) / len(held_out) < 0.45
    # A face stays in its part whoever is beside it, in whatever order, in every release.
    half = held_out.take(np.arange(len(held_out)) % 2 == 1)
    assert {n for n, at in zip(half.ids, tuning_part(half), strict=True) if at} == names & set(half.ids)
    made_up = replace(held_out, ids=[f"f{k}" for k in range(8)])
    assert tuning_part(made_up).tolist() == [False, True, False, False, False, False, True, False]


def batches(run: Run, steps: int) -> list[Batch]:
    return [run.feed.batch(step, torch.Generator().manual_seed(step)) for step in range(steps)]


def test_faces_whose_texts_name_a_side_are_not_mirrored(settings: Settings, faces: Faces, tmp_path: Path) -> None:
    """With nothing but flips left of the augmentation, a face is itself or its mirror image."""
    run = make_run(settings(augment=0, captions={"every": 1}), faces, tmp_path)
    assert run.feed.bank is not None
    sided = torch.from_numpy(run.feed.bank.sided)
    assert 0 < int(sided.sum()) < len(sided)
    words = {w.strip(".,;()") for t in faces.texts if t for w in f"{t.overview} {t.summary}".split()}
    assert "left" in words
    mirrored = {True: 0, False: 0}
    for step, batch in enumerate(batches(run, 8)):
        chosen = run.feed.chosen(step)
        from fervlm.contrastive.augment import prepare

        plain = prepare(faces.pictures.batch(chosen.numpy()), tiny.SIDE, run.built.levels)
        for k, face in enumerate(chosen.tolist()):
            own, other = ((batch.x[k] - x).abs().max() for x in (plain[k], plain[k].flip(-1)))
            assert min(own, other) < 1e-4
            mirrored[bool(sided[face])] += bool(other < own)
    assert mirrored[True] == 0
    assert mirrored[False] > 20


def test_captions_are_never_mixed(settings: Settings, faces: Faces, tmp_path: Path) -> None:
    run = make_run(settings(captions={"every": 3}), faces, tmp_path)
    mixed = 0
    for step, batch in enumerate(batches(run, 12)):
        assert (batch.captions is not None) == (step % 3 == 0)
        shares = batch.labels.max(1).values < 0.999 - run.config.smoothing
        if batch.captions is not None:
            assert not shares.any()
        mixed += bool(shares.any())
    assert mixed > 0


def test_patience_stops_a_run_that_gets_no_better(settings: Settings, tmp_path: Path) -> None:
    """With a rate of next to nothing the score stays as it is."""
    config = settings(lr=1e-12, patience=2, measure_every=0.3, epochs=5, weights={"label": 1, "units": 0})
    trained = train(config, tmp_path, silent)
    scores = logged(tmp_path, "scores.csv")
    assert trained.finished
    assert trained.step == int(float(scores[-1]["step"])) < 55
    judged = [np.mean([float(v) for k, v in row.items() if k.endswith("/UAR")]) for row in scores]
    best = int(np.argmax(judged)) if max(judged) > 0 else -1
    assert len(judged) == best + 1 + 2
    again = train(config, tmp_path, silent)
    assert (again.step, again.finished) == (trained.step, True)


def test_a_run_that_stops_early_publishes_what_scored_best(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The score peaks at the second of four measurements: the weights of that moment are published, resumed or not."""
    told, seen = iter([0.2, 0.5, 0.4, 0.3]), []

    def scores(model: torch.nn.Module, *_rest: object) -> dict[str, float]:
        seen.append({name: value.clone() for name, value in model.state_dict().items()})
        return {"one/UAR": next(told)}

    monkeypatch.setattr("fervlm.contrastive.run.scores_by_source", scores)
    config = settings(lr=3e-3, ema=0.5, patience=2, measure_every=0.3, epochs=5)
    trained = train(config, tmp_path, silent)
    assert (len(seen), trained.finished) == (4, True)
    for again in (trained, train(config, tmp_path, silent)):
        own = again.built.model.state_dict()
        assert all(torch.equal(own[name], value) for name, value in seen[1].items())
        assert not all(torch.equal(own[name], value) for name, value in seen[3].items())


def test_a_model_is_cut_over_several_processes_only(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(FervlmError, match="several processes"):
        train(settings(shard=True), tmp_path, silent)


def test_bf16_follows_fp32(settings: Settings, faces: Faces, tmp_path: Path) -> None:
    losses = []
    for precision in ("fp32", "bf16"):
        run = make_run(settings(precision=precision), faces, tmp_path)
        losses.append(run.one_step())
        assert all(p.dtype == torch.float32 for p in run.model.parameters())
    plain, half = losses
    assert plain.keys() == half.keys()
    for name, value in plain.items():
        assert value != half[name], "bf16 was on"
        assert half[name] == pytest.approx(value, rel=0.04), name


def test_left_out_labels_are_not_learned(settings: Settings, face_set: Path, tmp_path: Path) -> None:
    config = settings(leave_out=["anger"], epochs=0.1, weights={"label": 1, "units": 0})
    trained = train(config, tmp_path, silent)
    assert trained.finished
    with pytest.raises(FervlmError, match="'rage' cannot be left out"):
        train(settings(leave_out=["rage"]), tmp_path / "other", silent)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"batch": 4000}, "do not fill one batch of 4000"),
        ({"sizes": [[1.0, 20]]}, "cannot look at pictures of 20 pixels"),
        ({"device": "gpu"}, "no device 'gpu'"),
        ({"device": "cuda"}, "no GPU"),
        ({"model": "no-such-model"}, "no model 'no-such-model'"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    settings: Settings, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    if changes.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(FervlmError, match=sentence):
        train(settings(**changes), tmp_path, silent)


def test_a_set_with_next_to_no_validation_faces_is_refused(settings: Settings, face_set: Path, tmp_path: Path) -> None:
    held_out = load_faces((face_set,), "val", tiny.SIDE)
    first = int(np.flatnonzero(~tuning_part(held_out))[0])
    (tmp_path / "data").mkdir()
    for file in (face_set / "data").glob("*.parquet"):
        table = pq.read_table(file)
        if file.name.startswith("validation"):
            table = table.filter(pc.equal(table["id"], held_out.ids[first]))
            assert len(table) == 1
        pq.write_table(table, tmp_path / "data" / file.name)
    with pytest.raises(FervlmError, match="none falls into the quarter for tuning"):
        train(settings(data=[str(tmp_path)]), tmp_path / "run", silent)


def test_settings_are_kept_in_the_state(whole: Path, settings: Settings) -> None:
    note = read_note(whole / "state.safetensors")
    assert ContrastiveConfig.model_validate(note["config"]).fingerprint() == settings().fingerprint()
