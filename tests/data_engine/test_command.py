"""`fervlm annotate` as typed: options, recipe, exit codes, what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from data_engine.finished import samples
from data_engine.recipe import with_recipe
from fervlm.cli.main import main
from fervlm.errors import FervlmError
from tests.data_engine.faces import files
from tests.data_engine.small import FORMAT, Small

REPOSITORY = Path(__file__).parents[2]


def typed(small: Small, out: Path, *more: str) -> list[str]:
    return [
        *("annotate", str(small.pictures), "--au", str(small.evidence), "--input-format", FORMAT),
        *("--labels", str(small.labels), "--out", str(out), *more),
    ]


def test_a_set_is_made_and_told(small: Small, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(typed(small, tmp_path / "set", "--val-share", "0.3", "--seed", "4")) == 0
    caught = capsys.readouterr()
    assert caught.out == ""
    total = len(list(samples(tmp_path / "set")))
    assert f"fervlm: {total} samples (" in caught.err
    config = json.loads((tmp_path / "set" / ".work" / "config.json").read_text())
    assert (config["seed"], config["val_share"]) == (4, 0.3)
    assert main(typed(small, tmp_path / "set", "--val-share", "0.3", "--seed", "4", "--quiet")) == 0
    assert capsys.readouterr().err == ""


def test_every_option_reaches_the_settings(small: Small, tmp_path: Path) -> None:
    options = {
        "--label-words": ("happy,angry,in pain", "custom_labels", ["happy", "angry", "in pain"]),
        "--drafts": ("2", "drafts", 2),
        "--faces": ("all", "faces", "all"),
        "--licence": ("mine", "licence", "mine"),
        "--format": ("sharegpt", "formats", ["sharegpt"]),
    }
    gate = {
        "--min-words": ("3", "min_words", 3),
        "--max-words": ("300", "max_words", 300),
        "--duplicate-bits": ("-1", "duplicate_bits", -1),
        "--frame-share": ("0.5", "frame_share", 0.5),
        "--min-support": ("0.01", "min_support", 0.01),
        "--balance": ("subject=3", "balance", {"subject": 3.0}),
    }
    given = [part for option, (text, _, _) in {**options, **gate}.items() for part in (option, text)]
    out = tmp_path / "set"
    assert main(typed(small, out, *given, "--flip", "--embed", "--quiet")) == 0
    config = json.loads((out / ".work" / "config.json").read_text())
    for _, key, value in options.values():
        assert config[key] == value
    for _, key, value in gate.values():
        assert config["gate"][key] == value
    assert config["flip"] is config["embed"] is True


def test_a_recipe_gives_the_same_set_and_options_win(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "# fervlm annotate --recipe recipe.yaml\n"
        "sources: ['${SMALL}/pictures']\nau: ['${SMALL}/aus.csv']\nlabels: ${SMALL}/labels.csv\n"
        f"input_format: '{FORMAT}'\nseed: 3\ngate: {{frame_share: 0.5}}\nout: {tmp_path / 'from_recipe'}\n"
    )
    monkeypatch.setenv("SMALL", str(small.folder))
    assert main(["annotate", "--recipe", str(recipe), "--quiet"]) == 0
    assert main(typed(small, tmp_path / "typed", "--seed", "3", "--frame-share", "0.5", "--quiet")) == 0
    assert files(tmp_path / "from_recipe") == files(tmp_path / "typed")
    config, out = with_recipe({"seed": 5, "gate": {"min_words": 4, "max_words": None}}, str(recipe))
    assert (config.seed, config.gate.frame_share, config.gate.min_words, config.gate.max_words) == (5, 0.5, 4, 260)
    assert out == str(tmp_path / "from_recipe")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sources: [a]\nsauces: b\n", "'sauces'"),
        ("sources: [a]\ndrafts: many\n", "'drafts'"),
        ("sources: ['${NOT_SET_HERE}/a']\n", "NOT_SET_HERE"),
        ("- a\n", "no table of settings"),
        ("a: [\n", "no YAML"),
        ("seed: 1\n", "nothing to annotate"),
        ("sources: [a]\nteacher: {model: m}\n", "no address"),
        ("sources: [a]\nteacher: {url: http://x/v1}\n", "no model"),
    ],
)
def test_a_bad_recipe_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(FervlmError, match=sentence):
        with_recipe({}, str(tmp_path / "r.yaml"))


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--balance", "age=2"], "--balance cannot be"),
        (["--balance", "label=lots"], "--balance cannot be"),
        (["--format", "alpaca"], "formats"),
        (["--teacher", "http://127.0.0.1:9/v1"], "no model"),
        (["--label-set", "basic99"], "no label set"),
        (["--recipe", "nowhere.yaml"], "there is no such recipe"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    small: Small, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], sentence: str
) -> None:
    assert main(typed(small, tmp_path / "set", *more)) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "set" / "data").exists()


def test_the_set_may_not_be_its_own_source(small: Small, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(typed(small, small.pictures)) == 2
    assert "own source" in capsys.readouterr().err
    assert (small.pictures / small.names[0]).exists()


def test_restart_makes_it_anew(small: Small, tmp_path: Path) -> None:
    out = tmp_path / "set"
    assert main(typed(small, out, "--quiet")) == 0
    assert main(typed(small, out, "--seed", "9", "--quiet")) == 2
    assert main(typed(small, out, "--seed", "9", "--restart", "--quiet")) == 0
    assert json.loads((out / ".work" / "config.json").read_text())["seed"] == 9


@pytest.mark.parametrize("verb", ["annotate", "inspect"])
def test_help_is_quick_and_loads_no_engine(verb: str) -> None:
    code = (
        f"import sys\nfrom fervlm.cli.main import main\nmain(['{verb}', '--help'])\n"
        "print([m for m in sys.modules if m.startswith('data_engine') or m in ('pyarrow', 'numpy')], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stderr.strip() == "[]"
    assert "--out" in done.stdout
