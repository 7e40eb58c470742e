"""A photograph with its evidence drawn on it: muscles laid on the face by its landmarks, the explanation beside it."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fervlm.reasoning.observe import observe
from fervlm.records import Box, Prediction
from fervlm.vision import palette
from fervlm.vision.card import CARD_WIDTH, explanation
from fervlm.vision.curves import Placing, Point
from fervlm.vision.draw_face import (
    BARE_HEIGHT,
    HEIGHT,
    WIDTH,
    face_body,
    face_figure,
    muscle_svg,
    muscles_on,
    svg_document,
)
from fervlm.vision.draw_labels import column, labels_for, spread
from fervlm.vision.draw_legend import legend, notes, side_names
from fervlm.vision.draw_marks import Hand, Marks, marks_of
from fervlm.vision.draw_muscles import MUSCLES
from fervlm.vision.draw_shape import shape_of
from fervlm.vision.picture import load_picture
from fervlm.vision.sentences import headline
from fervlm.vision.warp import warp_to

if TYPE_CHECKING:
    from PIL import Image

PHOTO_HIGH = 520.0
_FACE_WIDE = 240.0
"""Width of the face in the figure, in pixels."""
_CENTRE: Point = (WIDTH / 2, 262.0)
_COLUMN = 192.0
_SHARPNESS = 2.0
"""Picture pixels embedded per pixel of the figure at most."""
_PILL_ROW = 41.0
_VEIL = 0.66
"""Opacity of the muscles, so that the face shows through."""


@dataclass(frozen=True, slots=True)
class View:
    """Which part of the picture is shown where: `at` takes picture pixels to the figure."""

    scale: float
    left: float
    top: float
    """Figure position of the picture's origin."""

    def at(self, point: Point) -> Point:
        """A picture pixel's place in the figure."""
        return (self.left + self.scale * point[0], self.top + self.scale * point[1])


def data_uri(picture: Image.Image) -> str:
    """The picture inside a text, as JPEG."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def picture_part(picture: Image.Image, view: View, window: tuple[float, float, float, float]) -> str:
    """The part of the picture that falls into a window (x, y, width, height) of the figure, as an SVG image."""
    x, y, wide, high = window
    crop = (
        max(0, math.floor((x - view.left) / view.scale)),
        max(0, math.floor((y - view.top) / view.scale)),
        min(picture.width, math.ceil((x + wide - view.left) / view.scale)),
        min(picture.height, math.ceil((y + high - view.top) / view.scale)),
    )
    if crop[2] <= crop[0] or crop[3] <= crop[1]:
        return ""
    part = picture.crop(crop)
    shrink = min(1.0, _SHARPNESS * view.scale)
    if shrink < 1:
        part = part.resize((max(1, round(part.width * shrink)), max(1, round(part.height * shrink))))
    left, top = view.at((crop[0], crop[1]))
    size = f'width="{(crop[2] - crop[0]) * view.scale:.2f}" height="{(crop[3] - crop[1]) * view.scale:.2f}"'
    place = f'x="{left:.2f}" y="{top:.2f}" {size} preserveAspectRatio="none"'
    return f'<image {place} href="{data_uri(part)}"/>'


def framed(image: str, uid: str, window: tuple[float, float, float, float]) -> str:
    """An image in a window (x, y, width, height) with rounded corners; the clip path is called `uid` + photo."""
    x, y, wide, high = window
    box = f'x="{x:g}" y="{y:g}" width="{wide:g}" height="{high:g}" rx="4"'
    return (
        f'<clipPath id="{uid}photo"><rect {box}/></clipPath><rect {box} fill="{palette.TROUGH}" class="fv-trough"/>'
        f'<g clip-path="url(#{uid}photo)">{image}</g>'
    )


def view_of_face(warp: Placing) -> View | None:
    """The view that shows a face at a fixed size in the middle of the figure; None for a face of no size."""
    (x0, y0), (x1, y1) = warp((-115, 0)), warp((115, 0))
    size = math.hypot(x1 - x0, y1 - y0)
    if not size > 2:
        return None
    scale = _FACE_WIDE / size
    centre = warp((0, -4))
    return View(scale, _CENTRE[0] - scale * centre[0], _CENTRE[1] - scale * centre[1])


def _halves(warp: Placing, view: View, mirrored: bool) -> dict[Hand, Placing]:
    """Where a half-face point of each of the subject's sides lies in the figure."""
    sign: dict[Hand, int] = {"left": -1 if mirrored else 1, "right": 1 if mirrored else -1}
    return {hand: (lambda p, s=side: view.at(warp((s * p[0], p[1])))) for hand, side in sign.items()}  # type: ignore[misc]


def _marked(prediction: Prediction, warp: Placing, view: View, mirrored: bool) -> tuple[str, Marks]:
    """Muscles on the face and their labels."""
    record = prediction.evidence
    marks = marks_of(observe(record), record)
    rest = shape_of({})
    halves = _halves(warp, view, mirrored)
    muscles = "".join(
        muscle_svg(muscle, mark, halves[hand], aus, pen=1.2)
        for hand in halves
        for muscle, mark, aus in muscles_on(marks.on(hand), rest)
    )

    def anchor(au: int, hand: Hand) -> Point:
        return halves[hand](MUSCLES[au](rest).anchor if au in MUSCLES else (80.0, -130.0))

    labels = labels_for(marks, anchor, "left" if mirrored else "right")
    names = ""
    for side, edge, on_left in ((labels[0], _COLUMN, True), (labels[1], WIDTH - _COLUMN, False)):
        row = spread(side, 16, PHOTO_HIGH - 8, _PILL_ROW)
        names += column(side, edge, _COLUMN - 12, row, on_left=on_left, pill=True)
    return f'<g opacity="{_VEIL}">{muscles}</g>{names}', marks


