"""Picture files in: what a camera or a program wrote becomes an upright grey or RGB picture, or one clear sentence."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from fervlm.errors import FervlmError, MissingExtraError

if TYPE_CHECKING:
    from PIL import Image

MOST_PIXELS = 80_000_000
"""A file that unpacks to more is refused before it is unpacked: it may be a decompression bomb."""
LEAST_SIDE = 8
"""Pixels; no face can be seen in less."""
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "JPEG2000", "AVIF")
"""What is decoded; named, because Pillow would also start other programs for some formats (EPS)."""
_USUAL = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
"""How JPEG and PNG files begin."""
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_DEPTHS = (8, 10, 12, 14, 16, 32)
_TIMES = "\u00d7"


def load_picture(source: bytes | str | Path, *, name: str | None = None) -> Image.Image:
    """An upright picture of mode `L` or `RGB`, 8 bits a channel.

    The content decides what it is, not the file's ending. EXIF orientation is applied; CMYK, palettes and other colour
    spaces become RGB; transparency is laid on white; 16-bit and float grey is scaled to 8 bits by the smallest usual
    bit depth that holds its brightest pixel; of an animation or a file of several pages, the first is taken.

    Args:
        source: the encoded picture, or its path.
        name: what to call it in an error; the path by default.

    Raises:
        FervlmError: no picture, damaged, cut off, too large (over `MOST_PIXELS`) or too small (under `LEAST_SIDE`).
        MissingExtraError: HEIC without the extra `image`.
    """
    called = name or (str(source) if not isinstance(source, bytes) else "picture")
    data = source if isinstance(source, bytes) else bytes_of(Path(source), called)
    return decoded(opened(data, called), called)


def bytes_of(path: Path, called: str) -> bytes:
    """A picture file's content; `FervlmError` where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FervlmError(f"the picture cannot be read ({error.strerror or error})", file=called) from None


def opened(data: bytes, called: str) -> Image.Image:
    """The file's header understood, its pixels not yet unpacked; errors as for `load_picture`."""
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise FervlmError("the picture is empty", file=called)
    Image.preinit()
    if not data.startswith(_USUAL):
        Image.init()  # all formats: a tenth of a second more
    formats = [name for name in FORMATS if name in Image.OPEN]
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        formats.append(_heic_reader())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a decoder's remark on odd metadata is no concern of the user
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large(called, None) from None
    except UnidentifiedImageError:
        raise FervlmError(
            f"is not a picture ({_seems(data)})",
            file=called,
            hint="Give a JPEG, PNG, WebP, TIFF, GIF, BMP or AVIF file.",
        ) from None
    except Exception as error:  # decoders raise whatever they like on damaged headers
        raise FervlmError(f"the picture is damaged ({_reason(error)})", file=called) from None
    if picture.width * picture.height > MOST_PIXELS:
        raise _too_large(called, picture.size)
    if min(picture.size) < LEAST_SIDE:
        wide, high = picture.size
        raise FervlmError(f"the picture has only {wide}{_TIMES}{high} pixels; no face can be seen in it", file=called)
    return picture


def _heic_reader() -> str:
    try:
        import pillow_heif
    except ImportError:
        raise MissingExtraError("A HEIC picture", "image") from None
    pillow_heif.register_heif_opener()
    return "HEIF"


def _seems(data: bytes) -> str:
    head = data[:512]
    if b"\x00" in head or sum(byte < 9 for byte in head):
        return "its content is of no known kind"
    kind = "a web page" if b"<html" in head.lower() or b"<!doctype html" in head.lower() else "text"
    return f"its content looks like {kind}"


def _too_large(called: str, size: tuple[int, int] | None) -> FervlmError:
    what = f"{size[0]}{_TIMES}{size[1]} pixels" if size else "far too many pixels"
    return FervlmError(
        f"the picture unpacks to {what}, over the limit of {MOST_PIXELS // 1_000_000} million",
        file=called,
        hint="Scale it down first.",
    )


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")[:120] or type(error).__name__


def decoded(picture: Image.Image, called: str) -> Image.Image:
    """The first frame's pixels, 8-bit grey or RGB and upright; errors as for `load_picture`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture.seek(0)
            picture.load()
            return _upright(_converted(picture, called), picture)
    except FervlmError:
        raise
    except Exception as error:  # see above; a cut-off file is the common case
        cut = "truncated" in str(error).lower() or "unexpected end" in str(error).lower() or isinstance(error, EOFError)
        what = "the picture file is cut off before its end" if cut else f"the picture is damaged ({_reason(error)})"
        raise FervlmError(what, file=called) from None


def _converted(picture: Image.Image, called: str) -> Image.Image:
    from PIL import Image

    if picture.mode in {"L", "RGB"} and "transparency" not in picture.info:
        return picture.copy()
    if picture.mode == "1":
        return picture.convert("L")
    if picture.mode.startswith("I") or picture.mode == "F":
        return _eight_bit(picture, called)
    if picture.mode in {"RGBA", "LA", "PA", "La", "RGBa", "P"} or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        ground = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(ground, layered).convert("L" if picture.mode in {"L", "LA", "La"} else "RGB")
    return picture.convert("RGB")


def _eight_bit(picture: Image.Image, called: str) -> Image.Image:
    """Deep grey as 8-bit grey."""
    import numpy as np
    from PIL import Image

    values = np.asarray(picture, dtype=np.float64)
    if not np.isfinite(values).all():
        raise FervlmError("the picture holds numbers that are not finite", file=called)
    low, high = float(values.min()), float(values.max())
    if picture.mode == "F" and low >= 0 and high <= 1:
        scaled = values * 255
    elif low < 0:
        scaled = (values - low) * (255 / ((high - low) or 1.0))
    else:
        top = next((2**bits - 1 for bits in _DEPTHS if high < 2**bits), high)
        scaled = values * (255 / top)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _upright(converted: Image.Image, original: Image.Image) -> Image.Image:
    from PIL import Image

    try:
        orientation = original.getexif().get(0x0112, 1)
    except Exception:  # unreadable metadata: the picture itself is sound
        return converted
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(orientation)
    return converted if turn is None else converted.transpose(turn)
