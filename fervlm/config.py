"""Run configurations: a YAML recipe, settings on top of it, one sentence where something in it cannot be."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from fervlm.errors import FervlmError

Model = TypeVar("Model", bound=BaseModel)
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def find_recipe(given: str, kind: str) -> Path:
    """A file, or the recipe of that name which ships with the package.

    Args:
        given: a path or a name, with or without `.yaml`.
        kind: beginning of the names that are told where there is none.

    Raises:
        FervlmError: there is no such recipe.
    """
    path = Path(given)
    if path.exists():
        return path
    shipped = Path(__file__).parent / "recipes"
    found = shipped / (given if given.endswith(".yaml") else f"{given}.yaml")
    if found.is_file():
        return found
    known = ", ".join(sorted(p.stem for p in shipped.glob(f"{kind}_*.yaml")))
    raise FervlmError("there is no such recipe", file=given, hint=f"Give a YAML file, or one of: {known}.")


def read_recipe(path: str | Path) -> dict[str, Any]:
    """The settings of a YAML file; `${NAME}` in a text stands for an environment variable.

    Raises:
        FervlmError: the file cannot be read, is no table, or wants a variable that is not set.
    """
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise FervlmError(f"the recipe cannot be read ({reason})", file=path) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise FervlmError("the recipe is no YAML", file=path, row=mark.line + 1 if mark else None) from None
    if not isinstance(found, dict):
        raise FervlmError("the recipe is no table of settings", file=path, hint="Write lines such as `seed: 1`.")
    return {key: _expanded(value, path) for key, value in found.items()}


def with_settings(recipe: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """The recipe with `NAME=VALUE` settings on top; NAME may lead into tables (`weights.local=0.5`), VALUE is YAML.

    Raises:
        FervlmError: a setting without `=`, or with a value that is no YAML.
    """
    found = dict(recipe)
    for setting in settings:
        name, mark, text = setting.partition("=")
        if not mark or not name:
            raise FervlmError(f"the setting '{setting}' has no value", hint="Write --set NAME=VALUE.")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            raise FervlmError(f"the value of '{name}' cannot be read ('{text}')", hint="Write it as YAML.") from None
        table = found
        *path, last = name.split(".")
        for key in path:
            below = table.get(key)
            table[key] = dict(below) if isinstance(below, dict) else {}
            table = table[key]
        table[last] = value
    return found


def validated(model: type[Model], found: dict[str, Any], source: str | Path | None = None) -> Model:
    """The settings as a typed model.

    Raises:
        FervlmError: a setting is unknown, missing or impossible; only the first is told.
    """
    try:
        return model.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "missing":
            raise FervlmError(f"the setting '{where}' is missing", file=source) from None
        if first["type"] == "extra_forbidden":
            known = ", ".join(sorted(_table(model, first["loc"][:-1]).model_fields))
            raise FervlmError(f"there is no setting '{where}'", file=source, hint=f"Known: {known}.") from None
        reason = first["msg"][0].lower() + first["msg"][1:]
        raise FervlmError(f"the setting '{where}' cannot be ({reason})", file=source) from None


def _table(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel]:
    """The model of the table that `path` leads to, as far as it is one."""
    for part in path:
        field = model.model_fields.get(str(part))
        kinds = [] if field is None else [field.annotation, *get_args(field.annotation)]
        model = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), model)
    return model


def _expanded(value: object, path: str | Path) -> object:
    if isinstance(value, list):
        return [_expanded(item, path) for item in value]
    if isinstance(value, dict):
        return {key: _expanded(item, path) for key, item in value.items()}
    if not isinstance(value, str):
        return value

    def variable(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            hint = f"Type: export {match[1]}=..."
            raise FervlmError(f"the recipe wants the variable {match[1]}, which is not set", file=path, hint=hint)
        return found

    return _VARIABLE.sub(variable, value)
