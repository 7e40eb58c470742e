"""SVG to PNG."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from fervlm.errors import FervlmError
from fervlm.reasoning.observe import observe
from fervlm.records import AURecord
from fervlm.vision import raster
from fervlm.vision.draw_face import HEIGHT, WIDTH, face_svg

MakeRecord = Callable[..., AURecord]

SQUARE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="40" height="30" fill="#fff"/>{}</svg>'
)
WORD = '<text x="4" y="22" font-size="18" font-family="Aileron">{}</text>'


def pixels(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def test_a_face_becomes_a_picture_of_its_size_with_its_colours(record: MakeRecord) -> None:
    given = record({12: 5})
    drawn = pixels(raster.png(face_svg(observe(given), given), zoom=1.5))
    assert drawn.size == (round(WIDTH * 1.5), round(HEIGHT * 1.5))
    red, green, blue = (np.asarray(band) for band in drawn.split())
    assert ((red > 130) & (green < 90) & (blue < 80)).sum() > 500


def test_the_same_drawing_gives_the_same_bytes(record: MakeRecord) -> None:
    given = record({12: 5, 1: 2})
    svg = face_svg(observe(given), given)
    assert raster.png(svg, zoom=1) == raster.png(svg, zoom=1)


def test_words_are_drawn_without_any_system_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raster, "_FOLDERS", ())
    raster._system_fonts.cache_clear()
    raster._font_for.cache_clear()
    raster._drawable.cache_clear()
    try:
        blank, word = (pixels(raster.png(SQUARE.format(t), zoom=2)) for t in ("", WORD.format("ink")))
        assert blank.tobytes() != word.tobytes()
        folded, plain = (raster.png(SQUARE.format(WORD.format(t))) for t in ("\u00fcb\u2013", "ub-"))
        assert folded == plain
    finally:
        raster._system_fonts.cache_clear()
        raster._font_for.cache_clear()
        raster._drawable.cache_clear()


def test_a_huge_drawing_is_made_smaller_instead_of_filling_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raster, "MOST_PIXELS", 1200)
    assert pixels(raster.png(SQUARE.format(""), zoom=10)).size == (40, 30)


def test_what_is_no_drawing_is_one_sentence() -> None:
    with pytest.raises(FervlmError, match="cannot be turned into a PNG"):
        raster.png("this is no svg")
