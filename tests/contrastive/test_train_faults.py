"""What must not go on in a training run: each stop is one sentence, and the last good state stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch

from fervlm.contrastive.faces import Faces, load_faces
from fervlm.contrastive.state import load_state
from fervlm.contrastive.train import train
from fervlm.contrastive.validation import tuning_part
from fervlm.errors import FervlmError
from tests.contrastive import tiny
from tests.contrastive.runs import Settings, make_run, silent


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
