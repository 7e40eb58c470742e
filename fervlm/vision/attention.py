"""Where a model looked, drawn: the photograph with the face's box, the face with attention and action units on it,
one small picture for each unit, and the explanation beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fervlm.reasoning.observe import observe
from fervlm.records import Box, Prediction
from fervlm.vision import palette
from fervlm.vision.card import CARD_WIDTH, explanation
from fervlm.vision.crop import Square
from fervlm.vision.curves import Placing, Point
from fervlm.vision.draw_face import WIDTH, svg_document
from fervlm.vision.draw_labels import chip, column, labels_for, spread
from fervlm.vision.draw_legend import legend, notes, side_names
from fervlm.vision.draw_marks import Hand, Mark, Marks, marks_of
from fervlm.vision.draw_muscles import MUSCLES
from fervlm.vision.draw_shape import shape_of
from fervlm.vision.heat import faded, heat_svg, ramp_svg, smoothed
from fervlm.vision.lettering import text_at, width, wrap
from fervlm.vision.overlay import View, corners, framed, picture_part
from fervlm.vision.sentences import headline
from fervlm.vision.warp import warp_to

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from fervlm.vision.open_picture import OpenPicture

    Map = NDArray[np.floating]

_EYES, _APART, _MOUTH = 0.40, 0.357, 0.773
"""Height of the eyes, their distance and height of the mouth in a crop, as measured on the training pictures."""
_TOP, _GAP = 8.0, 12.0
_SMALL = 196.0
"""Height of the row with the photograph."""
_SIDE = 404.0
"""Side of the face's square in the large picture."""
_HIGH = 428.0
_COLUMN = 194.0
_PILL_ROW = 41.0
_TILE, _TILES = 98.0, 6
"""Side and number of the small pictures, one a unit."""


def attention_svg(
    picture: OpenPicture,
    prediction: Prediction,
    square: Square,
    looked: Mapping[int, Map],
    *,
    overall: Map | None = None,
    mirrored: bool = False,
    uid: str = "f",
) -> str:
    """One face of a photograph with where the model looked, as an SVG file.

    Args:
        picture: the photograph.
        prediction: of this face; its box, in pixels of the upright file, is marked on the photograph.
        square: what was cut out for the model, in pixels of the upright file.
        looked: action unit -> [g, g], 0 and up, row 0 at the top of the square: where the unit was sought.
        overall: [g, g], likewise for the whole answer; the mean of `looked` by default, each summing to 1.
        mirrored: the photograph is flipped: the subject's left is on the viewer's left.
        uid: prefix of the ids inside; must differ between drawings on one page. A letter first.

    Raises:
        FervlmError: a map that is not square, negative or not finite.
    """
    left, y, marks = _left_part(picture, prediction, square, looked, overall, mirrored, uid)
    left += legend(marks, y) + notes(observe(prediction.evidence), marks, y + 32)
    text, bottom = explanation(prediction, y + 72)
    rule = f'<path d="M{WIDTH - 6} 24V{bottom - 24}" stroke="{palette.HAIRLINE}" class="fv-rule"/>'
    title = f"{headline(prediction)[0]}, with where the model looked"
    return svg_document(left + rule + text, CARD_WIDTH, bottom, title=title)


def attention_figure(
    picture: OpenPicture,
    prediction: Prediction,
    square: Square,
    looked: Mapping[int, Map],
    *,
    uid: str = "f",
) -> str:
    """The photograph with where the model looked, without explanation and legend; arguments as for `attention_svg`."""
    left, y, _ = _left_part(picture, prediction, square, looked, None, False, uid)
    return svg_document(left, WIDTH, round(y), title="Where the model looked, drawn on the picture", paper=False)


def _left_part(
    picture: OpenPicture,
    prediction: Prediction,
    square: Square,
    looked: Mapping[int, Map],
    overall: Map | None,
    mirrored: bool,
    uid: str,
) -> tuple[str, float, Marks]:
    """The drawings, the height they reach, and the units on them."""
    from PIL import Image

    photo = Image.fromarray(picture.pixels)
    here = square.scaled(1 / picture.scale)
    record = prediction.evidence
    marks = marks_of(observe(record), record)
    box = prediction.box or record.box
    parts = [_top_row(photo, None if box is None else _scaled(box, 1 / picture.scale), here, uid)]
    y = _TOP + _SMALL + 30
    heat = _mean(looked) if overall is None else overall
    placing = _placing(prediction, picture.scale, here)
    parts.append(_looked_at(photo, here, y, heat, marks, placing, mirrored, uid))
    y += _HIGH + 18
    parts.append(side_names(12.0, WIDTH - 12.0, y, mirrored))
    parts.append(_scale(y + 12, heat, uid))
    drawn, y = _unit_tiles(photo, here, y + 38, marks, looked, uid)
    return "".join([*parts, drawn]), y, marks


def _scaled(box: Box, by: float) -> Box:
    return Box(x=box.x * by, y=box.y * by, width=box.width * by, height=box.height * by)


def _mean(looked: Mapping[int, Map]) -> Map | None:
    import numpy as np

    maps = [values / total for values in looked.values() if (total := float(values.sum())) > 0]
    return np.mean(maps, axis=0) if maps else None


def _caption(x: float, y: float, text: str) -> str:
    return text_at(x, y, text, 11.5, fill=palette.MUTE, css="fv-mute")


