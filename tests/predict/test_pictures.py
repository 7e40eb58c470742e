"""A picture through the whole model: action units, label, agreement, explanation; the same on torch."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fervlm
from fervlm.checkpoint import open_checkpoint
from fervlm.cli.main import main
from fervlm.errors import FervlmError
from fervlm.predict.agreement import same_label
from fervlm.predict.cut_faces import cut_faces
from fervlm.predict.load import face_model, load
from fervlm.predict.picture_model import PictureModel, averaged, mirrored
from fervlm.predict.pictures import PictureReader
from fervlm.predict.unit_record import FacePlace, unit_record
from fervlm.records import Prediction
from fervlm.vision.find_faces import finder_named


def noise(seed: int, side: int = 64) -> bytes:
    """A grey picture as PNG."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def reader(nano_folder: Path) -> PictureReader:
    return load(nano_folder)


def changed(nano_folder: Path, tmp_path: Path, **fields: object) -> Path:
    """A copy of the checkpoint with other fields in its manifest."""
    folder = Path(shutil.copytree(nano_folder, tmp_path / "changed"))
    path = folder / "fervlm.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(data | fields), encoding="utf-8")
    return folder


# ---- action units


def test_logits_become_calibrated_readings(nano_folder: Path, tmp_path: Path) -> None:
    units = [u.model_dump() for u in open_checkpoint(nano_folder).manifest.units]
    units[0] |= {"slope": 2.0, "offset": -1.0, "threshold": 0.3}
    manifest = open_checkpoint(changed(nano_folder, tmp_path, units=units)).manifest
    logits = [0.2, *[-3.0] * (len(units) - 1)]
    record = unit_record(logits, manifest, FacePlace("a.jpg", 2, None))
    first = record.readings[0]
    assert first.value == pytest.approx(1 / (1 + np.exp(0.6)), abs=1e-4)  # 2 * 0.2 - 1
    assert (first.state, first.scale, first.side, first.threshold) == ("present", "probability", None, 0.3)
    assert {reading.state for reading in record.readings[1:]} == {"absent"}
    assert record.detector.name == "fervlm-nano"
    assert record.detector.trust == "low"
    assert {6, 9} <= set(record.not_measured)
    assert not set(record.not_measured) & {unit["au"] for unit in units}
    assert (record.id, record.face_id) == ("a.jpg#2", "2")


# ---- explanations


def test_explanation_rests_on_the_action_units_and_the_label_stands_beside(reader: PictureReader) -> None:
    (found,) = reader.explain(noise(1), name="n.png", face_is_crop=True)
    assert found.caption is not None and found.agreement is not None and found.probabilities is not None
    assert found.label == found.agreement.model_label == max(found.probabilities.items(), key=lambda pair: pair[1])[0]
    assert found.agreement.au_label == found.caption.conclusion.label
    assert found.agreement.equal == (found.label == found.caption.conclusion.label)
    assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert found.verification is not None and found.verification.ok
    assert "fervlm-nano" in found.verification.against and "n.png" in found.verification.against
    assert (found.backend, found.versions.model) == ("onnx", "fervlm-nano 0")
    assert found.unknown_score is not None


def test_caption_does_not_depend_on_the_models_label(nano_folder: Path, tmp_path: Path, reader: PictureReader) -> None:
    """Other texts give another label; equal action units give the equal caption."""
    (one,) = reader.explain(noise(2), face_is_crop=True)
    labels = {"temperature": 100.0}
    (other,) = load(changed(nano_folder, tmp_path, labels=labels)).explain(noise(2), face_is_crop=True)
    assert one.probabilities != other.probabilities
    assert one.caption == other.caption


def test_the_action_units_choose_among_the_users_words_too(reader: PictureReader) -> None:
    (found,) = reader.explain(noise(1), ["happy", "annoyed", "neutral"], face_is_crop=True)
    assert found.probabilities is not None and set(found.probabilities) == {"happy", "annoyed", "neutral"}
    assert found.caption is not None and found.caption.conclusion.label in {"happy", "annoyed", "neutral", None}
    assert found.agreement is not None
    assert same_label("annoyed", "anger") and not same_label("annoyed", None) and not same_label("happy", "annoyed")


