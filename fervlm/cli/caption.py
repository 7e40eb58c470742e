"""`fervlm caption PICTURE...`: explanations written by a multimodal model, each sentence checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from fervlm.cli.picture_options import (
    LANGUAGE_MODEL,
    LOOKING,
    Base,
    Device,
    FaceIsCrop,
    Finder,
    FinderModel,
    Multimodal,
)
from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from pathlib import Path

    from fervlm.cli.looking import Looking
    from fervlm.predict.cut_faces import CutFaces
    from fervlm.predict.language_model import LanguageModelReader, Told
    from fervlm.records import AURecord

MODEL, WRITING = LANGUAGE_MODEL, "Writing"


def caption(
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE...", help="Pictures, or folders of them.")],
    model: Multimodal = None,
    base: Base = None,
    way: Annotated[
        Literal["direct", "reason_first", "label_first"],
        typer.Option(help="The label at once, after the movements were told, or before.", rich_help_panel=MODEL),
    ] = "direct",
    free: Annotated[
        bool, typer.Option("--free", help="Do not hold the model to the form of a caption.", rich_help_panel=MODEL)
    ] = False,
    device: Device = "cpu",
    labels: Annotated[str | None, typer.Option(metavar="A,B,C", help="Your own words.", rich_help_panel=MODEL)] = None,
    label_set: Annotated[
        str | None, typer.Option(metavar="NAME", help="A named set instead; default basic8.", rich_help_panel=MODEL)
    ] = None,
    au: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A detector's evidence to check against.", rich_help_panel=LOOKING),
    ] = None,
    show_evidence: Annotated[
        bool, typer.Option("--show-evidence", help="Tell the model what was measured.", rich_help_panel=LOOKING)
    ] = False,
    face_is_crop: FaceIsCrop = False,
    finder: Finder = "haar",
    finder_model: FinderModel = None,
    form: Annotated[
        Literal["text", "jsonl"], typer.Option("--format", help="What to write.", rich_help_panel=WRITING)
    ] = "text",
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Where to.", rich_help_panel=WRITING)] = None,
) -> None:
    """Let a multimodal model explain each face, and check every sentence before it is shown.

    Without --au, sentences are checked against what the small picture model reads in the same face. An explanation that
    fails is asked for once more; what still fails is shown with its findings, and counts as at fault (exit code 1).
    """
    from fervlm.cli.language_model import open_language_model
    from fervlm.cli.looking import Looking
    from fervlm.cli.output import refuse_overwriting, report_bad, text_target
    from fervlm.cli.progress import watching

    if label_set is not None and labels is not None:
        raise FervlmError("--label-set and --labels cannot both be given")
    looking = Looking(pictures, out)
    refuse_overwriting(out, [*map(str, looking.pictures), *([au] if au else [])])
    reader = open_language_model(
        model,
        base=base,
        finder=finder,
        finder_model=finder_model,
        way=way,
        show_evidence=show_evidence,
        hold_form=not free,
        device=device,
    )
    chosen = tuple(word.strip() for word in labels.split(",")) if labels is not None else label_set or "basic8"
    faces = _faces(looking, reader, au, face_is_crop=face_is_crop)
    told = reader.explain_faces(faces, chosen, measured=au is not None)
    count = failed = 0
    with text_target(out) as stream, watching(1, to_file=out is not None):
        for one in told:
            count += 1
            failed += not (one.prediction.verification is not None and one.prediction.verification.ok)
            _write(one, form, stream, first=count == 1)
    report_bad(count, looking.bad)
    if failed:
        raise typer.Exit(1)


def _faces(
    looking: Looking, reader: LanguageModelReader, au: str | None, *, face_is_crop: bool
) -> Iterator[tuple[CutFaces, list[AURecord]]]:
    """Each picture's faces with their evidence; bad pictures are noted and left out."""
    measured = dict(_measured(looking.pictures, au)) if au is not None else None
    for path in looking.pictures:
        try:
            faces = reader.cut(path, face_is_crop=face_is_crop)
            seen = measured[path] if measured is not None else reader.eyes.evidence(path, face_is_crop=face_is_crop)
        except FervlmError as error:
            looking.note(error, path)
            continue
        if len(seen) < len(faces.places):
            looking.note(FervlmError(f"shows {len(faces.places)} faces, but {len(seen)} were measured in {au}"), path)
            continue
        yield faces, seen


def _measured(pictures: list[Path], au: str) -> Iterable[tuple[Path, list[AURecord]]]:
    from itertools import chain

    from fervlm.cli.sources import evidence_files, join
    from fervlm.readers import read

    return join(pictures, chain.from_iterable(read(name) for name in evidence_files(au)), au)


def _write(told: Told, form: str, stream: TextIO, *, first: bool) -> None:
    prediction = told.prediction
    if form == "jsonl":
        stream.write(prediction.model_dump_json() + "\n")
        return
    from fervlm.cli.text import Style, prediction_text, verification_text

    style = Style(stream)
    stream.write("" if first else "\n")
    if prediction.caption is not None:
        stream.write(prediction_text(prediction, style))
        return
    stream.write(verification_text(prediction.id, prediction.verification, style))
    stream.write(
        style.part("", f"The model's answer has not the form of an explanation. Label: {prediction.label}.") + "\n"
    )
