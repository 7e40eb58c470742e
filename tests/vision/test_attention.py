"""Where a model looked: colours and contours where the map is high, units named, on any skin, in the right place."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fervlm.errors import FervlmError
from fervlm.records import AURecord, Box, Prediction
from fervlm.vision.attention import attention_svg
from fervlm.vision.crop import Square
from fervlm.vision.heat import CONTOURS, FINE, coloured, heat_svg, smoothed
from fervlm.vision.open_picture import OpenPicture, open_picture
from fervlm.vision.raster import png

MakeRecord = Callable[..., AURecord]
MakePrediction = Callable[..., Prediction]
Floats = NDArray[np.float64]
SQUARE = Square(320, 200, 240)


def hill(x: float, y: float, cells: int = 8, wide: float = 0.15) -> Floats:
    """A map with one hill at (x, y), shares of the side."""
    down, across = (np.mgrid[:cells, :cells] + 0.5) / cells
    return np.asarray(np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * wide**2)))


def photograph(level: int = 160) -> OpenPicture:
    buffer = io.BytesIO()
    Image.new("RGB", (640, 480), (level, level, level)).save(buffer, "PNG")
    return open_picture(buffer.getvalue(), name="p.png")


@pytest.mark.parametrize(("x", "y"), [(0.25, 0.3), (0.7, 0.8), (0.5, 0.5)])
@pytest.mark.parametrize("cells", [6, 7, 12])
def test_a_smoothed_map_keeps_its_hill_where_it_is(x: float, y: float, cells: int) -> None:
    fine = smoothed(hill(x, y, cells))
    row, column = np.unravel_index(fine.argmax(), fine.shape)
    assert abs(column / FINE - x) < 0.06 and abs(row / FINE - y) < 0.06
    assert fine.max() == 1 and fine.min() >= 0
    assert np.abs(np.diff(fine, axis=0)).max() < 0.05


def test_the_corner_is_not_pulled_inwards() -> None:
    corner = np.zeros((8, 8))
    corner[0, 7] = 1
    fine = smoothed(corner)
    assert fine[:16, -16:].min() > 0.6
    assert fine[FINE // 2 :].max() < 0.01


@pytest.mark.parametrize("wrong", [np.zeros((3, 4)), np.zeros((0, 0)), np.ones(9), np.full((4, 4), np.nan), -np.eye(4)])
def test_what_is_no_map_is_one_sentence(wrong: Floats) -> None:
    with pytest.raises(FervlmError, match="an attention map"):
        smoothed(wrong)


@pytest.mark.parametrize("ground", [25, 60, 110, 170, 225])
def test_the_ramp_grows_lighter_and_yellower_on_every_ground(ground: int) -> None:
    """The high end stands out from the low end in lightness, and along blue and yellow, on any skin."""
    stops = np.linspace(0, 1, 64)[None].repeat(64, axis=0)
    layer = np.asarray(Image.open(io.BytesIO(coloured(stops))).convert("RGBA"), dtype=float)[0]
    veil = layer[:, 3:] / 255
    seen = ground * (1 - veil) + layer[:, :3] * veil
    yellow = seen[:, :2].mean(axis=1) - seen[:, 2]
    assert veil[0] == 0
    assert (np.diff(yellow[24:]) >= -0.5).all() and yellow[-1] - yellow[24] > 70
    assert seen[-1, :2].mean() - seen[24, :2].mean() > 20
    assert np.abs(seen[-1] - ground).max() > 60


def contours(svg: str) -> list[Floats]:
    """The points of each contour level, light lines only."""
    found = re.findall(r'<path d="([^"]+)" fill="none" stroke="#ffffff"', svg)
    return [np.array([float(v) for v in re.findall(r"-?\d+\.\d", data)]).reshape(-1, 2) for data in found]


def test_contours_run_where_the_map_has_their_share() -> None:
    lines = contours(heat_svg(hill(0.5, 0.4, 16, 0.2), 100, 50, 200))
    assert len(lines) == len(CONTOURS)
    for line, share in zip(lines, CONTOURS, strict=True):
        radius = np.hypot(*(line - (200, 130)).T)
        wanted = 200 * 0.2 * np.sqrt(-2 * np.log(share))
        assert np.abs(radius - wanted).max() < 0.15 * wanted + 3


def test_units_have_their_pictures_and_names(
    record: MakeRecord, prediction: MakePrediction, look: Callable[[str], Any]
) -> None:
    seen = prediction(record({6: 3, 12: 4, 4: 0, 1: 2}), box=Box(x=240, y=110, width=160, height=180))
    maps = {6: hill(0.3, 0.5), 12: hill(0.5, 0.8)}
    drawing = look(attention_svg(photograph(), seen, SQUARE, maps))
    assert drawing.size[0] == 1240
    assert len(drawing.groups("fv-heat")) == 1 + len(maps)
    named = {group.get("data-au") for group in drawing.groups("fv-label")}
    assert named == {"1", "6", "12"}
    for words in ("The photograph, the face marked", "What the model was given", "subject's right", "happiness"):
        assert words in drawing.text


def heat_place(svg: str) -> tuple[float, float, float, Floats]:
    """Left, top, side and RGBA of the large attention layer."""
    group = re.search(r'<g class="fv-heat"><image x="([\d.]+)" y="([\d.]+)" width="([\d.]+)".*?base64,([^"]+)"', svg)
    assert group is not None
    layer = np.asarray(Image.open(io.BytesIO(base64.b64decode(group[4]))).convert("RGBA"), dtype=float)
    return float(group[1]), float(group[2]), float(group[3]), layer


def test_units_lie_on_the_hills_that_found_them(record: MakeRecord, prediction: MakePrediction) -> None:
    """Attention at the subject's left mouth corner: the leader of AU 12 there ends on the bright part."""
    seen = prediction(record({12: (4, 0)}))
    svg = attention_svg(photograph(), seen, SQUARE, {12: hill(0.68, 0.72)})
    left, top, side, layer = heat_place(svg)
    label = re.search(r'data-au="12" class="fv-label">.*?<circle cx="([\d.]+)" cy="([\d.]+)"', svg)
    assert label is not None
    x, y = (float(label[1]) - left) / side, (float(label[2]) - top) / side
    assert layer[int(y * FINE), int(x * FINE), 3] > 0.5 * layer[..., 3].max()
    mirrored = attention_svg(photograph(), seen, SQUARE, {12: hill(0.68, 0.72)}, mirrored=True)
    other = re.search(r'data-au="12" class="fv-label">.*?<circle cx="([\d.]+)"', mirrored)
    assert other is not None and (float(other[1]) - left) / side == pytest.approx(1 - x, abs=0.01)