def test_observe_only_gives_no_label(reader: PictureReader) -> None:
    (found,) = reader.explain(noise(1), face_is_crop=True, observe_only=True)
    assert found.label is None and found.probabilities is None and found.agreement is None


def test_where_it_looked_is_told_for_present_units(reader: PictureReader) -> None:
    (face,), _ = reader.see(noise(3), face_is_crop=True)
    present = {r.au for r in face.prediction.evidence.readings if r.state == "present"}
    assert present == set(face.looked)
    assert present  # otherwise nothing is tested here
    for where in face.looked.values():
        assert where.shape == (6, 6)
        assert where.sum() == pytest.approx(1, abs=1e-3)


def test_a_mirrored_picture_gives_the_same_prediction(reader: PictureReader) -> None:
    data = noise(4, 96)
    with Image.open(io.BytesIO(data)) as picture:
        stream = io.BytesIO()
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(stream, "PNG")
    ((one,), _), ((other,), _) = (reader.see(d, face_is_crop=True, name="x") for d in (data, stream.getvalue()))
    assert one.prediction.probabilities == pytest.approx(other.prediction.probabilities, abs=1e-3)
    for au, where in one.looked.items():
        assert where == pytest.approx(other.looked[au][:, ::-1], abs=1e-4)


def test_no_face_is_a_sentence(reader: PictureReader) -> None:
    stream = io.BytesIO()
    Image.new("L", (200, 200), 128).save(stream, "PNG")
    with pytest.raises(FervlmError, match="no face was found") as caught:
        reader.explain(stream.getvalue(), name="wall.png")
    assert "wall.png" in str(caught.value)


# ---- classification


def test_classify_ranks_the_users_words(reader: PictureReader) -> None:
    (found,) = reader.classify(noise(1), ["happy", "delighted", "angry"], face_is_crop=True)
    assert found.caption is None
    assert found.probabilities is not None and set(found.probabilities) == {"happy", "delighted", "angry"}
    assert found.label == next(iter(found.probabilities))
    assert found.calibration is not None and "not fitted" in found.calibration


def test_many_pictures_give_what_each_gives_alone(reader: PictureReader) -> None:
    labelling = reader.labelling(["happy", "sad"])
    faces = [reader.cut(noise(seed), f"{seed}", face_is_crop=True) for seed in range(40)]
    together = list(reader.classify_faces(faces, labelling))
    assert [p.id for p in together] == [str(seed) for seed in range(40)]
    for seed in (0, 33):
        (alone,) = reader.classify(noise(seed), ["happy", "sad"], name=str(seed), face_is_crop=True)
        assert together[seed].probabilities == pytest.approx(alone.probabilities, abs=2e-4)


@pytest.mark.parametrize(("threshold", "labelled"), [(-1e6, False), (1e6, True)])
def test_unknown_faces_get_no_label(nano_folder: Path, tmp_path: Path, threshold: float, labelled: bool) -> None:
    rule = {"parts": {"energy": [0.0, 1.0], "attention": [0.0, 1.0]}, "threshold": threshold}
    reader = load(changed(nano_folder, tmp_path, unknown=rule))
    (found,) = reader.classify(noise(1), "basic7", face_is_crop=True, unknown=True)
    assert (found.label is not None) == labelled
    assert found.unknown_score is not None
    (kept,) = reader.classify(noise(1), "basic7", face_is_crop=True)
    assert kept.label is not None and kept.unknown_score is None


def test_unknown_without_a_rule_is_a_sentence(nano_folder: Path, tmp_path: Path) -> None:
    reader = load(changed(nano_folder, tmp_path, unknown=None))
    with pytest.raises(FervlmError, match="without a rule"):
        reader.classify(noise(1), face_is_crop=True, unknown=True)


