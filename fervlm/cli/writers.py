"""From predictions to a file format: text, jsonl, csv, html, png."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Literal, TextIO

from fervlm.cli.output import STDOUT, binary_target, text_target
from fervlm.cli.progress import Watch
from fervlm.cli.sources import STDIN
from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from fervlm.cli.predictions import Job, Run
    from fervlm.records import Prediction
    from fervlm.vision.page_card import Exhibit

Format = Literal["text", "jsonl", "csv", "html", "png"]
DRAWN = frozenset({"html", "png"})
MOST_LETTERS = 120
"""Of a file name made of an id."""


def write(run: Run, form: Format, out: str | None, watch: Watch) -> None:
    """Make every prediction of `run` and write it to `out`, or to standard output.

    Args:
        run: what goes wrong with one of its many sources is kept in `run.bad`, the others are written.
        form: `html` and `png` write one file, or one for each source (html) or prediction (png) into a folder.
        out: a file, a folder (ending in `/`, or there already), or None.
        watch: counts along.

    Raises:
        FervlmError: the single source is bad, the place cannot be written, or the format needs a file.
    """
    if form == "png":
        _write_pictures(run, out, watch)
    elif form == "html":
        _write_pages(run, out, watch)
    else:
        with text_target(out) as stream:
            {"text": _write_text, "jsonl": _write_jsonl, "csv": _write_csv}[form](_all(run, watch), stream, run)


def _all(run: Run, watch: Watch) -> Iterator[Prediction]:
    for job in run.jobs():
        for prediction, _ in watch.source(job.name, job.made):
            yield prediction


# ---- lines


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


# ---- pages and pictures


def _write_pages(run: Run, out: str | None, watch: Watch) -> None:
    from fervlm.vision.page import page_parts

    if out is None or out == STDOUT or not _is_folder(out):
        with text_target(out) as stream:
            stream.writelines(
                page_parts((exhibit for _, shown in _shown(run, watch) for exhibit in shown), _title(run))
            )
        return
    names = _Names(_folder(out), ".html")
    for job, shown in _shown(run, watch):
        for first in shown:  # a source that gave nothing gets no page
            with text_target(str(names.of(PurePath(job.name).stem))) as stream:
                stream.writelines(page_parts(chain([first], shown), PurePath(job.name).name))


def _title(run: Run) -> str:
    names = [*run.found.evidence, *map(str, run.found.pictures)]
    return PurePath(names[0]).name if len(names) == 1 and names[0] != STDIN else "Explained expressions"


def _shown(run: Run, watch: Watch) -> Iterator[tuple[Job, Iterator[Exhibit]]]:
    for job in run.jobs():
        yield job, _exhibits(job, run.settings.mirrored, watch)


def _exhibits(job: Job, mirrored: bool, watch: Watch) -> Iterator[Exhibit]:
    from fervlm.predict.pictures import SeenFace
    from fervlm.vision.page_card import Exhibit

    for prediction, beside in watch.source(job.name, job.made):
        if isinstance(beside, SeenFace):
            yield Exhibit(prediction, job.picture, square=beside.square, looked=beside.looked)
        else:
            yield Exhibit(prediction, job.picture, beside, mirrored)


def _write_pictures(run: Run, out: str | None, watch: Watch) -> None:
    from fervlm.vision.raster import png

    if out is None or out == STDOUT:
        raise FervlmError("a png needs a place", hint="Give --out FILE.png, or --out FOLDER/ for many.")
    exhibits = (exhibit for _, shown in _shown(run, watch) for exhibit in shown)
    if _is_folder(out):
        names = _Names(_folder(out), ".png")
        for exhibit in exhibits:
            identity = exhibit.prediction.id  # a face's is the path of its picture
            name = identity if exhibit.square is None else PurePath(identity).name
            with binary_target(names.of(name)) as stream:
                stream.write(png(drawing(exhibit)))
        return
    first, more = next(exhibits, None), next(exhibits, None)
    if more is not None:
        raise FervlmError("there are several to draw, and one file", file=out, hint=f"Give a folder: --out {out}/.")
    if first is not None:
        with binary_target(out) as stream:
            stream.write(png(drawing(first)))


def drawing(exhibit: Exhibit) -> str:
    """The SVG of one prediction: on its picture (with where the model looked), with its time lines, or the drawn face.

    Raises:
        FervlmError: the picture cannot be read.
    """
    if exhibit.picture is not None and exhibit.square is not None and exhibit.looked is not None:
        from fervlm.vision.attention import attention_svg
        from fervlm.vision.open_picture import open_picture

        picture = open_picture(exhibit.picture, name=exhibit.prediction.source.file)
        return attention_svg(picture, exhibit.prediction, exhibit.square, exhibit.looked)
    if exhibit.picture is not None:
        from fervlm.vision.overlay import photo_svg

        return photo_svg(exhibit.picture, exhibit.prediction, exhibit.mirrored)
    if exhibit.track is not None:
        from fervlm.vision.draw_timeline import clip_svg

        return clip_svg(exhibit.prediction, exhibit.track, mirrored=exhibit.mirrored)
    from fervlm.vision.card import prediction_svg

    return prediction_svg(exhibit.prediction, mirrored=exhibit.mirrored)


class _Names:
    """File names in a folder, made of ids; none is given twice in one run."""

    def __init__(self, folder: Path, ending: str) -> None:
        self._folder, self._ending = folder, ending
        self._given: set[str] = set()

    def of(self, name: str) -> Path:
        """A path for `name`, with a number behind it where an earlier one was written alike."""
        plain = re.sub(r"[^\w.@#-]+", "_", name)[:MOST_LETTERS].strip(".") or "prediction"
        free, number = plain, 1
        while free.lower() in self._given:
            number += 1
            free = f"{plain}-{number}"
        self._given.add(free.lower())
        return self._folder / f"{free}{self._ending}"


def _is_folder(out: str) -> bool:
    return out.endswith(("/", "\\")) or Path(out).is_dir()


def _folder(out: str) -> Path:
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FervlmError(f"cannot be made a folder ({error.strerror or error})", file=folder) from None
    return folder
