"""Shipped recipes are readable, name their settings rightly, and say what of them has been run."""

from __future__ import annotations

from pathlib import Path

import pytest

import fervlm
from fervlm.config import read_recipe, validated
from fervlm.errors import FervlmError
from fervlm.mllm.settings import DpoConfig, GrpoConfig, TalkConfig, TowerConfig
from fervlm.mllm.stages import run_stage

FOLDER = Path(fervlm.__file__).parent / "recipes"
STAGES = {"tower": TowerConfig, "talk": TalkConfig, "grpo": GrpoConfig, "dpo": DpoConfig}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("mllm_*.yaml")), ids=lambda path: path.stem)
def test_recipes_are_valid_and_headed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FERVLM_SET", "FERVLM_DATA", "FERVLM_TOWER", "FERVLM_BASE", "FERVLM_START"):
        monkeypatch.setenv(name, "somewhere")
    found = read_recipe(path)
    validated(STAGES[found["stage"]], found, path)
    head = path.read_text(encoding="utf-8").split("\nstage:")[0]
    assert all(f"#   {word}" in head for word in ("command", "hardware", "cost", "result"))


def test_the_recipe_for_a_real_base_says_that_it_was_not_run() -> None:
    assert "NOT RUN" in (FOLDER / "mllm_qwen3vl_4b_lora.yaml").read_text(encoding="utf-8")


def test_an_unknown_stage_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FervlmError, match="no stage 'sing'"):
        run_stage({"stage": "sing"}, tmp_path / "r.yaml", tmp_path / "run", print)


def test_a_foreign_folder_is_not_forgotten(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FervlmError, match="no run made"):
        run_stage({"stage": "talk"}, tmp_path / "r.yaml", tmp_path, print, restart=True)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
