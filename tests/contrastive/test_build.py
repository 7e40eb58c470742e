"""The models a run may begin with: open_clip's names and folders, text towers cut short or not, LoRA, refusals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from fervlm.contrastive.build import Built, build, picture_side, training_texts
from fervlm.contrastive.faces import Faces, load_faces
from fervlm.contrastive.finish import finish
from fervlm.contrastive.lora import merge_lora
from fervlm.contrastive.model import encode_texts
from fervlm.contrastive.run import Run
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.contrastive.train import train
from fervlm.contrastive.words import OpenClipWords, OwnWords
from fervlm.errors import FervlmError
from tests.contrastive import tiny

# isort: split
import open_clip  # behind fervlm.torchvision_fix

TEXTS = ["happy", "an expression of anger", "The inner brows are raised, and the lips are parted.", "a face"]


@pytest.fixture(scope="module")
def faces(face_set: Path) -> Faces:
    return load_faces((face_set,), "train", tiny.SIDE, colour=True)


def config_of(face_set: Path, model: Path | str, **changes: object) -> ContrastiveConfig:
    return ContrastiveConfig.model_validate(tiny.settings(face_set, model) | changes)


def built_of(faces: Faces, face_set: Path, model: Path | str, **changes: object) -> Built:
    torch.manual_seed(0)
    return build(config_of(face_set, model, **changes), faces)


def known_model(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, config: dict[str, Any]) -> str:
    """An architecture that open_clip knows by name, as a user registers one."""
    import open_clip.factory as factory

    monkeypatch.setattr(factory, "_MODEL_CONFIG_PATHS", list(factory._MODEL_CONFIG_PATHS))
    monkeypatch.setattr(factory, "_MODEL_CONFIGS", dict(factory._MODEL_CONFIGS))
    (folder / f"{name}.json").write_text(json.dumps(config), encoding="utf-8")
    open_clip.add_model_config(folder / f"{name}.json")
    return name


def test_a_folder_is_loaded_with_its_weights_words_and_levels(faces: Faces, face_set: Path, tiny_vit: Path) -> None:
    built = built_of(faces, face_set, tiny_vit)
    stored = load_file(tiny_vit / "open_clip_model.safetensors")
    assert all(torch.equal(tensor, stored[name]) for name, tensor in built.model.clip.state_dict().items())
    assert (built.size, built.colour, built.levels.mean) == (32, True, (0.45, 0.46, 0.47))
    assert picture_side(config_of(face_set, tiny_vit)) == (32, True)
    assert isinstance(built.words, OwnWords)
    theirs = open_clip.get_tokenizer(f"local-dir:{tiny_vit}")(TEXTS)
    own = built.words(TEXTS)
    assert torch.equal(theirs[:, : own.shape[1]], own)
    built.model.eval()
    clip = open_clip.create_model(f"local-dir:{tiny_vit}").eval()
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        out = built.model.pictures(x)
        assert torch.allclose(out.embedding, clip.encode_image(x, normalize=True), atol=1e-5)
        assert torch.allclose(built.model.texts(own), clip.encode_text(theirs, normalize=True), atol=1e-5)
    assert out.patches.shape == (2, 16, 32)


def test_an_architecture_by_name_with_a_file_of_weights(
    faces: Faces, face_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With CLIP's own byte-pair words, whose first token, "!", is as nought as the padding."""
    config = tiny.tiny_config(49408) | {"quick_gelu": True}
    name = known_model(monkeypatch, tmp_path, "tiny-ViT", config)
    clip = open_clip.create_model(name).eval()
    save_file({n: t.contiguous() for n, t in clip.state_dict().items()}, tmp_path / "weights.safetensors")
    built = built_of(faces, face_set, name, pretrained=str(tmp_path / "weights.safetensors"))
    assert isinstance(built.words, OpenClipWords)
    built.model.eval()
    tokenizer = open_clip.get_tokenizer(name)
    for texts in (TEXTS, ["oh !x now", "!a"], [f"{text} {k} !b" for k in range(20) for text in TEXTS]):
        tokens = built.words(texts)
        assert tokens.shape[1] < 40 < tokenizer(texts).shape[1]
        with torch.no_grad():
            full = clip.encode_text(tokenizer(texts), normalize=True)
            assert torch.allclose(built.model.texts(tokens), full, atol=1e-5)
    run = Run(config_of(face_set, name, epochs=0.2), tmp_path, built, faces, lambda _: None)
    assert run.one_step()["total"] > 0


