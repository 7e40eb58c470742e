"""`fervlm search PICTURES --query TEXT`: the faces nearest to a text."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fervlm.cli.picture_options import FaceIsCrop, Finder, FinderModel
from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from fervlm.predict.search import Hit


def search(
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURES...", help="Pictures, or folders of them.")],
    query: Annotated[
        str, typer.Option(metavar="TEXT", help="What the face shows: 'raised brows, open mouth'.", show_default=False)
    ],
    top: Annotated[int, typer.Option(min=1, metavar="N", help="Faces to name.")] = 10,
    model: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="A checkpoint, or open_clip's NAME:WEIGHTS.")
    ] = None,
    face_is_crop: FaceIsCrop = False,
    finder: Finder = "haar",
    finder_model: FinderModel = None,
    form: Annotated[Literal["text", "jsonl", "csv"], typer.Option("--format", help="What to write.")] = "text",
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Where to.")] = None,
) -> None:
    """Find the faces whose expression is nearest to a description."""
    from fervlm.cli.looking import Looking, say
    from fervlm.cli.output import refuse_overwriting, report_bad, text_target
    from fervlm.cli.progress import watching

    if not query.strip():
        raise FervlmError("the query is empty", hint="Say what the face shows: --query 'raised brows, open mouth'.")
    looking = Looking(pictures, out)
    refuse_overwriting(out, [str(path) for path in looking.pictures])
    from fervlm.predict.load import load
    from fervlm.predict.search import Query, nearest

    reader = load(model, finder=finder, finder_model=finder_model)
    asked = Query.of(query, reader.model)
    for note in asked.notes:
        say(note)
    with watching(1, to_file=out is not None) as watch:
        faces = watch.source("pictures", reader.embed(looking.faces(reader, face_is_crop=face_is_crop)))
        hits, count = nearest(faces, asked, top)
    with text_target(out) as stream:
        if form == "csv":
            table = csv.writer(stream, lineterminator="\n")
            table.writerows([("rank", "id", "file", "face_id", "similarity"), *(_row(hit) for hit in hits)])
        else:
            stream.writelines(_line(hit, form) + "\n" for hit in hits)
    report_bad(count, looking.bad)


def _row(hit: Hit) -> tuple[int, str, str, str | None, float]:
    return hit.rank, hit.place.id, hit.place.file, hit.place.face_id, round(hit.similarity, 4)


def _line(hit: Hit, form: str) -> str:
    if form == "jsonl":
        names = ("rank", "id", "file", "face_id", "similarity")
        return json.dumps(dict(zip(names, _row(hit), strict=True)), ensure_ascii=False)
    return f"{hit.rank:>3}  {hit.similarity:+.3f}  {hit.place.id}"
