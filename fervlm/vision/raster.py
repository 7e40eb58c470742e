"""SVG to PNG, alike on every machine: the font travels along, and no system font is used where it suffices."""

from __future__ import annotations

import atexit
import os
import re
import tempfile
import unicodedata
from contextlib import suppress
from functools import cache
from pathlib import Path

from fervlm.errors import FervlmError
from fervlm.vision.lettering import font_bytes

MOST_PIXELS = 60_000_000
"""A larger picture is drawn at a smaller zoom instead: 60 million pixels take 240 MB while drawing."""
_FOLDERS = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts",
    "/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts", "C:/Windows/Fonts",
)  # fmt: skip
_PREFERRED = (
    "DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial.ttf", "arial.ttf", "segoeui.ttf",
    "NotoSansCJK-Regular.ttc", "NotoSansSC-Regular.otf", "wqy-zenhei.ttc", "wqy-microhei.ttc", "PingFang.ttc",
    "Hiragino Sans GB.ttc", "msyh.ttc", "YuGothR.ttc", "malgun.ttf", "NotoSansArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf", "NotoSansDevanagari-Regular.ttf", "NotoSansThai-Regular.ttf", "Arial Unicode.ttf",
    "unifont.ttf",
)  # fmt: skip
_SIZE = re.compile(r'<svg[^>]*?\bwidth="([\d.]+)"[^>]*?\bheight="([\d.]+)"')


@cache
def _font_file() -> str:
    """The embedded font as a file (the renderer reads files only); removed when the process ends."""
    handle, name = tempfile.mkstemp(prefix="fervlm-", suffix=".ttf")
    with os.fdopen(handle, "wb") as stream:
        stream.write(font_bytes())

    def remove() -> None:
        with suppress(OSError):
            Path(name).unlink()

    atexit.register(remove)
    return name


@cache
def _system_fonts() -> tuple[str, ...]:
    """Usable system fonts, the plain sans-serif ones first."""
    found: dict[str, str] = {}
    for folder in _FOLDERS:
        for here, _, names in os.walk(Path(folder).expanduser()):
            for name in names:
                if name in _PREFERRED:
                    found.setdefault(name, str(Path(here, name)))
    return tuple(found[name] for name in _PREFERRED if name in found)


@cache
def _missing_glyph(font: str) -> bytes:
    return _glyph(font, "\U0010fffd")


def _glyph(font: str, char: str) -> bytes:
    from PIL import ImageFont

    return bytes(ImageFont.truetype(font, 24).getmask(char))


@cache
def _font_for(char: str) -> str | None:
    """The first font that has `char`; None where no font here has it."""
    for font in (_font_file(), *_system_fonts()):
        with suppress(OSError):
            if _glyph(font, char) != _missing_glyph(font):
                return font
    return None


@cache
def _drawable(char: str) -> str:
    """`char`, or its plain letters where no font here has it; a sign no font can draw stays and shows as a box."""
    if unicodedata.category(char) in {"Mn", "Cf", "Zs"} or _font_for(char) is not None:
        return char
    if unicodedata.category(char) == "Pd":
        return "-"
    plain = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return plain or char


def _with_fonts(svg: str) -> tuple[str, list[str]]:
    """The drawing with signs replaced that no font can draw, and the font files it needs."""
    foreign = {char for char in svg if ord(char) > 126}
    fonts = [_font_file()]
    if not foreign:
        return svg, fonts
    table = {ord(char): _drawable(char) for char in foreign}
    for char in sorted(foreign):
        font = _font_for(char)
        if font is not None and font not in fonts:
            fonts.append(font)
    return svg.translate(table), fonts


def _fitting(svg: str, zoom: float) -> float:
    size = _SIZE.search(svg)
    if size is None:
        return zoom
    pixels = float(size[1]) * float(size[2]) * zoom * zoom
    return zoom if pixels <= MOST_PIXELS else zoom * (MOST_PIXELS / pixels) ** 0.5


def png(svg: str, zoom: float = 2.0) -> bytes:
    """An SVG file as a PNG file.

    Args:
        svg: a whole SVG document; its `width` and `height` are its size in pixels at zoom 1.
        zoom: pixels per SVG pixel; lowered where the picture would exceed `MOST_PIXELS`.

    Raises:
        FervlmError: the text is no SVG that can be drawn.
    """
    import resvg_py

    prepared, fonts = _with_fonts(svg)
    try:
        data = resvg_py.svg_to_bytes(
            svg_string=prepared,
            zoom=_fitting(svg, zoom),
            font_files=fonts,
            skip_system_fonts=True,
            sans_serif_family="Aileron",
            font_family="Aileron",
        )
    except ValueError as error:
        raise FervlmError(f"the drawing cannot be turned into a PNG ({error})") from error
    return bytes(data)
