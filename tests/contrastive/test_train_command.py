"""`fervlm train contrastive` as a user types it: from a recipe to a checkpoint, or one sentence and exit code 2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import fervlm
from fervlm.cli.main import main
from fervlm.facs.labels import BASIC7
from tests.contrastive import tiny

ROOT = Path(__file__).parents[2]


@pytest.fixture
def recipe(face_set: Path, tiny_vit: Path, tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(tiny.settings(face_set, tiny_vit, epochs=0.2)), encoding="utf-8")
    return path


@pytest.mark.filterwarnings("ignore")
def test_a_recipe_becomes_a_model_that_explains_a_picture(face_set: Path, tmp_path: Path) -> None:
    """The nano in a process of its own, a few steps at 32 pixels."""
    settings = tiny.settings(face_set, "nano", epochs=0.3, sizes=[[1.0, 32]])
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    command = [sys.executable, "-m", "fervlm", "train", "contrastive", str(tmp_path / "recipe.yaml")]
    command += ["--out", str(tmp_path / "run"), "--set", "batch=20", "--set", "weights.local=0.5", "--name", "drawn"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "the checkpoint is in" in done.stderr
    reader = fervlm.load(tmp_path / "run" / "checkpoint")
    manifest = reader.model.manifest
    assert (manifest.name, manifest.image_size, manifest.colour) == ("drawn", 32, False)
    assert manifest.training["settings"]["batch"] == 20
    assert manifest.training["settings"]["weights"]["local"] == 0.5
    assert manifest.metrics["one"]["zero-shot"]["faces"] > 10
    picture = next((face_set.parent / "pictures").glob("*.png"))
    (found,) = reader.explain(picture, face_is_crop=True)
    assert found.label in BASIC7 or found.caption is not None
    (told,) = reader.classify(picture, BASIC7, face_is_crop=True)
    assert told.probabilities is not None
    assert sum(told.probabilities.values()) == pytest.approx(1, abs=1e-3)
    card = (tmp_path / "run" / "checkpoint" / "README.md").read_text(encoding="utf-8")
    assert "| one | zero-shot |" in card


def test_restart_forgets_a_run_but_nothing_else(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    for name in ("state.safetensors", "state.part", "steps.part", "curves.part"):
        (out / name).write_bytes(b"torn")
    arguments = ["train", "contrastive", str(recipe), "--out", str(out), "--quiet"]
    assert main(arguments) == 2
    assert "cannot be read" in capsys.readouterr().err
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    assert main([*arguments, "--restart"]) == 2
    assert "something that no run made (notes.txt)" in capsys.readouterr().err
    assert (out / "state.part").exists()
    (out / "notes.txt").unlink()
    assert main([*arguments, "--restart", "--set", "model=no-such-model"]) == 2
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (["learning_rate=1"], "there is no setting 'learning_rate'"),
        (["weights.lokal=1"], "there is no setting 'weights.lokal'"),
        (["lr=-1"], "the setting 'lr' cannot be (input should be greater than 0)"),
        (["batch=many"], "the setting 'batch' cannot be"),
        (["captions.way=guess"], "the setting 'captions.way' cannot be"),
        (["sizes=[[1.0, 0]]"], "the setting 'sizes.0.1' cannot be"),
        (["lr"], "the setting 'lr' has no value"),
        (["lr=[1"], "the value of 'lr' cannot be read"),
        (["data=[nowhere]"], "there is no such set of faces"),
        (["data=[]"], "no faces of the split 'train'"),
        (["data=[.]"], "no train files in the set"),
        (["batch=100000"], "do not fill one batch"),
        (["precision=fp8"], "the setting 'precision' cannot be"),
        (["leave_out=[rage]"], "'rage' cannot be left out"),
    ],
)
def test_a_setting_that_cannot_be_is_one_sentence(
    recipe: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [part for setting in settings for part in ("--set", setting)]
    assert main(["train", "contrastive", str(recipe), "--out", str(tmp_path / "run"), *given]) == 2
    told = capsys.readouterr().err
    assert sentence in told
    assert "Traceback" not in told
    assert len(told.strip().splitlines()) == 1 or told.startswith("fervlm: 1")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("lr: [1", "the recipe is no YAML"),
        ("- lr", "the recipe is no table of settings"),
        ("epochs: 3", "the setting 'data' is missing"),
        ("data: ['${NO_SUCH_VARIABLE_HERE}']", "wants the variable NO_SUCH_VARIABLE_HERE"),
        (b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_a_recipe_that_cannot_be_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | bytes, sentence: str
) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert main(["train", "contrastive", str(path), "--out", str(tmp_path / "run")]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_recipe_that_is_not_there_and_a_file_for_a_folder(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "contrastive", "nothing", "--out", str(tmp_path / "run")]) == 2
    assert "contrastive_nano_cpu" in capsys.readouterr().err
    assert main(["train", "contrastive", str(recipe), "--out", str(recipe)]) == 2
    assert "is a file; a run is a folder" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted((ROOT / "fervlm" / "recipes").glob("contrastive_*.yaml")), ids=lambda p: p.stem)
def test_shipped_recipes_hold(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fervlm.config import read_recipe, validated
    from fervlm.contrastive.settings import ContrastiveConfig

    for name in ("FERVLM_SET", "FERVLM_DATA"):
        monkeypatch.setenv(name, "/somewhere")
    config = validated(ContrastiveConfig, read_recipe(path), path)
    assert config.data[0] == Path("/somewhere")
    head = path.read_text(encoding="utf-8").split("data:")[0]
    assert all(f"#   {word}" in head for word in ("command", "hardware", "cost", "result"))
