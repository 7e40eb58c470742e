"""Photographs for analysis: upright RGB at a working size, with remarks; whatever is not sound is one sentence."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fervlm.errors import FervlmError
from fervlm.records import Box
from fervlm.vision import picture
from fervlm.vision.open_picture import open_picture

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 190, 40), (30, 40, 220), (235, 235, 235)


def quarters(wide: int = 48, high: int = 32) -> Image.Image:
    """Red and green above, blue and white below: tells every turn and flip apart."""
    values = np.empty((high, wide, 3), dtype=np.uint8)
    values[: high // 2, : wide // 2], values[: high // 2, wide // 2 :] = RED, GREEN
    values[high // 2 :, : wide // 2], values[high // 2 :, wide // 2 :] = BLUE, WHITE
    return Image.fromarray(values)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def corners(pixels: np.ndarray) -> list[tuple[int, ...]]:
    """The nearest named colour at each corner, row by row."""
    high, wide = pixels.shape[:2]
    palette = np.array([RED, GREEN, BLUE, WHITE])
    places = [(y, x) for y in (high // 8, high - high // 8 - 1) for x in (wide // 8, wide - wide // 8 - 1)]
    return [tuple(palette[np.abs(palette - pixels[at].astype(int)).sum(axis=1).argmin()]) for at in places]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_in_upright(orientation: int) -> None:
    """The file is stored turned in the way its tag says; undone, all eight look the same."""
    stored = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    image = quarters() if stored is None else quarters().transpose(stored)
    exif = Image.Exif()
    exif[0x0112] = orientation
    got = open_picture(saved(image, "JPEG", exif=exif, quality=95, subsampling=0))
    assert got.pixels.shape == (32, 48, 3)
    assert corners(got.pixels) == [RED, GREEN, BLUE, WHITE]


def test_turning_and_reading_small_go_together() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = quarters(960, 640).transpose(Image.Transpose.ROTATE_90)
    got = open_picture(saved(turned, "JPEG", exif=exif, quality=95), most_side=200)
    assert got.pixels.shape == (133, 200, 3)
    assert corners(got.pixels) == [RED, GREEN, BLUE, WHITE]
    assert got.scale == pytest.approx(960 / 200)


@pytest.mark.parametrize("mode", ["RGB", "CMYK", "L", "P", "RGBA", "LA", "1", "I;16"])
def test_every_colour_space_becomes_rgb(mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray((np.asarray(quarters().convert("L")).astype(np.uint16)) * 257)
    else:
        image = quarters().convert(mode)
    kind = "JPEG" if mode == "CMYK" else "TIFF" if mode == "I;16" else "PNG"
    got = open_picture(saved(image, kind))
    assert got.pixels.dtype == np.uint8
    assert got.pixels.shape == (32, 48, 3)
    assert got.pixels.flags.c_contiguous
    if mode in {"RGB", "CMYK", "RGBA", "P"}:
        assert corners(got.pixels) == [RED, GREEN, BLUE, WHITE]
    elif mode in {"L", "LA", "I;16"}:
        wanted = np.asarray(quarters().convert("L")).astype(int)
        assert np.abs(got.pixels[..., 1].astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_pictures_the_first_is_taken_and_that_is_said(kind: str) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in (RED, GREEN, BLUE)]
    got = open_picture(saved(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert np.abs(got.pixels[10, 10].astype(int) - RED).max() < 30
    assert got.notes == ("The file holds 3 pictures; the first one was taken.",)


def test_one_picture_at_its_own_size_needs_no_note() -> None:
    got = open_picture(saved(quarters(), "PNG"))
    assert (got.notes, got.scale) == ((), 1.0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_picture_is_read_at_the_working_size(kind: str) -> None:
    got = open_picture(saved(quarters(3000, 2000), kind), most_side=500)
    assert got.pixels.shape == (333, 500, 3)
    assert corners(got.pixels) == [RED, GREEN, BLUE, WHITE]
    assert got.in_file(Box(x=10, y=20, width=30, height=40)) == Box(x=60, y=120, width=180, height=240)
    assert got.notes == ("Its 3000\u00d72000 pixels were read at 17% of that size.",)


def test_a_jpeg_file_is_never_unpacked_in_full_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the decoder hands over is an eighth already; shrinking afterwards would cost the whole picture."""
    sizes: list[tuple[int, int]] = []
    real = picture.decoded

    def watched(header: Image.Image, called: str) -> Image.Image:
        out = real(header, called)
        sizes.append(out.size)
        return out

    monkeypatch.setattr("fervlm.vision.open_picture.decoded", watched)
    open_picture(saved(quarters(4000, 3000), "JPEG"), most_side=500)
    assert sizes == [(500, 375)]


def test_all_pixels_on_request() -> None:
    assert open_picture(saved(quarters(3000, 20), "JPEG"), most_side=None).pixels.shape == (20, 3000, 3)


def test_heic_is_read_where_its_package_is_installed() -> None:
    heif = pytest.importorskip("pillow_heif", reason="the extra 'image' is not installed")
    heif.register_heif_opener()
    data = saved(quarters(64, 48), "HEIF", quality=90)
    got = open_picture(data)
    assert got.pixels.shape == (48, 64, 3)
    assert corners(got.pixels) == [RED, GREEN, BLUE, WHITE]


def test_the_content_decides_and_not_the_ending(tmp_path: Path) -> None:
    file = tmp_path / "holiday.gif"
    file.write_bytes(saved(quarters(), "WEBP", lossless=True))
    got = open_picture(file)
    assert corners(got.pixels) == [RED, GREEN, BLUE, WHITE]
    assert got.name == str(file)


def bomb(wide: int, high: int) -> bytes:
    """A PNG file of a few hundred bytes that would unpack to `wide` by `high` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", wide, high, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(9_000_000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(100_000, 100_000), (12_000, 7_000), (9_500, 9_200)])
def test_a_bomb_is_refused_before_it_is_unpacked(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    def never(header: Image.Image, called: str) -> Image.Image:
        raise AssertionError("unpacked")

    monkeypatch.setattr("fervlm.vision.open_picture.decoded", never)
    with pytest.raises(FervlmError, match=r"bomb\.png: the picture unpacks to .* over the limit of 80 million"):
        open_picture(bomb(*size), name="bomb.png")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the picture is empty"),
        (saved(Image.new("RGB", (1, 1)), "PNG"), "only 1\u00d71 pixels; no face"),
        (saved(quarters(400, 300), "JPEG")[:900], "cut off before its end"),
        (saved(quarters(400, 300), "PNG")[:300], "the picture (is damaged|file is cut off)"),
        (b"AU01_r, AU02_r\n0.1, 0.2\n", "is not a picture"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "is not a picture|is damaged"),
    ],
)
def test_each_bad_file_is_one_sentence(data: bytes, says: str) -> None:
    with pytest.raises(FervlmError, match=says) as caught:
        open_picture(data, name="p.jpg")
    assert str(caught.value).startswith("p.jpg: ")
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(FervlmError, match="cannot be read"):
        open_picture(tmp_path)
