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


def checked(info: FormatInfo) -> str:
    """Whether the reader has seen a file that the tool itself wrote."""
    return f"real file: {info.checked_on}" if info.checked_on else "header only"


def formats(
    form: Annotated[Form, typer.Option("--format", help="text, a markdown table, or json.")] = "text",
) -> None:
    """List the AU files that can be read, which AUs each measures, and what may therefore be said."""
    from fervlm.readers import FORMATS

    if form == "json":
        typer.echo(json.dumps([as_dict(info) for info in FORMATS.values()], indent=2))
    elif form == "markdown":
        typer.echo(markdown())
    else:
        _show_text()


def as_dict(info: FormatInfo) -> dict[str, object]:
    """One format as plain values."""
    return {
        "name": info.name,
        "tool": info.tool,
        "title": info.title,
        "extensions": list(info.extensions),
        "checked_on": info.checked_on,
        "measures": sorted(set(info.measures)),
        "scale": info.scale,
        "sided": info.sided,
        "trust": info.trust,
        "note": info.note,
        "may_say": sayable(info),
    }


def markdown() -> str:
    """The README's table: per detector, what it measures and what the engine may therefore say."""
    from fervlm.readers import FORMATS

    lines = [
        "| `--input-format` | tool | AUs measured | what a text may say of them | trust | checked on |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for info in FORMATS.values():
        cells = (f"`{info.name}`", info.title, numbers(info.measures), sayable(info), info.trust, checked(info))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _show_text() -> None:
    from rich.table import Table

    from fervlm.cli.tables import show
    from fervlm.readers import FORMATS

    table = Table("--input-format", "tool", "files", "AUs measured", "scale", "sides", "trust", "checked on", box=None)
    table.pad_edge = False
    for info in FORMATS.values():
        table.add_row(
            info.name,
            info.title,
            " ".join(info.extensions),
            numbers(info.measures),
            info.scale,
            "yes" if info.sided else "no",
            info.trust,
            checked(info),
        )
    show(table)
