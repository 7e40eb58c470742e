"""Predictions as one self-contained HTML page: no file beside it, nothing fetched, readable without scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fervlm import __version__
from fervlm.records import Prediction
from fervlm.vision import palette
from fervlm.vision.assets import asset
from fervlm.vision.draw_marks import STRENGTH_WORDS
from fervlm.vision.lettering import escape
from fervlm.vision.page_card import Exhibit, card_html, found_by, verdict_of
from fervlm.vision.sentences import headline, place_line

MOST_DRAWN = 100
"""Predictions with a drawing; one takes about 40 kB."""
MOST_TOLD = 1_000
"""Predictions with their text; one takes about 6 kB."""
MOST_LISTED = 20_000
"""Predictions that get at least a line; later ones are only counted."""


def _key() -> str:
    levels = "".join(
        f'<li><span class="swatch" style="background:{tone}"></span>{letter} {word}</li>'
        for tone, letter, word in zip(palette.LEVELS, "ABCDE", STRENGTH_WORDS, strict=True)
    )
    presence = '<li><span class="swatch presence"></span>present, strength not known</li>'
    return f'<ul class="key" aria-label="Colours">{levels}{presence}</ul>'


_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""Nothing is fetched, and nothing that slipped into a text could fetch anything."""
_LEAD = (
    "Expressions shown, explained from facial action units; every sentence is checked against the evidence named below "
    "it. \u2713 borne out, \u2717 contradicted, ? not measured, \u2298 not to be said. Sides are the subject's."
)
_TOOLS = (
    '<div class="tools" hidden><input type="search" id="search" placeholder="Find a label or file" '
    'aria-label="Find a label or file"><label><input type="checkbox" id="faulty"> only with a false sentence</label>'
    '<span id="told" role="status"></span></div>'
)
_COLUMNS = "".join(f"<th>{name}</th>" for name in ("No.", "Where", "Label", "Confidence", "Checked"))
_LIST_HEAD = f'<div class="list"><table><thead><tr>{_COLUMNS}</tr></thead><tbody>\n'


def _head(title: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="generator" content="fervlm {__version__}"><title>{escape(title)}</title>'
        f"<style>{asset('page.css')}</style></head><body>\n"
        f'<header class="top"><h1>{escape(title)}</h1><p>{_LEAD}</p>{_key()}{_TOOLS}</header>\n<main>\n'
    )


def _row(prediction: Prediction, number: int) -> str:
    verdict = verdict_of(prediction)
    sign = {"yes": "\u2713", "no": "\u2717", "": ""}[verdict]
    cells = (str(number), place_line(prediction), *headline(prediction), sign)
    about = f'id="p{number}" data-find="{found_by(prediction)}" data-ok="{verdict}"'
    return f'<tr class="brief" {about}>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>\n'


def _end(count: int) -> str:
    said = [f"{count:,} prediction{'s' * (count != 1)}."]
    if count > MOST_DRAWN:
        said.append(f"To keep the page usable, the first {MOST_DRAWN:,} are drawn")
        said[-1] += f", the first {MOST_TOLD:,} told in full" if count > MOST_TOLD else ""
        said[-1] += f", the first {MOST_LISTED:,} listed" if count > MOST_LISTED else ""
        said[-1] += "; write jsonl for all of them."
    empty = '<p class="none">There was nothing to explain.</p>\n' if not count else ""
    return (
        f'{empty}</main>\n<footer class="end"><p>{" ".join(said)} An expression shown is not what a person feels.</p>'
        f"</footer>\n<script>{asset('page.js')}</script></body></html>\n"
    )


def page_parts(predictions: Iterable[Prediction | Exhibit], title: str = "Explained expressions") -> Iterator[str]:
    """The page in pieces, in order, so that a long run is written as it is made.

    Args:
        predictions: in the order to be shown; an `Exhibit` brings its photograph or curves along.
        title: heading and title of the page.

    The first `MOST_DRAWN` predictions are drawn, the first `MOST_TOLD` told in full, the first `MOST_LISTED` listed;
    the page says so at its end.

    Raises:
        FervlmError: an exhibit's picture cannot be read.
    """
    yield _head(title)
    count = 0
    for count, given in enumerate(predictions, start=1):
        exhibit = given if isinstance(given, Exhibit) else Exhibit(given)
        if count <= MOST_TOLD:
            yield card_html(exhibit, count, drawn=count <= MOST_DRAWN)
        elif count <= MOST_LISTED:
            yield (_LIST_HEAD if count == MOST_TOLD + 1 else "") + _row(exhibit.prediction, count)
    if count > MOST_TOLD:
        yield "</tbody></table></div>\n"
    yield _end(count)


def page_html(predictions: Iterable[Prediction | Exhibit], title: str = "Explained expressions") -> str:
    """The whole page as one text; see `page_parts`."""
    return "".join(page_parts(predictions, title))