def test_a_text_tower_that_looks_both_ways_gets_its_whole_context(
    faces: Faces, face_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SigLIP's build of a text tower: no causal mask, pooled at the last place."""
    text = {"no_causal_mask": True, "pool_type": "last", "proj_bias": True, "context_length": 24}
    config = tiny.tiny_config(49408, **text) | {"custom_text": True}
    name = known_model(monkeypatch, tmp_path, "tiny-both-ways", config)
    built = built_of(faces, face_set, name)
    clip: Any = built.model.clip.eval()
    tokens = open_clip.get_tokenizer(name)(TEXTS * 20)
    assert not built.words.cut
    assert torch.equal(built.words(TEXTS * 20), tokens)
    with torch.no_grad():
        assert torch.allclose(encode_texts(clip, tokens), clip.encode_text(tokens, normalize=True), atol=1e-6)
    run = Run(config_of(face_set, name), tmp_path, built, faces, lambda _: None)
    assert {"overview", "summary", "local", "align"} <= run.one_step().keys()


@pytest.mark.parametrize("pool", ["argmax", "last", "first"])
def test_only_towers_that_pool_at_the_end_token_are_cut(pool: str) -> None:
    torch.manual_seed(0)
    clip = open_clip.model.CLIP(**tiny.tiny_config(50, pool_type=pool)).eval()
    tokens = torch.zeros(70, 64, dtype=torch.int64)
    draw = torch.Generator().manual_seed(1)
    for k in range(70):
        length = 2 + k % 9
        tokens[k, :length] = torch.randint(1, 48, (length,), generator=draw)
        tokens[k, length] = 49
    with torch.no_grad():
        assert torch.allclose(encode_texts(clip, tokens), clip.encode_text(tokens, normalize=True), atol=1e-5)


# ---- LoRA


def test_lora_trains_adapters_and_folds_into_plain_weights(
    faces: Faces, face_set: Path, tiny_vit: Path, tmp_path: Path
) -> None:
    config = config_of(face_set, tiny_vit, lora={"rank": 2, "alpha": 8}, epochs=0.3)
    torch.manual_seed(0)
    built = build(config, faces)
    before = {n: p.detach().clone() for n, p in built.model.clip.named_parameters() if not p.requires_grad}
    run = Run(config, tmp_path, built, faces, lambda _: None)
    for _ in range(3):  # an adapter's first half has no gradient until its second has moved
        run.one_step()
        run.step += 1
    trained = {n: p.grad for n, p in built.model.clip.named_parameters() if p.requires_grad}
    assert {n for n in trained if "lora_" not in n} == {"logit_scale"}
    run.step = 4
    run.one_step()
    assert [n for n, g in trained.items() if g is None or not g.abs().max() > 0] == []
    towers = {n.split(".")[0] for n in trained if "lora_" in n}
    assert towers == {"visual", "transformer"}
    assert all(torch.equal(p, before[n]) for n, p in built.model.clip.named_parameters() if n in before)
    heads = [p for n, p in built.model.named_parameters() if n.startswith(("heads.", "scales."))]
    assert all(p.requires_grad for p in heads)
    x = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    tokens = built.words(TEXTS)
    built.model.eval()
    with torch.no_grad():
        adapted = (built.model.pictures(x), built.model.texts(tokens))
        merge_lora(built.model.clip)
        merged = (built.model.pictures(x), built.model.texts(tokens))
    assert torch.allclose(adapted[0].embedding, merged[0].embedding, atol=1e-5)
    assert torch.allclose(adapted[0].patches, merged[0].patches, atol=1e-5)
    assert torch.allclose(adapted[1], merged[1], atol=1e-5)
    plain = open_clip.create_model(f"local-dir:{tiny_vit}").eval()
    assert plain.state_dict().keys() == built.model.clip.state_dict().keys()
    with torch.no_grad():
        untouched = plain.encode_text(functional.pad(tokens, (0, 64 - tokens.shape[1])), normalize=True)
        assert not torch.allclose(untouched, merged[1], atol=1e-3)
        plain.load_state_dict(built.model.clip.state_dict())
        assert torch.allclose(plain.encode_image(x, normalize=True), merged[0].embedding, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_a_lora_run_ends_in_a_folder_that_plain_open_clip_loads(face_set: Path, tiny_vit: Path, tmp_path: Path) -> None:
    import fervlm

    config = config_of(face_set, tiny_vit, lora={"rank": 2, "alpha": 4}, epochs=0.2)
    trained = train(config, tmp_path / "run", lambda _: None)
    finish(trained, config, tmp_path / "made", lambda _: None, name="tiny-lora")
    reader = fervlm.load(tmp_path / "made")
    name = f"local-dir:{tmp_path / 'made'}"
    clip = open_clip.create_model(name).eval()
    with torch.no_grad():
        theirs = clip.encode_text(open_clip.get_tokenizer(name)(TEXTS), normalize=True)
    # Matrices are stored as fp16.
    assert torch.allclose(torch.from_numpy(reader.model.texts(TEXTS)), theirs, atol=1e-5)
    assert torch.allclose(trained.built.model.texts(trained.built.words(TEXTS)), theirs, atol=5e-3)


# ---- what to begin with


def test_towers_of_another_run_are_taken_over(faces: Faces, face_set: Path, tiny_vit: Path, tmp_path: Path) -> None:
    first = Run(config_of(face_set, tiny_vit), tmp_path, built_of(faces, face_set, tiny_vit), faces, lambda _: None)
    first.one_step()
    first.save()
    built = built_of(faces, face_set, tiny_vit, init=str(tmp_path), init_parts=["clip."], edge=0)
    own = built.model.state_dict()
    assert all(torch.equal(own[n], t) for n, t in first.average.items() if n.startswith("clip."))
    assert not torch.equal(own["heads.patches.weight"], first.average["heads.patches.weight"])
    both = built_of(faces, face_set, tiny_vit, init=str(tmp_path), edge=0)  # without a graph the head has fewer weights
    assert torch.equal(both.model.state_dict()["heads.patches.weight"], first.average["heads.patches.weight"])


def test_weights_that_do_not_fit_are_refused(faces: Faces, face_set: Path, tiny_vit: Path, tmp_path: Path) -> None:
    run = Run(config_of(face_set, tiny_vit), tmp_path, built_of(faces, face_set, tiny_vit), faces, lambda _: None)
    run.save()
    other = tiny.model_folder(tmp_path / "other", [*training_texts(faces), "three words more"])
    with pytest.raises(FervlmError, match=r"do not fit \(clip.token_embedding"):
        built_of(faces, face_set, other, init=str(tmp_path))
    with pytest.raises(FervlmError, match="no name in common"):
        built_of(faces, face_set, tiny_vit, init=str(tmp_path), init_parts=["towers."])
    with pytest.raises(FervlmError, match="no weights to begin with"):
        built_of(faces, face_set, tiny_vit, init=str(tmp_path / "nowhere"))
    (tmp_path / "state.safetensors").write_bytes(b"torn")
    with pytest.raises(FervlmError, match="cannot be read"):
        built_of(faces, face_set, tiny_vit, init=str(tmp_path))


def test_weights_of_another_shape_in_the_folder_are_refused(
    faces: Faces, face_set: Path, tiny_vit: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(tiny_vit, tmp_path / "copy"))
    tensors = load_file(copy / "open_clip_model.safetensors")
    tensors["text_projection"] = tensors["text_projection"][:, :-1].contiguous()
    save_file(tensors, copy / "open_clip_model.safetensors")
    with pytest.raises(FervlmError, match=r"cannot be loaded \(.*text_projection"):
        built_of(faces, face_set, copy)


def test_pickles_are_refused(faces: Faces, face_set: Path, tiny_vit: Path, tmp_path: Path) -> None:
    pickle = tmp_path / "weights.pt"
    torch.save({}, pickle)
    with pytest.raises(FervlmError, match=r"weights.pt: .*pickle are refused.*Convert"):
        built_of(faces, face_set, "ViT-B-32", pretrained=str(pickle))
    copy = Path(shutil.copytree(tiny_vit, tmp_path / "copy"))
    (copy / "open_clip_model.safetensors").unlink()
    torch.save({}, copy / "open_clip_pytorch_model.bin")
    with pytest.raises(FervlmError, match=r"open_clip_pytorch_model.bin: .*pickle are refused"):
        built_of(faces, face_set, copy)


@pytest.mark.parametrize(
    ("model", "pretrained", "sentence"),
    [
        ("ViT-B-31", None, "there is no model 'ViT-B-31'"),
        ("tiny-ViT", "no_such_tag", "'tiny-ViT' cannot be loaded"),
        ("tiny-ViT", "/no/such/weights.safetensors", "'tiny-ViT' cannot be loaded"),
    ],
)
def test_what_is_not_there_is_one_sentence(
    faces: Faces,
    face_set: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    pretrained: str | None,
    sentence: str,
) -> None:
    known_model(monkeypatch, tmp_path, "tiny-ViT", tiny.tiny_config(49408))
    with pytest.raises(FervlmError, match=sentence) as caught:
        built_of(faces, face_set, model, pretrained=pretrained)
    assert "\n" not in str(caught.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FervlmError, match="holds no open_clip model"):
        built_of(faces, face_set, tmp_path / "empty")


def test_heads_need_evidence(faces: Faces, face_set: Path, tiny_vit: Path) -> None:
    few = faces.take(torch.arange(len(faces)).numpy() < 40)
    with pytest.raises(FervlmError, match="no action unit is measured often enough"):
        built_of(few, face_set, tiny_vit)
    assert built_of(few, face_set, tiny_vit, weights={"units": 0}).model.config.units
