"""`fervlm classify PICTURE... --labels A,B,C`: zero-shot labels in the user's words."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from fervlm.cli.picture_options import LOOKING, FaceIsCrop, Finder, FinderModel
from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from fervlm.records import Prediction

LABELS, WRITING = "Labels", "Writing"
Prompts = Literal["names", "expressions", "units", "all"]
SHOWN = 3
"""Labels that a line of text names."""


def classify(
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE...", help="Pictures, or folders of them.")],
    labels: Annotated[str | None, typer.Option(metavar="A,B,C", help="Your own words.", rich_help_panel=LABELS)] = None,
    label_set: Annotated[
        str | None, typer.Option(metavar="NAME", help="A named set instead; default basic8.", rich_help_panel=LABELS)
    ] = None,
    describe: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL=TEXT", help="What a label looks like, in your words.", rich_help_panel=LABELS),
    ] = None,
    prompts: Annotated[
        Prompts | None,
        typer.Option(help="Texts for each label; default names and expressions.", rich_help_panel=LABELS),
    ] = None,
    averaging: Annotated[
        Literal["embeddings", "logits"], typer.Option(help="Over a label's texts.", rich_help_panel=LABELS)
    ] = "embeddings",
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Give no label to a face that fits none.", rich_help_panel=LABELS)
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="A checkpoint, or open_clip's NAME:WEIGHTS; default the shipped one.",
            rich_help_panel=LOOKING,
        ),
    ] = None,
    face_is_crop: FaceIsCrop = False,
    finder: Finder = "haar",
    finder_model: FinderModel = None,
    mirror: Annotated[
        bool,
        typer.Option("--mirror", help="Look twice, also in the mirror: surer, half as fast.", rich_help_panel=LOOKING),
    ] = False,
    form: Annotated[
        Literal["text", "jsonl", "csv"], typer.Option("--format", help="What to write.", rich_help_panel=WRITING)
    ] = "text",
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Where to.", rich_help_panel=WRITING)] = None,
) -> None:
    """Tell which of your labels the expression of each face is closest to."""
    from fervlm.cli.looking import Looking, described, say
    from fervlm.cli.output import refuse_overwriting, report_bad, text_target
    from fervlm.cli.progress import watching

    if label_set is not None and labels is not None:
        raise FervlmError("--label-set and --labels cannot both be given")
    looking = Looking(pictures, out)
    refuse_overwriting(out, [str(path) for path in looking.pictures])
    from fervlm.predict.load import load

    reader = load(model, finder=finder, finder_model=finder_model)
    labelling = reader.labelling(
        labels.split(",") if labels is not None else label_set or "basic8",
        prompts=_sets(prompts),
        averaging=averaging,
        descriptions=described(describe or []),
        unknown=unknown,
    )
    for note in labelling.notes:
        say(note)
    faces = looking.faces(reader, face_is_crop=face_is_crop)
    found = reader.classify_faces(faces, labelling, mirror=mirror)
    count = 0

    def counted(predictions: Iterable[Prediction]) -> Iterable[Prediction]:
        nonlocal count
        for prediction in predictions:
            count += 1
            yield prediction

    write = {"text": _write_text, "jsonl": _write_jsonl, "csv": _write_csv}[form]
    with text_target(out) as stream, watching(1, to_file=out is not None) as watch:
        write(counted(watch.source("pictures", found)), labelling.texts.labels, stream)
    report_bad(count, looking.bad)


def _sets(prompts: Prompts | None) -> tuple[str, ...]:
    from fervlm.contrastive.class_prompts import PROMPT_SETS
    from fervlm.contrastive.zero_shot import SETS

    if prompts is None:
        return PROMPT_SETS
    return SETS if prompts == "all" else (prompts,)


def _write_text(predictions: Iterable[Prediction], labels: tuple[str, ...], stream: TextIO) -> None:
    for prediction in predictions:
        ranked = list((prediction.probabilities or {}).items())[:SHOWN]
        told = ", ".join(f"{label} {share:.2f}" for label, share in ranked)
        if prediction.label is None:
            told = f"fits none of the labels (nearest {told})"
        stream.write(f"{prediction.id}: {told}\n")


def _write_jsonl(predictions: Iterable[Prediction], labels: tuple[str, ...], stream: TextIO) -> None:
    for prediction in predictions:
        stream.write(prediction.model_dump_json() + "\n")


def _write_csv(predictions: Iterable[Prediction], labels: tuple[str, ...], stream: TextIO) -> None:
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(
        ["id", "file", "face_id", "x", "y", "width", "height", "label", "unknown_score", *(f"p({n})" for n in labels)]
    )
    for prediction in predictions:
        box, shares = prediction.box, prediction.probabilities or {}
        place = [None] * 4 if box is None else [round(v, 1) for v in (box.x, box.y, box.width, box.height)]
        head = [prediction.id, prediction.source.file, prediction.face_id, *place]
        table.writerow([*head, prediction.label, prediction.unknown_score, *(shares.get(name) for name in labels)])
