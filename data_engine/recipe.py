"""Settings from a YAML recipe and from the caller, the caller's on top."""

from __future__ import annotations

from typing import Any

from data_engine.config import AnnotateConfig
from fervlm.config import find_recipe, read_recipe, validated
from fervlm.errors import FervlmError


def with_recipe(settings: dict[str, Any], recipe: str | None) -> tuple[AnnotateConfig, str | None]:
    """The settings of a run, and the recipe's `out` where it has one.

    Args:
        settings: fields of `AnnotateConfig`; None means not given. An empty `teacher` means none.
        recipe: YAML file with the same fields and `out`, or the name of one that ships. In its texts, `${NAME}` stands
            for an environment variable.

    Raises:
        FervlmError: the recipe cannot be read, a setting is unknown or impossible, a variable is not set.
    """
    found = {} if recipe is None else read_recipe(find_recipe(recipe, "annotate"))
    out = found.pop("out", None)
    for key, value in settings.items():
        if isinstance(value, dict):
            given = {name: one for name, one in value.items() if one is not None}
            if given:
                found[key] = {**(found.get(key) or {}), **given}
        elif value is not None:
            found[key] = value
    _check_teacher(found.get("teacher"))
    if not found.get("sources"):
        raise FervlmError(
            "there is nothing to annotate", hint="Give pictures or AU files: fervlm annotate SOURCE --au PATH."
        )
    return validated(AnnotateConfig, found, recipe), out


def _check_teacher(teacher: object) -> None:
    """A teacher needs an address (or the offline engine) and a model."""
    if not isinstance(teacher, dict):
        return
    if not teacher.get("url") and not teacher.get("offline"):
        raise FervlmError("the teacher has no address", hint="Give --teacher URL, or --teacher-offline.")
    if not teacher.get("model"):
        raise FervlmError("the teacher has no model", hint="Give --teacher-model NAME.")