def _on_face(
    picture: Image.Image, prediction: Prediction, warp: Placing, view: View, mirrored: bool, uid: str, legends: bool
) -> tuple[str, float]:
    """The figure's left part where landmarks tell where the muscles are."""
    window = (12.0, 8.0, WIDTH - 24.0, PHOTO_HIGH)
    photo = framed(picture_part(picture, view, window), uid, window)
    drawn, marks = _marked(prediction, warp, view, mirrored)
    y = PHOTO_HIGH + 26
    body = photo + f'<g clip-path="url(#{uid}photo)">{drawn}</g>' + side_names(12.0, WIDTH - 12.0, y, mirrored)
    if not legends:
        return body, y + 10
    return body + legend(marks, y + 16) + notes(observe(prediction.evidence), marks, y + 48), y + 90


def corners(box: Box, view: View) -> str:
    """A face's place as four corners."""
    x, y = view.at((box.x, box.y))
    wide, high = box.width * view.scale, box.height * view.scale
    arm = max(6.0, 0.18 * min(wide, high))
    data = (
        f"M{x:.1f} {y + arm:.1f}v{-arm:.1f}h{arm:.1f}M{x + wide - arm:.1f} {y:.1f}h{arm:.1f}v{arm:.1f}"
        f"M{x + wide:.1f} {y + high - arm:.1f}v{arm:.1f}h{-arm:.1f}M{x + arm:.1f} {y + high:.1f}h{-arm:.1f}v{-arm:.1f}"
    )
    return "".join(
        f'<path d="{data}" fill="none" stroke="{ink}" stroke-width="{pen}" stroke-linecap="round"/>'
        for ink, pen in (("#ffffff", 4.5), (palette.LEVELS[3], 2.2))
    )


def _beside_face(
    picture: Image.Image, prediction: Prediction, mirrored: bool, uid: str, legends: bool
) -> tuple[str, float]:
    """The figure's left part without usable landmarks: the photograph with the box, the drawn face below it."""
    record = prediction.evidence
    scale = min((WIDTH - 24) / picture.width, 280 / picture.height)
    wide, high = picture.width * scale, picture.height * scale
    view = View(scale, (WIDTH - wide) / 2, 8.0)
    window = (view.left, view.top, wide, high)
    box = record.box or prediction.box
    photo = framed(picture_part(picture, view, window), uid, window) + (corners(box, view) if box else "")
    draw = face_body if legends else face_figure
    face = draw(observe(record), record, mirrored=mirrored, uid=uid)
    return f'{photo}<g transform="translate(0 {high + 16:.1f})">{face}</g>', high + 16 + (
        HEIGHT if legends else BARE_HEIGHT
    )


def _inside(warp: Placing, picture: Image.Image) -> bool:
    """Whether the landmarks' face lies on this picture at all."""
    places = [warp(p) for p in ((0.0, -20.0), (-46.0, -20.0), (46.0, -20.0), (0.0, 95.0))]
    return all(0 <= x <= picture.width and 0 <= y <= picture.height for x, y in places)


def _left_part(picture: bytes, prediction: Prediction, mirrored: bool, uid: str, legends: bool) -> tuple[str, float]:
    loaded = load_picture(picture, name=prediction.evidence.picture or prediction.source.file)
    landmarks = prediction.evidence.landmarks
    warp = warp_to(landmarks) if landmarks is not None else None
    view = view_of_face(warp) if warp is not None and _inside(warp, loaded) else None
    if warp is not None and view is not None:
        return _on_face(loaded, prediction, warp, view, mirrored, uid, legends)
    return _beside_face(loaded, prediction, mirrored, uid, legends)


def photo_figure(picture: bytes, prediction: Prediction, mirrored: bool = False, *, uid: str = "f") -> str:
    """The photograph with the evidence drawn on it, without explanation and legend; arguments as for `photo_svg`."""
    left, high = _left_part(picture, prediction, mirrored, uid, legends=False)
    return svg_document(left, WIDTH, round(high), title="The action units, drawn on the picture", paper=False)


def photo_svg(picture: bytes, prediction: Prediction, mirrored: bool = False, *, uid: str = "f") -> str:
    """A photograph with the evidence of one face drawn on it and its explanation beside it, as an SVG file.

    Args:
        picture: the encoded photograph (any kind that `load_picture` takes); the part shown is embedded.
        prediction: with landmarks (68-point or MediaPipe's) of this picture in its evidence, the muscles are laid on
            the face; otherwise its box is marked and the drawn face stands below.
        mirrored: the photograph is flipped: the subject's left is on the viewer's left.
        uid: prefix of the ids inside.

    Raises:
        FervlmError: the picture cannot be read.
    """
    left, high = _left_part(picture, prediction, mirrored, uid, legends=True)
    text, bottom = explanation(prediction, high)
    rule = f'<path d="M{WIDTH - 6} 24V{bottom - 24}" stroke="{palette.HAIRLINE}" class="fv-rule"/>'
    title = f"{headline(prediction)[0]}, drawn on the picture"
    return svg_document(left + rule + text, CARD_WIDTH, bottom, title=title)
