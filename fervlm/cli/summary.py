"""`fervlm summary SOURCE...`: a long recording in a few lines, for a person, a program or a language model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from fervlm.sequences.settings import ClipSettings
    from fervlm.sequences.totals import RecordingSummary

Form = Literal["text", "jsonl"]


def summary(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE...", help="AU files of recordings, folders, or `-`.")],
    input_format: Annotated[
        str | None, typer.Option(metavar="NAME[:OPT=X,...]", help="Overrule detection: `fervlm formats`.")
    ] = None,
    neutral: Annotated[
        str | None, typer.Option(metavar="WHICH", help="Neutral face: auto, first, median, none, or a file.")
    ] = None,
    fps: Annotated[float | None, typer.Option(metavar="N", help="Frame rate where the file has no times.")] = None,
    form: Annotated[Form, typer.Option("--format", help="text, or one JSON object a recording.")] = "text",
    out: Annotated[str | None, typer.Option(metavar="PATH", help="A file instead of stdout.")] = None,
) -> None:
    """Tell which movements a recording holds, how often and how long, and which occur together."""
    from fervlm.cli.output import refuse_overwriting, report_bad, text_target
    from fervlm.cli.sources import evidence_in
    from fervlm.predict.tracks import clip_settings
    from fervlm.sequences.summary import summary_text

    found = evidence_in(sources, out)
    refuse_overwriting(out, found.evidence)
    settings = clip_settings(neutral, fps)
    bad, count = list(found.unreadable), 0
    with text_target(out) as stream:
        for file in found.evidence:
            try:
                for told in _summaries(file, input_format, settings):
                    text = told.model_dump_json() if form == "jsonl" else ("\n" if count else "") + summary_text(told)
                    stream.write(text + "\n")
                    count += 1
            except FervlmError as error:
                if not found.many:
                    raise
                bad.append(error)
    report_bad(count, bad)


def _summaries(file: str, input_format: str | None, settings: ClipSettings) -> Iterator[RecordingSummary]:
    from fervlm.readers import read
    from fervlm.sequences.faces import recordings
    from fervlm.sequences.follow import follow
    from fervlm.sequences.totals import summary_of

    for faces in recordings(read(file, input_format)):
        yield summary_of(follow(faces, settings))
