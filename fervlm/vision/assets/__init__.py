"""Style sheets and the script of the pages, kept as files of their own kind."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def asset(name: str) -> str:
    """The text of one of the files beside this one."""
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
