"""The tables as package data; `SOURCES.md` gives each row's source and confidence."""

from __future__ import annotations

import csv
import io
from importlib.resources import files
from typing import Any

import yaml

_ROOT = files(__package__)


def rows(name: str) -> list[dict[str, str]]:
    """All rows of `name`.csv as dictionaries of strings."""
    text = (_ROOT / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def document(name: str) -> dict[str, Any]:
    """`name`.yaml, parsed (libyaml where it is built in: ten times faster at start-up)."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loaded: dict[str, Any] = yaml.load((_ROOT / f"{name}.yaml").read_text(encoding="utf-8"), Loader=loader)
    return loaded
