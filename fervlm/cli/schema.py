"""`fervlm schema [NAME]`: the JSON Schemas of the records, as the package itself validates them."""

from __future__ import annotations

import json
from typing import Annotated

import typer

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, object]]:
    """Every published noun with its JSON Schema (draft 2020-12)."""
    from fervlm.records import SCHEMAS

    return {name: {"$schema": DIALECT, **noun.model_json_schema()} for name, noun in SCHEMAS.items()}


def schema(
    name: Annotated[str | None, typer.Argument(help="One record, such as Prediction; all of them without it.")] = None,
) -> None:
    """Print the JSON Schema of one record, or of all as one JSON object."""
    from fervlm.errors import FervlmError

    found = schemas()
    if name is None:
        typer.echo(json.dumps(found, indent=2))
        return
    chosen = next((noun for noun in found if noun.lower() == name.lower()), None)
    if chosen is None:
        raise FervlmError(f"there is no record '{name}'", hint=f"Known records: {', '.join(found)}.")
    typer.echo(json.dumps(found[chosen], indent=2))
