"""The ablation table: every row really is another training, finished runs are kept, chance is told from change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

torch = pytest.importorskip("torch", reason="needs the extra 'train'")

from eval.__main__ import main  # noqa: E402
from eval.ablations import ROWS, Row, settings_of, shared, table  # noqa: E402
from fervlm.contrastive.settings import ContrastiveConfig  # noqa: E402
from tests.contrastive import tiny  # noqa: E402


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from fervlm.contrastive.build import training_texts
    from fervlm.contrastive.faces import load_faces

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("ablations")
    data = tiny.make_set(folder / "faces", 200)
    model = tiny.model_folder(folder / "vit", training_texts(load_faces((data,), "train")))
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(tiny.settings(data, model)), encoding="utf-8")
    return path


def test_every_row_is_another_training() -> None:
    base: dict[str, Any] = {"data": ["set"], "weights": {"label": 2, "local": 9}, "captions": {"every": 3}}
    made = {row.name: ContrastiveConfig.model_validate(settings_of(row, base, 1, 10)) for row in ROWS}
    assert len({config.fingerprint() for config in made.values()}) == len(ROWS)
    assert {config.weights.label for config in made.values()} == {2}
    assert {config.captions.every for config in made.values()} == {3}
    assert made["global"].weights.local == 0 < made["+ local (b), prior"].weights.local
    assert made["+ local (a), attention"].captions.way == "attention"
    assert made["+ summary"].captions.mined == 0 < made["+ mining"].captions.mined
    assert made["+ mining"].captions.hard == 0 < made["+ hard negatives"].captions.hard
    assert made["AU head without edges"].edge == 0 < made["labels and AUs only"].edge
    names = {row.name for row in ROWS}
    assert all(row.against in names for row in ROWS if row.against is not None)


@pytest.mark.filterwarnings("ignore")
def test_rows_are_run_once_from_the_same_towers(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from fervlm.contrastive.train import train

    start = ContrastiveConfig.model_validate(yaml.safe_load(recipe.read_text(encoding="utf-8")) | {"epochs": 0.1})
    train(start, tmp_path / "towers", lambda _: None)
    out = tmp_path / "out"
    command = ["ablations", str(recipe), "--out", str(out), "--init", str(tmp_path / "towers"), "--steps", "2"]
    command += ["--share", "0.5", "--seeds", "2", "--set", "batch=8"]
    rows = ["--rows", "labels and AUs only", "global", "+ local (a), attention", "AU head without edges"]
    assert main([*command, *rows]) == 0
    made = capsys.readouterr().out
    assert made == (out / "ablations.md").read_text(encoding="utf-8")
    assert made.count("\n") == 6
    assert "| global | 2 | 0." in made
    times = {path: path.stat().st_mtime_ns for path in out.glob("*/scores.json")}
    assert len(times) == 8
    assert not list(out.glob("*/state.safetensors"))
    capsys.readouterr()
    assert main([*command, *rows]) == 0
    assert capsys.readouterr().out == made
    assert {path: path.stat().st_mtime_ns for path in out.glob("*/scores.json")} == times
    # A run that was cut is done anew, the others are not.
    gone = out / "global-1" / "scores.json"
    before = json.loads(gone.read_text(encoding="utf-8"))
    gone.unlink()
    assert main([*command, *rows]) == 0
    assert json.loads(gone.read_text(encoding="utf-8")) == before
    capsys.readouterr()
    with pytest.raises(SystemExit, match="a run with other settings"):
        main([*command, *rows, "--set", "lr=0.5"])
    assert main([*command, "--set", "lr=-1", "--out", str(tmp_path / "other")]) == 2
    assert "'lr' cannot be" in capsys.readouterr().err


def test_a_share_is_the_same_faces_for_all() -> None:
    names = [f"face {k}" for k in range(2000)]
    some, more = shared(names, 0.25), shared(names, 0.5)
    assert 0.2 < some.mean() < 0.3
    assert not (some & ~more).any()
    assert shared(names, 1.0).all()
    assert shared(names[::2], 0.25).tolist() == some[::2].tolist()


def test_the_table_tells_change_from_chance() -> None:
    rows = (Row("a", {}, {}), Row("b", {}, {}, "a"), Row("c", {}, {}, "a"), Row("d", {}, {}, "a"))
    scores = {
        "a": [{"WAR": 0.50, "UAR": 0.40}, {"WAR": 0.52, "UAR": 0.42}, {"WAR": 0.54, "UAR": 0.41}],
        "b": [{"WAR": 0.53, "UAR": 0.41}, {"WAR": 0.55, "UAR": 0.40}, {"WAR": 0.57, "UAR": 0.44}],
        "c": [{"WAR": 0.44, "UAR": 0.40}, {"WAR": 0.58, "UAR": 0.42}, {"WAR": 0.60, "UAR": 0.41}],
    }
    lines = table(scores, rows).splitlines()
    assert lines[0] == "| training | seeds | WAR | UAR | against | change beyond chance |"
    assert lines[2] == "| a | 3 | 0.5200 ± 0.0200 | 0.4100 ± 0.0100 |  |  |"
    assert lines[3].endswith("| a | WAR +0.0300 |")  # the same three points at every seed
    assert lines[4].endswith("| a | none |")  # six points on average, but up and down
    assert len(lines) == 5
