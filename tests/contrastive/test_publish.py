"""The published folder: loads with plain open_clip and transformers, and says what is wrong with it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

import fervlm.torchvision_fix  # noqa: E402, F401
from fervlm.checkpoint import open_checkpoint, tensor_places  # noqa: E402
from fervlm.contrastive.augment import Levels, prepare  # noqa: E402
from fervlm.contrastive.publish import load_published  # noqa: E402
from fervlm.contrastive.words import OwnWords  # noqa: E402
from fervlm.errors import FervlmError  # noqa: E402

TEXTS = ["an expression of anger", "happy", "the brows are raised and the mouth is open"]


@pytest.fixture
def copied(nano_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(nano_folder, tmp_path / "copy"))


def test_folder_is_small_and_has_no_pickle(nano_folder: Path) -> None:
    files = list(nano_folder.iterdir())
    assert sum(file.stat().st_size for file in files) <= 8_000_000
    assert not [file for file in files if file.suffix in {".bin", ".pt", ".pkl"}]


@pytest.mark.filterwarnings("ignore")
def test_plain_open_clip_loads_it_with_equal_features(nano_folder: Path) -> None:
    import open_clip
    from PIL import Image

    name = f"local-dir:{nano_folder}"
    clip, _, transform = open_clip.create_model_and_transforms(name)
    tokenize = open_clip.get_tokenizer(name)
    model, tokenizer, _ = load_published(nano_folder)
    grey = np.random.default_rng(0).integers(0, 256, (96, 96), dtype=np.uint8)
    x = transform(Image.fromarray(grey)).unsqueeze(0)
    assert torch.allclose(x, prepare(torch.from_numpy(grey[None, None]), 96, Levels()), atol=1e-6)
    assert tokenizer is not None
    clip.eval()
    with torch.no_grad():
        assert torch.allclose(clip.encode_image(x, normalize=True), model.pictures(x).embedding, atol=1e-5)
        theirs = clip.encode_text(tokenize(TEXTS), normalize=True)
        assert torch.allclose(theirs, model.texts(OwnWords(tokenizer, 64)(TEXTS)), atol=1e-5)
    assert float(theirs[0] @ theirs[1]) < 0.999  # different texts are told apart at all


def test_matrices_are_stored_as_fp16(nano_folder: Path) -> None:
    places = tensor_places(nano_folder / "open_clip_model.safetensors")
    assert {place.dtype for place in places.values() if len(place.shape) > 1} == {"F16"}


def test_manifest_knows_units_and_patches(nano_folder: Path) -> None:
    manifest = open_checkpoint(nano_folder).manifest
    model, _, _ = load_published(nano_folder)
    assert tuple(unit.au for unit in manifest.units) == model.config.units
    with torch.no_grad():
        shown = model.pictures(torch.zeros(1, 3, 96, 96))
    assert manifest.grid**2 == shown.patches.shape[1]
    assert manifest.embed_dim == shown.embedding.shape[1]
    scale = model.state_dict()["clip.logit_scale"].exp().item()
    assert manifest.labels.temperature == pytest.approx(1 / scale, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("heads.safetensors", "is missing"), ("text.onnx", "is missing"), ("fervlm.json", "holds no")],
)
def test_missing_file_is_one_sentence(copied: Path, name: str, sentence: str) -> None:
    (copied / name).unlink()
    with pytest.raises(FervlmError, match=sentence):
        open_checkpoint(copied)


def test_cut_weights_are_found(copied: Path) -> None:
    path = copied / "open_clip_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FervlmError, match="no whole safetensors"):
        open_checkpoint(copied)


def test_one_changed_byte_is_found(copied: Path) -> None:
    path = copied / "picture.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(FervlmError, match="not the file that was published"):
        open_checkpoint(copied)


@pytest.mark.parametrize("fault", ["lack", "are", "no part of the model"])
def test_wrong_weights_are_named(copied: Path, fault: str) -> None:
    from safetensors.numpy import load_file, save_file

    path = copied / "heads.safetensors"
    tensors = load_file(path)
    if fault == "lack":
        del tensors["heads.patches.weight"]
    elif fault == "are":
        tensors["heads.patches.weight"] = tensors["heads.patches.weight"][:, :-1].copy()
    else:
        tensors["spare"] = np.zeros(3, dtype=np.float32)
    save_file(tensors, path)
    with pytest.raises(FervlmError, match=f"{fault} .*(patches.weight|spare)|patches.weight.*{fault}"):
        open_checkpoint(copied)


def test_pickles_are_refused(copied: Path) -> None:
    pickle = copied / "open_clip_pytorch_model.bin"
    torch.save({}, pickle)
    with pytest.raises(FervlmError, match="pickle"):
        open_checkpoint(pickle)
    (copied / "fervlm.json").unlink()
    with pytest.raises(FervlmError, match="pickle"):
        open_checkpoint(copied)


@pytest.mark.parametrize("damage", ["{", '{"schema_version": "9"}', "null"])
def test_damaged_manifest_is_one_sentence(copied: Path, damage: str) -> None:
    (copied / "fervlm.json").write_text(damage, encoding="utf-8")
    with pytest.raises(FervlmError, match="no manifest"):
        open_checkpoint(copied)


def test_manifest_cannot_name_files_elsewhere(copied: Path) -> None:
    path = copied / "fervlm.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["files"]["../../etc/passwd"] = {"bytes": 1, "sha256": "0"}
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(FervlmError, match="outside its folder"):
        open_checkpoint(copied)


@pytest.mark.filterwarnings("ignore")
def test_a_vit_in_colour_without_graphs_goes_through_the_same_calls(tmp_path: Path) -> None:
    import open_clip

    from fervlm.contrastive.augment import Levels
    from fervlm.contrastive.model import GlobalLocal, HeadConfig
    from fervlm.contrastive.publish import publish
    from fervlm.predict.load import load

    config = {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16, "head_width": 32},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
    }
    torch.manual_seed(0)
    model = GlobalLocal(open_clip.model.CLIP(**config), HeadConfig((1, 2, 12)))
    levels = Levels((0.48, 0.46, 0.41), (0.27, 0.26, 0.28))
    publish(model, None, tmp_path, config=config, card="", licence="", levels=levels, colour=True, graphs=False)
    reader = load(tmp_path)
    assert reader.model.backend == "torch"
    manifest = reader.model.manifest
    assert (manifest.colour, manifest.image_size, manifest.grid) == (True, 64, 4)
    crops = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    found = reader.model.pictures(crops)
    stored, _, _ = load_published(tmp_path)
    with torch.no_grad():
        x = prepare(torch.from_numpy(crops.transpose(0, 3, 1, 2).copy()), 64, levels)
        out = stored.pictures(x)
        assert torch.allclose(stored.clip.encode_image(x, normalize=True), out.embedding, atol=1e-5)  # type: ignore[operator]
    assert np.abs(found.embedding - out.embedding.numpy()).max() < 1e-5
    assert np.abs(found.units - out.units.numpy()).max() < 1e-5
    assert reader.model.unknown_words("any word at all") == ()
    assert reader.labelling(["gloomy", "wistful"]).texts.labels == ("gloomy", "wistful")
    assert load(f"{tmp_path}").model.texts(["gloomy"]).shape == (1, 32)
