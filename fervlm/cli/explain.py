"""`fervlm explain SOURCE...`: AU evidence in, explained expressions out, every sentence checked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fervlm.cli.predictions import Per
from fervlm.cli.writers import Format
from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from fervlm.cli.predictions import Run
    from fervlm.cli.sources import Found
    from fervlm.facs import LabelSet

DEFAULT_LABELS = "basic8"
READING, CHOOSING, WRITING = "Reading", "Choosing", "Writing"


def explain(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE...", help="AU files, folders of them, `-` for stdin; or pictures with --au."),
    ] = None,
    example: Annotated[bool, typer.Option("--example", help="Explain the recording that ships with fervlm.")] = False,
    au: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Evidence for pictures, joined by name.", rich_help_panel=READING),
    ] = None,
    input_format: Annotated[
        str | None,
        typer.Option(metavar="NAME[:OPT=X,...]", help="Overrule detection: `fervlm formats`.", rich_help_panel=READING),
    ] = None,
    mirrored: Annotated[
        bool, typer.Option("--mirrored", help="The picture was flipped: swap left and right.", rich_help_panel=READING)
    ] = False,
    fps: Annotated[
        float | None,
        typer.Option(metavar="N", help="Frame rate where the file has no times.", rich_help_panel=READING),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Read the first N records of each source.", rich_help_panel=READING),
    ] = None,
    label_set: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help=f"Labels to choose from; default {DEFAULT_LABELS}.", rich_help_panel=CHOOSING
        ),
    ] = None,
    labels: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Your own labels instead.", rich_help_panel=CHOOSING)
    ] = None,
    per: Annotated[
        Per | None,
        typer.Option(
            help="One explanation for each; default: clip for recordings, else frame.", rich_help_panel=CHOOSING
        ),
    ] = None,
    neutral: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH", help="Neutral face: auto, first, median, none, or a file.", rich_help_panel=CHOOSING
        ),
    ] = None,
    observe_only: Annotated[
        bool, typer.Option("--observe-only", help="Movements only: no label, no emotion.", rich_help_panel=CHOOSING)
    ] = False,
    seed: Annotated[int, typer.Option(help="Chooses among true wordings.", rich_help_panel=CHOOSING)] = 0,
    form: Annotated[Format, typer.Option("--format", help="What to write.", rich_help_panel=WRITING)] = "text",
    out: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="A file, or a folder for many pages or pictures.", rich_help_panel=WRITING),
    ] = None,
) -> None:
    """Read AU evidence, explain the expression it shows, and check every sentence of the explanation."""
    from fervlm.cli.output import refuse_overwriting
    from fervlm.cli.predictions import Run, Settings
    from fervlm.cli.progress import watching
    from fervlm.cli.writers import DRAWN, write

    given = _given(sources or [], example)
    found = _found(given, au, out)
    refuse_overwriting(out, [*found.evidence, *map(str, found.pictures), *([au] if au else [])])
    settings = Settings(
        labels=chosen_labels(label_set, labels),
        per=per,
        observe_only=observe_only,
        seed=seed,
        input_format=input_format,
        neutral=neutral,
        fps=fps,
        mirrored=mirrored,
        limit=limit,
    )
    run = Run(found, settings, au, drawn=form in DRAWN)
    with watching(results_to_file=out is not None) as watch:
        write(run, form, out, watch)
    report_bad(run)


def _given(sources: list[str], example: bool) -> list[str]:
    if example:
        from fervlm.examples import recording

        return [str(recording()), *sources]
    if not sources:
        raise FervlmError(
            "nothing to explain", hint="Give an AU file, a folder or `-`; or try: fervlm explain --example."
        )
    return sources


def _found(given: list[str], au: str | None, out: str | None) -> Found:
    from fervlm.cli.sources import endings, find
    from fervlm.readers import FORMATS

    found = find(given, endings(FORMATS.values()), skip=Path(out) if out else None)
    if au is None and found.pictures:
        if not found.walked:
            raise FervlmError(
                "a picture needs the evidence that an AU detector took from it",
                file=found.pictures[0],
                hint="Give it with --au FILE.",
            )
        note = f"{len(found.pictures)} picture(s) left out: pictures need evidence, --au FILE"
        found.pictures.clear()
        if found.evidence:
            print(f"fervlm: {note}.", file=sys.stderr)
        else:
            raise FervlmError(note)
    if au is not None and not found.pictures:
        raise FervlmError(
            "--au goes with pictures, and none was given", hint="Explain the AU file itself: fervlm explain FILE."
        )
    if not found.evidence and not found.pictures:
        raise FervlmError(
            "no AU file in it", file=given[0], hint="See `fervlm formats` for the files that can be read."
        )
    return found


def chosen_labels(name: str | None, words: str | None) -> LabelSet:
    """The label set the user named, or made of the user's words, or the default.

    Raises:
        FervlmError: both were given, the name is unknown, or no word is known to the tables.
    """
    from fervlm.facs import label_set, label_set_from_words

    if name is not None and words is not None:
        raise FervlmError("--label-set and --labels cannot both be given")
    if words is not None:
        return label_set_from_words(tuple(words.split(",")))
    return label_set(name or DEFAULT_LABELS)


def report_bad(run: Run) -> None:
    """List what could not be explained on standard error; exit code 1 where there is something."""
    if not run.bad:
        return
    print(f"fervlm: {run.count:,} explained; {len(run.bad)} could not be:", file=sys.stderr)
    for error in run.bad:
        print(f"  {error}", file=sys.stderr)
    raise typer.Exit(1)