# ---- backends


def test_torch_gives_the_same_numbers(nano_folder: Path, tmp_path: Path) -> None:
    data = json.loads((nano_folder / "fervlm.json").read_text(encoding="utf-8"))
    files = {k: v for k, v in data["files"].items() if not k.endswith(".onnx")}
    torch_model = face_model(changed(nano_folder, tmp_path, files=files))
    onnx_model = PictureModel(nano_folder)
    assert (torch_model.backend, onnx_model.backend) == ("torch", "onnx")
    crops = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    one, other = torch_model.pictures(crops), onnx_model.pictures(crops)
    for name in ("embedding", "patches", "units", "looked"):
        assert np.abs(getattr(one, name) - getattr(other, name)).max() < 1e-4, name
    texts = ["an expression of anger", "happy"]
    assert np.abs(torch_model.texts(texts) - onnx_model.texts(texts)).max() < 1e-4
    text = "happy or melancholic, gloomy"
    assert torch_model.unknown_words(text) == onnx_model.unknown_words(text) == ("or", "melancholic", "gloomy")


@pytest.mark.filterwarnings("ignore")
def test_plain_open_clip_folder_classifies_but_cannot_explain(nano_folder: Path, tmp_path: Path) -> None:
    for name in ("open_clip_config.json", "open_clip_model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(nano_folder / name, tmp_path / name)
    reader = load(tmp_path)
    (found,) = reader.classify(noise(1), ["happy", "anything at all"], face_is_crop=True)
    assert found.backend == "torch" and found.probabilities is not None
    assert len(found.probabilities) == 2
    (same,) = load(nano_folder).classify(noise(1), ["happy", "angry"], face_is_crop=True)
    (plain,) = reader.classify(noise(1), ["happy", "angry"], face_is_crop=True)
    # Grey taken before and after the cut differs by a level here and there.
    assert plain.probabilities == pytest.approx(same.probabilities, abs=1e-2)
    with pytest.raises(FervlmError, match="no action units"):
        reader.explain(noise(1), face_is_crop=True)


@pytest.mark.filterwarnings("ignore")
def test_open_clip_that_cannot_be_loaded_is_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra 'train'")
    with pytest.raises(FervlmError, match="open_clip cannot load 'no-such-model:x'"):
        face_model("no-such-model:x")
    with pytest.raises(FervlmError, match="pickle"):
        face_model(f"ViT-B-32:{tmp_path}/weights.pt")
    with pytest.raises(FervlmError, match="no such checkpoint"):
        face_model(tmp_path / "nowhere")


def test_load_is_public_and_needs_no_torch(nano_folder: Path) -> None:
    assert fervlm.load is load
    import subprocess
    import sys

    code = (
        "import sys, numpy, fervlm\n"
        f"reader = fervlm.load({str(nano_folder)!r})\n"
        "reader.model.pictures(numpy.zeros((1, 96, 96), numpy.uint8)); reader.labelling(['happy'])\n"
        "print([m for m in ('torch', 'open_clip', 'transformers', 'sklearn', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- parts


def test_mirror_turns_places_back(nano_folder: Path) -> None:
    model = PictureModel(nano_folder)
    crops = np.random.default_rng(5).integers(0, 256, (2, 96, 96), dtype=np.uint8)
    turned = np.ascontiguousarray(crops[:, :, ::-1])
    back = mirrored(model, turned)  # the faces as they are, with places turned
    plain = model.pictures(crops)
    assert np.allclose(back.embedding, plain.embedding, atol=1e-5)
    grids = plain.looked.reshape(2, -1, 6, 6), back.looked.reshape(2, -1, 6, 6)
    assert np.allclose(grids[0][..., ::-1], grids[1], atol=1e-6)
    mean = averaged(plain, back)
    assert np.linalg.norm(mean.embedding, axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_no_faces_give_empty_arrays(nano_folder: Path) -> None:
    found = PictureModel(nano_folder).pictures(np.zeros((0, 96, 96), np.uint8))
    assert found.embedding.shape == (0, 192)
    assert found.units.shape[0] == 0


def test_boxes_are_told_in_the_files_own_pixels(nano_folder: Path) -> None:
    stream = io.BytesIO()
    Image.new("L", (4096, 3000), 90).save(stream, "PNG")
    manifest = open_checkpoint(nano_folder).manifest
    cut = cut_faces(stream.getvalue(), "big.png", finder_named("none"), manifest)
    box = cut.places[0].box
    assert box is not None and (round(box.width), round(box.height)) == (4096, 3000)
    assert cut.crops.shape == (1, 96, 96)
    assert round(cut.squares[0].side) == 3000
    assert cut.notes


def test_faces_are_cut_as_training_stored_them(nano_folder: Path, tmp_path: Path) -> None:
    reader = load(changed(nano_folder, tmp_path, crop_side=64))
    assert reader.cut(noise(1, 200), face_is_crop=True).crops.shape == (1, 64, 64)
    assert reader.model.pictures(np.zeros((1, 64, 64), np.uint8)).looked.shape[2] == 36  # made larger for the model


def test_crops_are_made_larger_as_training_did(nano_folder: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra 'train'")
    from fervlm.contrastive.augment import Levels, prepare
    from fervlm.predict.picture_model import prepared

    manifest = open_checkpoint(nano_folder).manifest
    crops = np.random.default_rng(6).integers(0, 256, (2, 64, 64), dtype=np.uint8)
    ours = (torch.from_numpy(prepared(crops, manifest)) / 255 - 0.5) / 0.25
    theirs = prepare(torch.from_numpy(crops)[:, None], 96, Levels())
    assert torch.allclose(ours.expand(-1, 3, -1, -1), theirs, atol=1e-4)


# ---- the command line


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    """A folder with two faces already cut out and one broken file."""
    for name, seed in (("a.png", 1), ("b.png", 2)):
        (tmp_path / name).write_bytes(noise(seed))
    (tmp_path / "broken.png").write_bytes(noise(3)[:300])
    return tmp_path


def test_explain_takes_pictures(nano_folder: Path, shown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--model", str(nano_folder), "--face-is-crop"]
    assert main(["explain", str(shown), *options, "--format", "jsonl"]) == 1
    caught = capsys.readouterr()
    found = [Prediction.model_validate_json(line) for line in caught.out.splitlines()]
    assert [Path(p.id).name for p in found] == ["a.png", "b.png"]
    assert all(p.agreement is not None and p.caption is not None for p in found)
    assert "broken.png" in caught.err and "Traceback" not in caught.err
    assert main(["explain", str(shown / "a.png"), *options]) == 0
    text = capsys.readouterr().out
    assert "The model's label is" in text and "trust: low" in text
    assert main(["explain", str(shown / "broken.png"), *options]) == 2


def test_explain_draws_where_it_looked(nano_folder: Path, shown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--model", str(nano_folder), "--face-is-crop"]
    png, page = shown / "out.png", shown / "out.html"
    assert main(["explain", str(shown / "a.png"), *options, "--format", "png", "--out", str(png)]) == 0
    with Image.open(png) as picture:
        assert picture.width > 1000
    assert main(["explain", str(shown / "a.png"), *options, "--format", "html", "--out", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "Where the model looked" in text
    assert text.count("data:image/") >= 4  # photograph, crop, face and heat


def test_words_that_no_table_knows_can_be_explained(
    nano_folder: Path, shown: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--model", str(nano_folder), "--face-is-crop", "--labels", "pressed,open", "--format", "jsonl"]
    assert main(["explain", str(shown / "a.png"), *arguments]) == 0
    found = Prediction.model_validate_json(capsys.readouterr().out)
    assert found.probabilities is not None and set(found.probabilities) == {"pressed", "open"}
    assert found.agreement is not None and not found.agreement.equal
