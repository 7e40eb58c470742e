"""Recipes and settings: what is read, what stands on top, what is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from fervlm.config import read_recipe, validated, with_settings
from fervlm.errors import FervlmError


class Inner(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    share: float = Field(0.5, ge=0, le=1)


class Outer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    rate: float = Field(1.0, gt=0)
    inner: Inner = Inner()


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_variables_are_filled_in_at_any_depth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACE", "/here")
    path = written(tmp_path, "name: ${PLACE}/a\ninner: {x: ['${PLACE}/${PLACE}', 3]}\nrate: 2\n")
    assert read_recipe(path) == {"name": "/here/a", "inner": {"x": ["/here//here", 3]}, "rate": 2}
    with pytest.raises(FervlmError, match=r"wants the variable NOWHERE_SET.*export NOWHERE_SET="):
        read_recipe(written(tmp_path, "name: ${NOWHERE_SET}"))


def test_settings_stand_on_top_and_leave_the_recipe_alone() -> None:
    recipe = {"name": "a", "inner": {"share": 0.1, "other": 1}, "rate": 2}
    found = with_settings(recipe, ["inner.share=0.9", "rate=1e-3", "list=[1, {a: 2}]", "name=x=y", "new.deep.er=no"])
    assert found["inner"] == {"share": 0.9, "other": 1}
    assert found["list"] == [1, {"a": 2}]
    assert found["name"] == "x=y"
    assert found["new"] == {"deep": {"er": False}}
    assert recipe == {"name": "a", "inner": {"share": 0.1, "other": 1}, "rate": 2}
    # YAML reads 1e-3 as text; the typed model makes it a number all the same.
    assert validated(Outer, {"name": "a", "rate": found["rate"]}).rate == 0.001
    assert with_settings({"inner": 3}, ["inner.share=1"]) == {"inner": {"share": 1}}


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ({}, "the setting 'name' is missing"),
        ({"name": "a", "speed": 1}, "there is no setting 'speed'.*Known: inner, name, rate"),
        ({"name": "a", "rate": 0}, r"the setting 'rate' cannot be \(input should be greater than 0\)"),
        ({"name": "a", "inner": {"share": 2}}, "the setting 'inner.share' cannot be"),
        ({"name": "a", "inner": {"size": 2}}, "there is no setting 'inner.size'.*Known: share"),
        ({"name": ["a"]}, "the setting 'name' cannot be"),
    ],
)
def test_what_cannot_be_is_told_by_name(found: dict[str, object], sentence: str) -> None:
    with pytest.raises(FervlmError, match=sentence) as caught:
        validated(Outer, found, "recipe.yaml")
    assert "recipe.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("a: [1", "the recipe is no YAML"), ("just words", "no table of settings"), ("", "no table of settings")],
)
def test_a_recipe_that_is_none(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(FervlmError, match=sentence):
        read_recipe(written(tmp_path, text))
    with pytest.raises(FervlmError, match="cannot be read"):
        read_recipe(tmp_path / "nowhere.yaml")
    with pytest.raises(FervlmError, match="has no value"):
        with_settings({}, ["=3"])
