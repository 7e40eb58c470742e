"""The recipes that ship: readable, headed as promised, and the card kept beside the code is of the same settings."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from data_engine.recipe import with_recipe

RECIPES = sorted(Path(str(resources.files("fervlm").joinpath("recipes"))).glob("annotate_*.yaml"))
CARDS = Path(str(resources.files("data_engine").joinpath("cards")))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_begins_with_what_one_must_know(recipe: Path) -> None:
    head = recipe.read_text(encoding="utf-8").split("sources:")[0]
    for needed in ("command", "hardware", "cost", "result"):
        assert re.search(rf"^#   {needed} ", head, re.MULTILINE), needed


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_the_card_is_of_these_settings(recipe: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FERVLM_DATA", str(tmp_path))
    config, _ = with_recipe({}, str(recipe))
    assert with_recipe({}, recipe.stem)[0] == config  # found by its name, too
    card = (CARDS / f"{recipe.stem.removeprefix('annotate_')}.md").read_text(encoding="utf-8")
    assert config.fingerprint()[:16] in card
    found = re.search(r"^([\d,]+) faces", card, re.MULTILINE)
    assert found is not None
    assert found[1] in recipe.read_text(encoding="utf-8")
    for picture in re.findall(r"\]\(([^)]+\.svg)\)", card):
        assert (CARDS / picture).exists()


def test_there_are_recipes() -> None:
    assert RECIPES
