"""Prompts as plain text files, one per use site; `prompts/` in a checkout, `fervlm/_prompts` in the wheel."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

from fervlm.errors import FervlmError

_PACKAGED = Path(__file__).parent / "_prompts"
_CHECKOUT = Path(__file__).parent.parent / "prompts"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file: its text with `$name` places, and the digest that goes into provenance."""

    name: str
    text: str
    digest: str

    def fill(self, **values: str) -> str:
        """The text with its places filled; a missing or unknown place is an error."""
        template = Template(self.text)
        wanted = set(template.get_identifiers())
        if wanted != set(values):
            odd = ", ".join(sorted(wanted ^ set(values)))
            raise FervlmError(f"the prompt '{self.name}' and its caller disagree on: {odd}")
        return template.substitute(values)


@cache
def prompt(name: str) -> Prompt:
    """The prompt file `NAME.txt`; its digest is the first 16 hex digits of the text's SHA-256."""
    for folder in (_PACKAGED, _CHECKOUT):
        path = folder / f"{name}.txt"
        if path.is_file():
            text = path.read_text(encoding="utf-8").strip()
            return Prompt(name, text, hashlib.sha256(text.encode()).hexdigest()[:16])
    raise FervlmError(f"there is no prompt '{name}'", hint="Is the installation complete? Try: fervlm doctor")
