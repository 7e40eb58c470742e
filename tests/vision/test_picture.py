"""Picture files: whatever is sound comes in upright, whatever is not is one sentence."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fervlm.errors import FervlmError, MissingExtraError
from fervlm.vision import picture
from fervlm.vision.picture import load_picture


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def halves(mode: str = "RGB", size: tuple[int, int] = (40, 24)) -> Image.Image:
    """Left half red (or black), right half blue (or white): tells whether a picture is turned."""
    image = Image.new("RGB", size, "#0000ff" if mode != "L" else "white")
    image.paste("#ff0000" if mode != "L" else "black", (0, 0, size[0] // 2, size[1]))
    return image.convert(mode)


def near(pixel: object, wanted: tuple[int, int, int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(int(a) - b) < 40 for a, b in zip(pixel, wanted, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM"])
def test_usual_kinds_come_in_as_rgb(kind: str) -> None:
    loaded = load_picture(encoded(halves(), kind))
    assert (loaded.mode, loaded.size) == ("RGB", (40, 24))
    assert near(loaded.getpixel((4, 12)), (255, 0, 0))
    assert near(loaded.getpixel((36, 12)), (0, 0, 255))


def test_the_content_decides_and_not_the_name(tmp_path: object) -> None:
    file = tmp_path / "photo.jpg"  # type: ignore[operator]
    file.write_bytes(encoded(halves(), "PNG"))
    assert load_picture(file).size == (40, 24)
    file.write_text("AU01,AU02\n1,0\n")
    with pytest.raises(FervlmError, match=r"photo\.jpg: is not a picture \(its content looks like text\)"):
        load_picture(file)


@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, (4, 4)), (2, (36, 4)), (3, (36, 20)), (6, (12, 4)), (8, (12, 36))]
)
def test_exif_orientation_is_applied(orientation: int, corner: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    loaded = load_picture(encoded(halves(), "JPEG", exif=exif, quality=95))
    assert loaded.size == ((40, 24) if orientation < 5 else (24, 40))
    assert near(loaded.getpixel(corner), (255, 0, 0))


def test_broken_exif_leaves_the_picture_as_it_is() -> None:
    data = encoded(halves(), "JPEG")
    block = b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff"
    broken = data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]
    assert load_picture(broken).size == (40, 24)


def test_cmyk_becomes_the_same_colours() -> None:
    loaded = load_picture(encoded(halves("CMYK"), "JPEG", quality=95))
    assert loaded.mode == "RGB"
    assert near(loaded.getpixel((4, 12)), (255, 0, 0))


@pytest.mark.parametrize("top", [255, 1023, 4095, 65535])
def test_deep_grey_keeps_its_range(top: int) -> None:
    values = np.tile(np.linspace(0, top, 32).astype(np.uint16), (16, 1))
    loaded = load_picture(encoded(Image.fromarray(values), "PNG" if top > 255 else "TIFF"))
    assert loaded.mode == "L"
    assert loaded.getpixel((0, 8)) == 0
    assert loaded.getpixel((31, 8)) == 255
    middle = loaded.getpixel((16, 8))
    assert isinstance(middle, int | float) and 120 <= middle <= 140


def test_float_pictures_are_scaled_and_non_finite_ones_refused() -> None:
    values = np.tile(np.linspace(0, 1, 32, dtype=np.float32), (16, 1))
    assert load_picture(encoded(Image.fromarray(values), "TIFF")).getpixel((31, 8)) == 255
    values[3, 3] = np.nan
    with pytest.raises(FervlmError, match="not finite"):
        load_picture(encoded(Image.fromarray(values), "TIFF"))


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (20, 20), (10, 20, 30, 0))
    assert load_picture(encoded(clear, "PNG")).getpixel((5, 5)) == (255, 255, 255)
    assert load_picture(encoded(halves("L"), "PNG")).mode == "L"
    assert load_picture(encoded(halves().convert("1"), "PNG")).mode == "L"


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert near(load_picture(data).getpixel((8, 8)), (255, 0, 0))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
def test_a_cut_off_file_is_one_sentence(kind: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    data = encoded(noise, kind)
    for share in (0.3, 0.7):
        with pytest.raises(FervlmError, match=r"p\.img: (the picture|is not a picture)") as caught:
            load_picture(data[: int(len(data) * share)], name="p.img")
        assert str(caught.value).count("\n") == 0


def test_a_decompression_bomb_is_refused_before_it_is_unpacked() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
    with pytest.raises(FervlmError, match="over the limit of 80 million"):
        load_picture(bomb)


def test_just_over_the_limit_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "MOST_PIXELS", 900)
    with pytest.raises(FervlmError, match="40\u00d724 pixels"):
        load_picture(encoded(halves(), "PNG"))


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (7, 7)])
def test_too_small_to_hold_a_face(size: tuple[int, int]) -> None:
    with pytest.raises(FervlmError, match=f"only {size[0]}\u00d7{size[1]} pixels; no face"):
        load_picture(encoded(Image.new("RGB", size), "PNG"))


def test_heic_names_the_extra_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    data = struct.pack(">I", 24) + b"ftypheic" + bytes(200)
    with pytest.raises(MissingExtraError, match=r"pip install 'fervlm\[image\]'"):
        load_picture(data, name="p.heic")


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "the picture is empty"), (b"\x00\x01\x02" * 50, "no known kind"), (b"<!doctype html><html>", "a web page")],
)
def test_what_is_no_picture_is_one_sentence(data: bytes, says: str) -> None:
    with pytest.raises(FervlmError, match=says):
        load_picture(data)


def test_a_missing_file_is_one_sentence(tmp_path: object) -> None:
    with pytest.raises(FervlmError, match="cannot be read"):
        load_picture(tmp_path / "none.png")  # type: ignore[operator]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP"]), st.data())
def test_damage_gives_a_picture_or_a_sentence(kind: str, data: st.DataObject) -> None:
    sound = bytearray(encoded(halves(), kind))
    for _ in range(data.draw(st.integers(1, 12))):
        sound[data.draw(st.integers(0, len(sound) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert load_picture(bytes(sound)).mode in {"L", "RGB"}
    except FervlmError as error:
        assert "\n" not in str(error)
