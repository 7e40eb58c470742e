"""`fervlm explain SOURCE...`: AU evidence or pictures in, explained expressions out, every sentence checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fervlm.cli.labels import DEFAULT_LABELS, chosen_labels
from fervlm.cli.picture_options import LOOKING, FaceIsCrop, Finder, FinderModel
from fervlm.cli.predictions import Per
from fervlm.cli.writers import Format
from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from fervlm.cli.predictions import Eyes
    from fervlm.facs import LabelSet

READING, CHOOSING, WRITING = "Reading AU files", "Choosing", "Writing"


def explain(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="SOURCE...", help="Pictures, AU files, folders of them, or `-` for stdin."),
    ] = None,
    example: Annotated[bool, typer.Option("--example", help="Explain the recording that ships with fervlm.")] = False,
    model: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="A checkpoint; default the shipped one.", rich_help_panel=LOOKING),
    ] = None,
    face_is_crop: FaceIsCrop = False,
    finder: Finder = "haar",
    finder_model: FinderModel = None,
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
    """Explain the expression that pictures or AU files show, and check every sentence of the explanation."""
    from fervlm.cli.output import refuse_overwriting, report_bad
    from fervlm.cli.predictions import Eyes, Run, Settings
    from fervlm.cli.progress import watching
    from fervlm.cli.sources import explained_in, pictures_in
    from fervlm.cli.writers import DRAWN, write

    given = _given(sources or [], example)
    found = explained_in(given, out) if au is None else pictures_in(given)
    words = tuple(labels.split(",")) if labels is not None else None
    eyes = Eyes(model, words, finder, finder_model, face_is_crop) if au is None and found.pictures else None
    refuse_overwriting(out, [*found.evidence, *map(str, found.pictures), *([au] if au else [])])
    settings = Settings(
        labels=_label_set(label_set, labels, eyes, seen_only=not found.evidence),
        per=per,
        observe_only=observe_only,
        seed=seed,
        input_format=input_format,
        neutral=neutral,
        fps=fps,
        mirrored=mirrored,
        limit=limit,
        eyes=eyes,
    )
    run = Run(found, settings, au, drawn=form in DRAWN)
    with watching(len(found.evidence) + len(found.pictures), to_file=out is not None) as watch:
        write(run, form, out, watch)
    report_bad(run.count, run.bad)


def _label_set(name: str | None, labels: str | None, eyes: Eyes | None, *, seen_only: bool) -> LabelSet:
    """What the action units choose from; for pictures alone, words that only the model knows leave it the default."""
    from fervlm.facs.labels import canonical_label

    known = labels is None or any(canonical_label(word) is not None for word in labels.split(","))
    if eyes is not None and seen_only and not known and name is None:
        return chosen_labels(None, None)
    return chosen_labels(name, labels)


def _given(sources: list[str], example: bool) -> list[str]:
    if example:
        from fervlm.examples import recording

        return [str(recording()), *sources]
    if not sources:
        raise FervlmError(
            "nothing to explain", hint="Give a picture, an AU file, a folder or `-`; or try: fervlm explain --example."
        )
    return sources
