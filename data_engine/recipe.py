"""Settings from a YAML recipe and from the caller, the caller's on top."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from data_engine.config import AnnotateConfig
from fervlm.errors import FervlmError

_PATHS = ("sources", "au", "labels", "model", "out")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def with_recipe(settings: dict[str, Any], recipe: str | None) -> tuple[AnnotateConfig, str | None]:
    """The settings of a run, and the recipe's `out` where it has one.

    Args:
        settings: fields of `AnnotateConfig`; None means not given. An empty `teacher` means none.
        recipe: YAML file with the same fields and `out`. In its paths, `${NAME}` stands for an environment variable.

    Raises:
        FervlmError: the recipe cannot be read, a setting is unknown or impossible, a variable is not set.
    """
    found = {} if recipe is None else _read(recipe)
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
    try:
        return AnnotateConfig.model_validate(found), out
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"][0].lower() + first["msg"][1:]
        raise FervlmError(f"the setting '{where}' cannot be ({reason})", file=recipe) from None


def _check_teacher(teacher: object) -> None:
    """A teacher needs an address (or the offline engine) and a model."""
    if not isinstance(teacher, dict):
        return
    if not teacher.get("url") and not teacher.get("offline"):
        raise FervlmError("the teacher has no address", hint="Give --teacher URL, or --teacher-offline.")
    if not teacher.get("model"):
        raise FervlmError("the teacher has no model", hint="Give --teacher-model NAME.")


def _read(recipe: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(Path(recipe).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise FervlmError(f"the recipe cannot be read ({reason})", file=recipe) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise FervlmError("the recipe is no YAML", file=recipe, row=mark.line + 1 if mark else None) from None
    if not isinstance(found, dict):
        raise FervlmError(
            "the recipe is no table of settings", file=recipe, hint="Write `sources:`, `au:`, `out:`, ..."
        )
    return {key: _expanded(value, recipe) if key in _PATHS else value for key, value in found.items()}


def _expanded(value: object, recipe: str) -> object:
    if isinstance(value, list):
        return [_expanded(item, recipe) for item in value]
    if not isinstance(value, str):
        return value

    def known(match: re.Match[str]) -> str:
        try:
            return os.environ[match[1]]
        except KeyError:
            hint = f"Set it: export {match[1]}=..."
            raise FervlmError(
                f"the recipe wants the variable {match[1]}, which is not set", file=recipe, hint=hint
            ) from None

    return _VARIABLE.sub(known, value)
