"""A batch encoded in parts trains like a whole one; the identity head works against the tower; runs begin anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from fervlm.config import validated
from fervlm.contrastive.begin import take_weights
from fervlm.contrastive.build import build
from fervlm.contrastive.faces import load_faces
from fervlm.contrastive.identity import IdentityHead
from fervlm.contrastive.run import Run
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.errors import FervlmError
from tests.contrastive import tiny


def run_of(data: Path, model: Path | str, out: Path, **changes: object) -> Run:
    out.mkdir(parents=True, exist_ok=True)
    config = validated(ContrastiveConfig, tiny.settings(data, model, **changes))
    faces = load_faces(config.data, "train", tiny.SIDE, colour=model != "nano")
    torch.manual_seed(0)
    return Run(config, out, build(config, faces), faces, lambda _text: None)


def gradients(run: Run) -> dict[str, torch.Tensor]:
    return {n: p.grad.clone() for n, p in run.model.named_parameters() if p.grad is not None}


def test_parts_give_the_losses_and_gradients_of_the_whole_batch(face_set: Path, tiny_vit: Path, tmp_path: Path) -> None:
    whole, cut = (run_of(face_set, tiny_vit, tmp_path / str(k), parts=k, clip_norm=1e9) for k in (1, 3))
    for step in range(3):  # captions on the first and the last
        whole.step = cut.step = step
        first, second = whole.one_step(), cut.one_step()
        assert first == pytest.approx(second, rel=1e-4, abs=1e-5)
        if step == 0:
            ours, theirs = gradients(whole), gradients(cut)
            assert ours.keys() == theirs.keys()
            for name, gradient in ours.items():
                assert torch.allclose(gradient, theirs[name], rtol=1e-3, atol=1e-5), name


def test_the_identity_head_learns_names_and_turns_the_towers_gradient_round() -> None:
    torch.manual_seed(0)
    features = torch.randn(12, 8, requires_grad=True)
    subjects = torch.tensor([0, 1, 2] * 4)
    head = IdentityHead(8, 3, strength=2.0)
    head(features, subjects).backward()
    turned = features.grad
    plain = features.detach().clone().requires_grad_()
    torch.nn.functional.cross_entropy(head.out(torch.relu(head.hidden(plain))), subjects).backward()
    assert turned is not None
    assert plain.grad is not None
    assert torch.allclose(turned, -2 * plain.grad, atol=1e-6)
    assert head.out.weight.grad is not None
    unknown = head(features, torch.full((12,), -1))
    assert unknown.item() == 0


def test_a_run_against_identity_trains_the_head_and_does_not_publish_it(face_set: Path, tmp_path: Path) -> None:
    run = run_of(face_set, "nano", tmp_path / "run", sizes=[[1.0, 32]], weights={"identity": 0.5, "units": 1})
    assert "identity" in run.one_step()
    assert run.model.training_only["identity"].out.out_features == len(set(run.faces.subjects)) > 10
    from fervlm.contrastive.publish import publish

    built = run.built
    made = publish(built.model, built.tokenizer, tmp_path / "made", config=built.model_cfg, card="c", licence="l")
    names = {name for note in made.manifest.files.values() for name in note.tensors}
    assert any(name.startswith("heads.") for name in names)
    assert not any("identity" in name for name in names)


def test_a_run_begins_with_a_published_checkpoint(face_set: Path, tmp_path: Path) -> None:
    from fervlm.contrastive.publish import publish

    run = run_of(face_set, "nano", tmp_path / "run", sizes=[[1.0, 32]])
    built = run.built
    publish(built.model, built.tokenizer, tmp_path / "made", config=built.model_cfg, card="c", licence="l")
    other = run_of(face_set, "nano", tmp_path / "other", sizes=[[1.0, 32]], seed=5)
    with torch.no_grad():
        for parameter in other.model.parameters():
            parameter.add_(1)
    before = other.model.heads["units"].bias.clone()
    taken = take_weights(other.model, tmp_path / "made", ("clip.visual.",))
    assert taken
    assert all(name.startswith("clip.visual.") for name in taken)
    own, theirs = other.model.state_dict(), built.model.state_dict()
    assert all(torch.allclose(own[name], theirs[name], atol=1e-2) for name in taken)
    assert torch.equal(before, other.model.heads["units"].bias)
    with pytest.raises(FervlmError, match="no weights to begin with"):
        take_weights(other.model, tmp_path, ("clip.",))
    with pytest.raises(FervlmError, match="do not fit"):
        take_weights(other.model, tmp_path / "made", ("nothing.",))