def test_the_mean_weighs_every_unit_alike(record: MakeRecord, prediction: MakePrediction) -> None:
    maps = {6: hill(0.2, 0.2), 12: 50 * hill(0.8, 0.8)}
    svg = attention_svg(photograph(), prediction(record({6: 3, 12: 4})), SQUARE, maps)
    veil = heat_place(svg)[3][..., 3]
    assert veil[: FINE // 2, : FINE // 2].max() == pytest.approx(veil[FINE // 2 :, FINE // 2 :].max(), abs=2)
    own = attention_svg(photograph(), prediction(record({6: 3})), SQUARE, maps, overall=hill(0.5, 0.5))
    assert np.unravel_index(heat_place(own)[3][..., 3].argmax(), (FINE, FINE)) == pytest.approx((128, 128), abs=16)


def test_without_maps_and_with_an_even_one_that_is_said(record: MakeRecord, prediction: MakePrediction) -> None:
    seen = prediction(record({12: 4}))
    none = attention_svg(photograph(), seen, SQUARE, {})
    assert "Where the model looked is not known." in none and "fv-heat" not in none
    even = attention_svg(photograph(), seen, SQUARE, {}, overall=np.ones((5, 5)))
    assert "The model looked everywhere alike." in even and "fv-heat" not in even


def test_a_picture_read_small_is_drawn_like_the_large_one(record: MakeRecord, prediction: MakePrediction) -> None:
    """Box and square count in the file's pixels, whatever the working size."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
    large = np.asarray(Image.fromarray(small).resize((640, 480), Image.Resampling.BICUBIC))
    half = np.asarray(Image.fromarray(large).resize((320, 240), Image.Resampling.BOX))
    seen = prediction(record({12: 4}), box=Box(x=240, y=110, width=160, height=180))
    drawn = [
        np.asarray(
            Image.open(io.BytesIO(png(attention_svg(one, seen, SQUARE, {12: hill(0.5, 0.8)}), 0.5))).convert("L")
        )
        for one in (OpenPicture(large, "p"), OpenPicture(half, "p", scale=2.0))
    ]
    assert drawn[0].shape == drawn[1].shape
    assert np.abs(drawn[0].astype(int) - drawn[1]).mean() < 2.5


def test_the_figure_is_a_png(record: MakeRecord, prediction: MakePrediction) -> None:
    svg = attention_svg(photograph(), prediction(record({12: 4})), Square(10, 470, 300), {12: hill(0.5, 0.8)})
    picture = Image.open(io.BytesIO(png(svg, 1.0)))
    assert picture.width == 1240 and picture.height > 600
