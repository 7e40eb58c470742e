"""From predictions to a file format: text, jsonl, csv, html, png."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from fervlm.cli.output import binary_target, text_target
from fervlm.cli.progress import Watch
from fervlm.cli.sources import STDIN
from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from fervlm.cli.predictions import Job, Run
    from fervlm.records import Prediction

Format = Literal["text", "jsonl", "csv", "html", "png"]


def write(run: Run, form: Format, out: str | None, watch: Watch) -> None:
    """Make every prediction of `run` and write it; what goes wrong with one of many sources is kept in `run.bad`."""
    if form == "png":
        _write_pictures(run, out, watch)
    elif form == "html":
        _write_pages(run, out, watch)
    else:
        with text_target(out) as stream:
            {"text": _write_text, "jsonl": _write_jsonl, "csv": _write_csv}[form](_all(run, watch), stream, run)


def _all(run: Run, watch: Watch) -> Iterator[Prediction]:
    for job in run.jobs():
        watch.file(job.name)
        yield from watch.count(job.predictions)


def _write_jsonl(predictions: Iterable[Prediction], stream: TextIO, run: Run) -> None:
    live = STDIN in run.found.evidence  # somebody feeds us as it happens: do not sit on a line
    for prediction in predictions:
        stream.write(prediction.model_dump_json() + "\n")
        if live:
            stream.flush()


def _write_csv(predictions: Iterable[Prediction], stream: TextIO, run: Run) -> None:
    from fervlm.cli.csv_rows import COLUMNS, row

    table = csv.writer(stream, lineterminator="\n")
    table.writerow(COLUMNS)
    for prediction in predictions:
        table.writerow(row(prediction))


def _write_text(predictions: Iterable[Prediction], stream: TextIO, run: Run) -> None:
    from fervlm.cli.text import Style, prediction_text

    style = Style(stream)
    for number, prediction in enumerate(predictions):
        stream.write(("\n" if number else "") + prediction_text(prediction, style))
        if style.terminal:
            stream.flush()


def _is_folder(out: str) -> bool:
    return out.endswith(("/", "\\")) or Path(out).is_dir()


def _folder(out: str) -> Path:
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FervlmError(f"cannot be made a folder ({error.strerror or error})", file=folder) from None
    return folder
