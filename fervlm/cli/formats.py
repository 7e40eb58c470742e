"""`fervlm formats`: the files that can be read, what each tool measures, and what was tried on a real file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from fervlm.readers import FormatInfo

Form = Literal["text", "markdown", "json"]
SAYABLE = {
    "intensity_0_5": "present or absent, and how strong (trace to maximal)",
    "probability": "present or absent, and how sure; never how strong",
    "score": "present or absent; the score is no strength",
    "presence": "present or absent; nothing on strength",
    "coefficient": "present or absent by a stated calibration, graded words marked as low trust",
    "evidence_log10": "present or absent, by the odds; never how strong",
}
"""Scale -> what a text may claim of an AU measured on it (rule 2 of the design)."""


def sayable(info: FormatInfo) -> str:
    """What the engine may say from this tool's numbers, in one clause."""
    sides = "; left and right" if info.sided else "; never which side"
    return SAYABLE[info.scale] + sides


def numbers(aus: tuple[int, ...]) -> str:
    """AU numbers with commas, ascending."""
    return ", ".join(str(au) for au in sorted(set(aus)))
