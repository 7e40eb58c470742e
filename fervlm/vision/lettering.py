"""Text in drawings: escaping, measured widths, wrapping.

A bare machine has no fonts, so drawings are set in the one embedded in Pillow (Aileron, public domain). It covers ASCII
and a few signs; what it lacks is measured by a rule of thumb here and drawn with a system font where there is one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from html import escape as html_escape

FAMILY = "Aileron, 'Helvetica Neue', Arial, 'Noto Sans', 'DejaVu Sans', sans-serif"
BOLD_STROKE = 0.035
"""Pen width of emboldened text as a share of its size: the embedded font has one weight only."""
_EM = 100

# Control characters, lone surrogates and non-characters: not allowed in XML, so they become the replacement sign.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def escape(text: str) -> str:
    """`text` safe inside XML and HTML, as element content or quoted attribute; characters XML forbids become U+FFFD."""
    return html_escape(_NOT_XML.sub("\ufffd", text), quote=True)


@cache
def font_bytes() -> bytes:
    """The embedded TrueType font."""
    from PIL import ImageFont

    font = ImageFont.load_default(_EM)
    data: bytes = font.font_bytes  # type: ignore[union-attr]
    return data


@cache
def _advances() -> dict[str, float]:
    """Advance of every printable ASCII character in em."""
    from PIL import ImageFont

    font = ImageFont.load_default(_EM)
    return {chr(code): font.getlength(chr(code)) / _EM for code in range(32, 127)}


@cache
def _estimate(char: str) -> float:
    """Advance in em of a character outside ASCII: full width, none, or a middling letter."""
    if unicodedata.combining(char):
        return 0.0
    if unicodedata.east_asian_width(char) in {"W", "F"}:
        return 1.0
    return 0.62


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Width of `text` in pixels, set at `size` pixels; kerning is left out, so it errs on the wide side."""
    table = _advances()
    total = sum(found if (found := table.get(char)) is not None else _estimate(char) for char in text)
    if not text.isascii():
        total *= 1.14  # a system font may set the whole text then, and those run wider
    return total * size + (BOLD_STROKE * size if bold and text else 0.0)


def _pieces(word: str, size: float, limit: float) -> list[str]:
    """A word wider than the line, cut into pieces that fit."""
    found, piece = [], ""
    for char in word:
        if piece and width(piece + char, size) > limit:
            found.append(piece)
            piece = ""
        piece += char
    return [*found, piece]


def wrap(text: str, size: float, limit: float) -> list[str]:
    """Lines of `text` no wider than `limit` pixels; a word too long for a line is cut. Never empty."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        for piece in [word] if width(word, size) <= limit else _pieces(word, size, limit):
            longer = f"{line} {piece}" if line else piece
            if line and width(longer, size) > limit:
                lines.append(line)
                line = piece
            else:
                line = longer
    return [*lines, line] if line or not lines else lines


def shorten(text: str, size: float, limit: float) -> str:
    """`text` on one line of at most `limit` pixels, its end cut off with three dots where it is longer."""
    flat = " ".join(text.split())
    if width(flat, size) <= limit:
        return flat
    while flat and width(flat + "...", size) > limit:
        flat = flat[:-1]
    return flat.rstrip() + "..."


def text_at(
    x: float,
    y: float,
    text: str,
    size: float,
    *,
    fill: str = "#22262c",
    anchor: str = "start",
    bold: bool = False,
    css: str = "fv-text",
) -> str:
    """An SVG text element with its baseline at `y`; `css` is the class the HTML page restyles in the dark."""
    weight = f' stroke="{fill}" stroke-width="{BOLD_STROKE * size:.2f}"' if bold else ""
    side = "" if anchor == "start" else f' text-anchor="{anchor}"'
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{fill}"'
    return f'<text {place}{weight}{side} class="{css}">{escape(text)}</text>'


Run = tuple[str, str | None]
"""Some text and the colour that marks it; None for plain text."""


def wrap_runs(runs: Iterable[Run], size: float, limit: float) -> list[list[Run]]:
    """Coloured text in lines no wider than `limit` pixels. Words are kept whole where they fit on a line."""
    lines: list[list[Run]] = [[]]
    x = 0.0
    for word, gap in _words(runs):
        wide = sum(width(text, size) for text, _ in word)
        space = width(" ", size) if gap and lines[-1] else 0.0
        if lines[-1] and gap and x + space + wide > limit:
            lines.append([])
            x = space = 0.0
        if space:
            before, after = lines[-1][-1][1], word[0][1]
            lines[-1].append((" ", before if before == after else None))
            x += space
        for text, mark in word:
            for i, piece in enumerate([text] if wide <= limit else _pieces(text, size, limit)):
                if i:
                    lines.append([])
                    x = 0.0
                lines[-1].append((piece, mark))
                x += width(piece, size)
    return lines


def _words(runs: Iterable[Run]) -> Iterator[tuple[list[Run], bool]]:
    """Words as lists of runs (a mark may end within a word), each with whether a space stands before it."""
    word: list[Run] = []
    gap = False
    for text, mark in runs:
        for part in re.split(r"(\s+)", text):
            if not part:
                continue
            if part.isspace():
                if word:
                    yield word, gap
                word, gap = [], True
            else:
                word.append((part, mark))
    if word:
        yield word, gap


def runs_at(x: float, y: float, runs: Iterable[Run], size: float, *, fill: str) -> str:
    """An SVG text element of coloured runs; marked ones are underlined."""
    merged: list[Run] = []
    for text, mark in runs:
        if merged and merged[-1][1] == mark:
            merged[-1] = (merged[-1][0] + text, mark)
        else:
            merged.append((text, mark))
    spans = "".join(
        escape(text)
        if mark is None
        else f'<tspan fill="{mark}" text-decoration="underline" class="fv-fault">{escape(text)}</tspan>'
        for text, mark in merged
    )
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{fill}" class="fv-text">{spans}</text>'
