"""Counterfactuals and predictors that look: drawn faces move, masks hide, the shipped model answers as `classify`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fervlm
from eval.catalogue import benchmark
from eval.counterfactual import HEAD, changed, hidden, in_drawings, in_evidence, in_pixels, region_mask
from eval.item import Item
from eval.predictors import Settings
from eval.predictors.contrastive import Contrastive
from eval.rendered import SHAPES, draw, load_head
from fervlm.errors import FervlmError
from fervlm.examples import photograph
from fervlm.facs.labels import BASIC7
from fervlm.metrics.follow_through import follow_through
from tests.eval.miniature import video
from tests.metrics.test_explanations import record

DATA = os.environ.get("FERVLM_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="set FERVLM_DATA to the folder with ict_facekit")


@pytest.fixture(scope="module")
def model() -> Contrastive:
    return Contrastive(replace(benchmark("raf_db"), labels=BASIC7), Settings())


def test_the_engine_follows_its_evidence() -> None:
    items = [
        Item(str(k), record=record(**units)) for k, units in enumerate(({"au12": 3, "au6": 3}, {"au4": 3, "au15": 2}))
    ]
    found = follow_through(in_evidence(items))
    assert found is not None and found.trials == 4 and found.sentence == 1


def test_a_changed_record() -> None:
    smiling = record(au12=3)
    gone = changed(smiling, 12, "absent")
    assert all(r.state == "absent" and r.value == 0 for r in gone.readings if r.au == 12)
    assert [r for r in gone.readings if r.au != 12] == [r for r in smiling.readings if r.au != 12]
    came = changed(smiling, 4, "present")
    assert all(r.state == "present" and (r.value or 0) > 1 for r in came.readings if r.au == 4)


def test_masks_lie_where_the_unit_shows() -> None:
    pytest.importorskip("torch", reason="needs the extra 'train'")
    brows, mouth = region_mask(2, 48), region_mask(25, 48)
    assert brows[:20].any() and not brows[24:].any()
    assert mouth[30:].any() and not mouth[:24].any()
    noise = np.random.default_rng(0).integers(0, 255, (48, 48)).astype(np.uint8)
    made = hidden(noise, mouth)
    assert made[:20].std() == noise[:20].std(), "elsewhere nothing changes"
    inside = mouth & np.roll(mouth, 2, 0) & np.roll(mouth, -2, 0)
    assert made[inside].std() < 0.5 * noise[inside].std()


def test_answers_are_those_of_classify(model: Contrastive) -> None:
    path = photograph()
    answer = next(model.answers([Item("p", picture=path)]))
    told = fervlm.load().classify(path, BASIC7, mirror=True)[0]
    assert answer.label == told.label and answer.probabilities == told.probabilities
    assert answer.units == {r.au: r.value for r in told.evidence.readings}
    assert answer.text is not None and answer.text.startswith("Overview: ")
    assert set(answer.variants) == {"names+expressions", "names", "expressions"}


def test_a_picture_without_a_face_fails_and_the_batch_goes_on(model: Contrastive, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("L", (64, 64), 90).save(tmp_path / "grey.png")
    items = [
        Item("none", picture=tmp_path / "grey.png"),
        Item("face", picture=photograph()),
        Item("gone", picture=tmp_path / "x"),
    ]
    answers = list(model.answers(items))
    assert [(a.id, a.status) for a in answers] == [("none", "failed"), ("face", "ok"), ("gone", "failed")]
    assert "no face was found" in (answers[0].reason or "")


def test_a_clip_is_the_mean_of_its_frames(model: Contrastive, tmp_path: Path) -> None:
    path = photograph()
    still = next(model.answers([Item("p", picture=path)]))
    clip = next(model.answers([Item("c", frames=(path, path, path))]))
    assert clip.label == still.label
    assert clip.probabilities == pytest.approx(still.probabilities, abs=1e-3)
    empty = next(model.answers([Item("v", video=video(tmp_path / "v.avi", side=64))]))
    assert empty.status == "failed" and "any frame" in (empty.reason or "")


def test_no_model_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FervlmError, match="there is no face model here"):
        load_head(tmp_path / HEAD)


@needs_data
def test_a_drawn_face_moves_where_its_unit_is() -> None:
    head = load_head(Path(DATA or "") / HEAD)
    rest = draw(head, {}, side=64).astype(int)
    for au, rows in {1: slice(0, 32), 2: slice(0, 32), 12: slice(24, 64), 26: slice(24, 64)}.items():
        change = np.abs(draw(head, {au: 1.0}, side=64).astype(int) - rest)
        outside = change.copy()
        outside[rows] = 0
        assert change[rows].sum() > 5 * outside.sum(), au
    assert set(SHAPES) >= {1, 2, 4, 12, 15, 26}
    assert (draw(head, {}, person=1, side=32) != draw(head, {}, person=2, side=32)).any()


@needs_data
def test_drawn_and_masked_faces_are_tried(model: Contrastive) -> None:
    drawn = in_drawings(model, Path(DATA or "") / HEAD, persons=1)
    assert {trial.au for trial in drawn} == set(SHAPES) & set(model.measured)
    assert all(trial.appeared and trial.score_change is not None for trial in drawn)
    smile = next(trial for trial in drawn if trial.au == 12)
    assert (smile.score_change or 0) > 0
    own, control = in_pixels(model, [Item("p", picture=photograph())])
    assert len(own) == 1 and all(trial.au == own[0].au for trial in control)
