"""Crops: what is cut out, where it lies in the crop, what stands beyond the border."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fervlm.errors import FervlmError
from fervlm.records import Box
from fervlm.vision.crop import LETTERBOX, Framing, Square, centre_square, crop_faces, whole_square

U8 = NDArray[np.uint8]


def ramps(wide: int = 200, high: int = 160) -> U8:
    """Red tells x, green tells y, blue is 7: every pixel says where it comes from."""
    y, x = np.mgrid[:high, :wide]
    return np.stack([x, y, np.full_like(x, 7)], axis=-1).astype(np.uint8)


def places(square: Square, side: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ramps' values at the middles of a crop's pixels: x along columns, y along rows."""
    steps = (np.arange(side) + 0.5) * square.side / side
    return square.x - square.side / 2 + steps - 0.5, square.y - square.side / 2 + steps - 0.5


@pytest.mark.parametrize("side", [16, 48, 64, 224])
@pytest.mark.parametrize("square", [Square(100, 80, 96), Square(60.3, 71.8, 51.7), Square(120.5, 80.5, 133)])
def test_a_crop_shows_its_square_and_nothing_else(square: Square, side: int) -> None:
    crop = crop_faces(ramps(), [square], side)[0]
    x, y = places(square, side)
    inner = slice(1, -1)
    off_x = np.abs(crop[inner, inner, 0] - x[None, inner])
    off_y = np.abs(crop[inner, inner, 1] - y[inner, None])
    assert crop.shape == (side, side, 3)
    assert max(off_x.max(), off_y.max()) <= 1.3  # half a pixel of snapping where shrunk, half of rounding
    assert (crop[..., 2] == 7).all()


@given(st.floats(20, 180), st.floats(20, 140), st.floats(8, 400), st.sampled_from([8, 24, 48, 96]), st.booleans())
@settings(max_examples=120, deadline=None)
def test_any_square_over_the_border_repeats_the_edge(x: float, y: float, size: float, side: int, grey: bool) -> None:
    square = Square(x, y, size)
    crop = crop_faces(ramps(), [square], side, grey=grey)[0]
    assert crop.shape == ((side, side) if grey else (side, side, 3))
    if grey:
        return
    at_x, at_y = places(square, side)
    # An output pixel averages over a step and may be placed by half a step where the border was added afterwards.
    room = 1.5 + size / side
    assert np.abs(crop[..., 0] - np.clip(at_x, 0, 199)[None]).max() <= room
    assert np.abs(crop[..., 1] - np.clip(at_y, 0, 159)[:, None]).max() <= room


def test_left_stays_left() -> None:
    crop = crop_faces(ramps(), [Square(100, 80, 100)], 32)[0].astype(int)
    assert (np.diff(crop[..., 0], axis=1) > 0).all()
    assert (np.diff(crop[..., 1], axis=0) > 0).all()


def test_shrinking_averages_and_does_not_pick() -> None:
    """A fine chequered pattern becomes grey; picked pixels would stay black or white or form stripes."""
    y, x = np.mgrid[:300, :300]
    board = (((x + y) % 2) * 255).astype(np.uint8)
    for square in (Square(150, 150, 240), Square(150, 150, 171), Square(140.4, 151.3, 133.7)):
        crop = crop_faces(board, [square], 48, grey=True)[0]
        assert np.abs(crop.astype(int) - 127).max() <= 30, square
        assert abs(float(crop.mean()) - 127.5) < 1.5


def test_enlarging_is_smooth() -> None:
    edge = np.zeros((40, 40), dtype=np.uint8)
    edge[:, 20:] = 200
    row = crop_faces(edge, [Square(20, 20, 10)], 100, grey=True)[0][50].astype(int)
    assert np.abs(np.diff(row)).max() < 60
    assert row[0] < 5 and row[-1] > 195


def test_many_squares_of_one_picture_equal_each_alone() -> None:
    squares = [Square(40, 50, 30), Square(150, 100, 90), Square(10, 10, 44)]
    together = crop_faces(ramps(), squares, 48)
    assert together.shape == (3, 48, 48, 3)
    for crop, square in zip(together, squares, strict=True):
        assert (crop == crop_faces(ramps(), [square], 48)[0]).all()
    assert crop_faces(ramps(), [], 48).shape == (0, 48, 48, 3)


def test_grey_is_the_usual_luma_and_grey_pictures_come_out_as_rgb() -> None:
    colour = np.full((50, 50, 3), (200, 100, 50), dtype=np.uint8)
    grey = crop_faces(colour, [Square(25, 25, 30)], 10, grey=True)
    assert grey.shape == (1, 10, 10)
    assert np.abs(grey.astype(float) - (0.299 * 200 + 0.587 * 100 + 0.114 * 50)).max() <= 1
    back = crop_faces(np.full((50, 50), 90, dtype=np.uint8), [Square(25, 25, 30)], 10)
    assert back.shape == (1, 10, 10, 3) and (back == 90).all()


def test_the_whole_picture_as_a_face() -> None:
    wide = ramps(200, 100)
    middle = crop_faces(wide, [centre_square(200, 100)], 50)[0]
    assert 49 <= middle[25, 0, 0] <= 52 and 147 <= middle[25, -1, 0] <= 150
    boxed = crop_faces(wide, [whole_square(200, 100)], 50, bars=True)[0]
    assert (boxed[:12] == LETTERBOX).all() and (boxed[-12:] == LETTERBOX).all()
    assert (boxed[13:37, :, 2] == 7).all()
    assert boxed[25, 0, 0] <= 3 and boxed[25, -1, 0] >= 196


def test_bars_also_where_a_small_picture_is_enlarged() -> None:
    boxed = crop_faces(np.full((10, 20, 3), 7, dtype=np.uint8), [whole_square(20, 10)], 80, bars=True)[0]
    # The picture is rows 20 to 60; the interpolation reaches two of its pixels, eight rows here, to either side.
    assert (boxed[:12] == LETTERBOX).all() and (boxed[-12:] == LETTERBOX).all()
    assert (boxed[28:52, 8:-8] == 7).all()


def test_a_huge_square_takes_no_more_memory_than_its_crop() -> None:
    crop = crop_faces(ramps(), [Square(100, 80, 5e7)], 48)[0]
    assert crop.shape == (48, 48, 3)
    thin = np.zeros((8, 40_000, 3), dtype=np.uint8)
    assert crop_faces(thin, [whole_square(40_000, 8)], 64, bars=True).shape == (1, 64, 64, 3)


@pytest.mark.parametrize(
    ("square", "says"),
    [
        (Square(10, 10, 0), "has no size"),
        (Square(float("nan"), 10, 20), "has no size"),
        (Square(10, 10, float("inf")), "has no size"),
        (Square(-50, 10, 20), "outside its picture of 200\u00d7160 pixels"),
        (Square(100, 500, 20), "outside its picture"),
    ],
)
def test_a_square_that_shows_nothing_is_one_sentence(square: Square, says: str) -> None:
    with pytest.raises(FervlmError, match=says):
        crop_faces(ramps(), [square], 48)


def test_framing_shifts_and_grows_in_box_sides() -> None:
    square = Framing(right=0.1, down=-0.2, grow=1.5).square(Box(x=100, y=200, width=40, height=60))
    assert square == Square(125, 220, 75)
    box = Box(x=87.5, y=182.5, width=75, height=75)
    assert square.box == box
    assert square.scaled(2).box == Box(x=175, y=365, width=150, height=150)
