"""Drawings for the page: muscles laid over a photograph, the drawn face, time lines, and files to keep."""

from __future__ import annotations

from fervlm.predict.pictures import PictureReader, SeenFace
from fervlm.reasoning.observe import observe
from fervlm.records import Prediction
from fervlm.sequences.track import Track
from fervlm.serve.schemas import DrawAsked, Figure
from fervlm.vision import palette
from fervlm.vision.attention import attention_figure, attention_svg
from fervlm.vision.card import prediction_svg
from fervlm.vision.crop import Square
from fervlm.vision.curves import Placing, Point
from fervlm.vision.draw_face import BARE_HEIGHT, WIDTH, face_figure, muscle_svg, muscles_on, svg_document
from fervlm.vision.draw_legend import describe
from fervlm.vision.draw_marks import Hand, marks_of
from fervlm.vision.draw_shape import shape_of
from fervlm.vision.draw_timeline import clip_lines
from fervlm.vision.open_picture import open_picture
from fervlm.vision.overlay import photo_figure
from fervlm.vision.page import page_html
from fervlm.vision.page_card import Exhibit
from fervlm.vision.raster import png
from fervlm.vision.recording import WIDTH as LINES_WIDE
from fervlm.vision.warp import warp_to

_EYES, _APART, _MOUTH = 0.40, 0.357, 0.773
"""Height of the eyes, their distance and height of the mouth in a crop, as measured on the training pictures."""
TYPES = {"html": "text/html; charset=utf-8", "png": "image/png", "svg": "image/svg+xml"}


def seen_figure(picture: bytes, seen: SeenFace, uid: str) -> Figure:
    """The muscles for the photograph itself, and where the model looked."""
    photo = open_picture(picture, name=seen.prediction.source.file)
    looked = attention_figure(photo, seen.prediction, seen.square, seen.looked, uid=uid)
    return Figure(overlay=overlay(seen.prediction, seen.square), drawing=looked)


def record_figure(prediction: Prediction, track: Track | None, uid: str) -> Figure:
    """The drawn face, and the time lines of a clip."""
    record = prediction.evidence
    evidence = observe(record)
    body = face_figure(evidence, record, uid=uid)
    face = svg_document(body, WIDTH, BARE_HEIGHT, title=describe(evidence, marks_of(evidence, record)), paper=False)
    lines = None
    if prediction.events or track is not None:
        told, high = clip_lines(prediction, track, 8)
        lines = svg_document(told, LINES_WIDE, round(high), title="Time lines of the action units", paper=False)
    return Figure(overlay=None, drawing=face, timeline=lines)


def overlay(prediction: Prediction, square: Square) -> str:
    """Present muscles as SVG over the square that was looked at; its view box is that square, in picture pixels.

    Muscles stand where the framing of the crop puts them, or where landmarks do; a unit not measured by side is drawn
    on both without claiming it.
    """
    record = prediction.evidence
    marks = marks_of(observe(record), record)
    rest = shape_of({})
    placing = _placing(prediction, square)
    pen = square.side / 230
    sides: dict[Hand, int] = {"left": 1, "right": -1}
    muscles = "".join(
        muscle_svg(muscle, mark, _half(placing, sides[hand]), aus, pen=pen)
        for hand in sides
        for muscle, mark, aus in muscles_on(marks.on(hand), rest)
    )
    x, y = square.x - square.side / 2, square.y - square.side / 2
    box = f"{x:.2f} {y:.2f} {square.side:.2f} {square.side:.2f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" role="img" aria-label="Muscles drawn on the face" '
        f'stroke-linecap="round" stroke-linejoin="round" fill="{palette.INK}">{muscles}</svg>'
    )


def _half(placing: Placing, sign: int) -> Placing:
    return lambda point: placing((sign * point[0], point[1]))


def _placing(prediction: Prediction, square: Square) -> Placing:
    """Canonical points (x < 0 on the viewer's left) to pixels of the upright picture."""
    landmarks = prediction.evidence.landmarks
    warp = warp_to(landmarks) if landmarks is not None else None
    if warp is not None:
        return warp
    left, top, side = square.x - square.side / 2, square.y - square.side / 2, square.side
    across, along = _APART / 92, (_MOUTH - _EYES) / 113.6

    def place(point: Point) -> Point:
        return (left + side * (0.5 + across * point[0]), top + side * (_EYES + along * (point[1] + 18.6)))

    return place


def drawn(reader: PictureReader, asked: DrawAsked, picture: bytes | None) -> bytes:
    """Predictions as a file to keep: HTML, PNG or SVG.

    Raises:
        FervlmError: the picture cannot be read.
    """
    exhibits = _exhibits(reader, asked, picture)
    if asked.format == "html":
        return page_html(exhibits, "An explained expression").encode()
    first = exhibits[0]
    if picture is None:
        svg = prediction_svg(first.prediction)
    elif first.square is not None and first.looked is not None:
        photo = open_picture(picture, name=first.prediction.source.file)
        svg = attention_svg(photo, first.prediction, first.square, first.looked)
    else:
        svg = photo_figure(picture, first.prediction)
    return png(svg) if asked.format == "png" else svg.encode()


def _exhibits(reader: PictureReader, asked: DrawAsked, picture: bytes | None) -> list[Exhibit]:
    """Where the model looked is seen once more: it is not part of a prediction."""
    if picture is None:
        return [Exhibit(prediction) for prediction in asked.predictions]
    seen, _ = reader.see(picture, observe_only=True, face_is_crop=asked.face_is_crop, name="picture")
    places = {face.prediction.face_id: face for face in seen}
    exhibits = []
    for prediction in asked.predictions:
        face = places.get(prediction.face_id)
        square, looked = (None, None) if face is None else (face.square, face.looked)
        exhibits.append(Exhibit(prediction, picture, square=square, looked=looked))
    return exhibits