def _top_row(photo: Image.Image, box: Box | None, square: Square, uid: str) -> str:
    """The whole photograph with the face's box, and beside it the part that the model was given."""
    room = WIDTH - 24 - _SMALL - _GAP
    scale = min(room / photo.width, _SMALL / photo.height)
    wide, high = photo.width * scale, photo.height * scale
    view = View(scale, 12.0, _TOP)
    window = (12.0, _TOP, wide, high)
    out = framed(picture_part(photo, view, window), f"{uid}a", window)
    out += corners(box, view) if box is not None else ""
    x = 12 + max(wide, 190.0) + _GAP
    window = (x, _TOP, _SMALL, _SMALL)
    out += framed(picture_part(photo, _view(square, x, _TOP, _SMALL), window), f"{uid}b", window)
    under = _TOP + _SMALL + 15
    return (
        out + _caption(12.0, under, "The photograph, the face marked") + _caption(x, under, "What the model was given")
    )


def _view(square: Square, x: float, y: float, side: float) -> View:
    """Shows a square of the picture at `x`, `y`, `side` pixels large."""
    scale = side / square.side
    return View(scale, x - scale * (square.x - square.side / 2), y - scale * (square.y - square.side / 2))


def _placing(prediction: Prediction, scale: float, square: Square) -> Placing:
    """Canonical points (x < 0 on the viewer's left) to picture pixels: by landmarks, else by the crop's framing."""
    landmarks = prediction.evidence.landmarks
    warp = warp_to(landmarks) if landmarks is not None else None
    if warp is not None:
        return lambda point: (warp(point)[0] / scale, warp(point)[1] / scale)
    left, top, side = square.x - square.side / 2, square.y - square.side / 2, square.side
    across, along = _APART / 92, (_MOUTH - _EYES) / 113.6  # the drawn face's eyes are 92 apart, its mouth 113.6 below
    return lambda point: (left + side * (0.5 + across * point[0]), top + side * (_EYES + along * (point[1] + 18.6)))


def _looked_at(
    photo: Image.Image,
    square: Square,
    y: float,
    heat: Map | None,
    marks: Marks,
    placing: Placing,
    mirrored: bool,
    uid: str,
) -> str:
    """The face in grey under the attention, with the units' names."""
    window = (12.0, y, WIDTH - 24.0, _HIGH)
    x, top = (WIDTH - _SIDE) / 2, y + (_HIGH - _SIDE) / 2
    view = _view(square, x, top, _SIDE)
    out = framed(picture_part(faded(photo), view, window), f"{uid}c", window)
    if heat is not None:
        out += f'<g clip-path="url(#{uid}cphoto)">{heat_svg(heat, x, top, _SIDE)}</g>'
    out += (
        f'<rect x="{x:.1f}" y="{top:.1f}" width="{_SIDE:g}" height="{_SIDE:g}" rx="3" fill="none" stroke="#ffffff" '
        'stroke-opacity=".8" stroke-dasharray="4 4"/>'
    )
    rest = shape_of({})
    sign: dict[Hand, int] = {"left": -1 if mirrored else 1, "right": 1 if mirrored else -1}

    def anchor(au: int, hand: Hand) -> Point:
        across, down = MUSCLES[au](rest).anchor if au in MUSCLES else (80.0, -130.0)
        return view.at(placing((sign[hand] * across, down)))

    columns = labels_for(marks, anchor, "left" if mirrored else "right")
    for side, edge, on_left in ((columns[0], _COLUMN, True), (columns[1], WIDTH - _COLUMN, False)):
        row = spread(side, y + 8, y + _HIGH - 8, _PILL_ROW)
        out += column(side, edge, _COLUMN - 14, row, on_left=on_left, pill=True)
    return out


def _scale(y: float, heat: Map | None, uid: str) -> str:
    if heat is None:
        return _caption(12.0, y + 9, "Where the model looked is not known.")
    if not smoothed(heat).any():
        return _caption(12.0, y + 9, "The model looked everywhere alike.")
    before, after = "Where the model looked: little", "most; lines at 50 % and 80 % of the most"
    x = 12 + width(before, 11.5) + 8
    return _caption(12.0, y + 9, before) + ramp_svg(x, y, 120.0, uid) + _caption(x + 128, y + 9, after)


def _unit_tiles(
    photo: Image.Image, square: Square, y: float, marks: Marks, looked: Mapping[int, Map], uid: str
) -> tuple[str, float]:
    """A small picture for each present unit with a map, the strongest first; and the height reached."""
    best: dict[int, Mark] = {}
    for mark in marks.all:
        if mark.au in looked and (mark.au not in best or mark.amount > best[mark.au].amount):
            best[mark.au] = mark
    shown = sorted(best.values(), key=lambda mark: (-mark.amount, mark.au))[:_TILES]
    if not shown:
        return "", y
    grey, out, gap = faded(photo), [], (WIDTH - 24 - _TILES * _TILE) / (_TILES - 1)
    rows = 1
    for place, mark in enumerate(shown):
        x = 12.0 + place * (_TILE + gap)
        window = (x, y, _TILE, _TILE)
        name = f"{uid}u{place}"
        out.append(framed(picture_part(grey, _view(square, x, y, _TILE), window), name, window))
        out.append(f'<g clip-path="url(#{name}photo)">{heat_svg(looked[mark.au], x, y, _TILE, 0.7)}</g>')
        out.append(chip(mark, x, y + _TILE + 6))
        lines = wrap(mark.name, 10.5, _TILE + gap - 4)[:2]
        rows = max(rows, len(lines))
        out += [_small(x, y + _TILE + 37 + 12 * row, line) for row, line in enumerate(lines)]
    return "".join(out), y + _TILE + 42 + 12 * rows


def _small(x: float, y: float, text: str) -> str:
    return text_at(x, y, text, 10.5, fill=palette.MUTE, css="fv-mute")
