"""`fervlm formats`: the files that can be read, what each tool measures, and what was tried on a real file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from fervlm.readers import FormatInfo

Form = Literal["text", "markdown", "json"]
SAYABLE = {
    "intensity_0_5": "present, absent, and how strong (trace to maximal)",
    "probability": "present, absent, and how surely; not how strong",
    "score": "present or absent; not how strong",
    "presence": "present or absent; not how strong",
    "coefficient": "present or absent at a stated cut; how strong only by a stated calibration",
    "evidence_log10": "present or absent, by the odds; not how strong",
}
"""Scale -> what a text may claim of an AU measured on it (rule 2 of the design)."""


def sayable(info: FormatInfo) -> str:
    """What the engine may say from this tool's numbers, in one clause."""
    if _scale_is_stated(info):
        return "what the stated scale allows, as in the rows above; sides where columns are named by side"
    sides = "; left and right apart" if info.sided else "; not on which side"
    return SAYABLE[info.scale] + sides


def numbers(info: FormatInfo) -> str:
    """The AUs measured, ascending; for a table of any detector, those it has a column for."""
    if _scale_is_stated(info):
        return "those that have a column"
    return ", ".join(str(au) for au in sorted(set(info.measures)))


def _scale_is_stated(info: FormatInfo) -> bool:
    return any(option == "scale" for option, _ in info.options)


def checked(info: FormatInfo) -> str:
    """Whether the reader has seen a file that the tool itself wrote."""
    return "real file" if info.checked_on else "header only"


def formats(
    name: Annotated[str | None, typer.Argument(help="One format, told in full; a table of all without it.")] = None,
    form: Annotated[Form, typer.Option("--format", help="text, a markdown table, or json.")] = "text",
) -> None:
    """List the AU files that can be read, which AUs each measures, and what may therefore be said."""
    found = _chosen(name)
    if form == "json":
        typer.echo(json.dumps([as_dict(info) for info in found], indent=2))
    elif form == "markdown":
        typer.echo(markdown(found))
    elif name is None:
        _show(found)
    else:
        _tell(found[0])


def _chosen(name: str | None) -> list[FormatInfo]:
    from fervlm.readers import FORMATS

    if name is None:
        return list(FORMATS.values())
    if name not in FORMATS:
        raise FervlmError(f"there is no format '{name}'", hint=f"Known formats: {', '.join(FORMATS)}.")
    return [FORMATS[name]]


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
        "may_say": sayable(info),
        "note": info.note,
        "options": dict(info.options),
    }


def markdown(found: list[FormatInfo]) -> str:
    """The README's table: per detector, what it measures and what the engine may therefore say."""
    lines = [
        "| format | detector | AUs measured | what may be said of them | trust | checked on |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for info in found:
        cells = (f"`{info.name}`", info.tool, numbers(info), sayable(info), info.trust, checked(info))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _show(found: list[FormatInfo]) -> None:
    from rich.table import Table

    from fervlm.cli.tables import show

    table = Table("format", "detector", "AUs", "scale", "sides", "trust", "checked on", box=None, pad_edge=False)
    for info in found:
        stated = _scale_is_stated(info)
        count, scale = ("any", "as stated") if stated else (str(len(set(info.measures))), info.scale)
        table.add_row(info.name, info.tool, count, scale, "yes" if info.sided else "no", info.trust, checked(info))
    show(table)
    typer.echo("\nMore on one of them: fervlm formats NAME")


def _tell(info: FormatInfo) -> None:
    lines = {
        "detector": info.tool,
        "file": f"{info.title} ({' '.join(info.extensions)})",
        "measures": numbers(info),
        "may be said": sayable(info),
        "trust": info.trust,
        "note": info.note,
        "checked on": info.checked_on or "files written by us from the documented header only",
        **{f"option {option}": meaning for option, meaning in info.options},
    }
    for name, text in lines.items():
        typer.echo(f"{name:<22} {text}")
    if info.options:
        typer.echo(f"\nOptions follow the name: --input-format {info.name}:{info.options[0][0]}=...")
