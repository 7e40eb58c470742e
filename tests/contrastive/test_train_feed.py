"""What a step is shown, and when a run ends: mirrors, mixup, patience, precision, labels left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fervlm.contrastive.faces import Faces, load_faces
from fervlm.contrastive.objective import Batch
from fervlm.contrastive.run import Run
from fervlm.contrastive.train import train
from fervlm.contrastive.validation import tuning_part
from fervlm.errors import FervlmError
from tests.contrastive import tiny
from tests.contrastive.runs import Settings, logged, make_run, silent


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
