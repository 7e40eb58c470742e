"""Evidence on a photograph: muscles lie where the landmarks say, on the right side."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fervlm.errors import FervlmError
from fervlm.records import AURecord, Box, Landmarks, Prediction
from fervlm.vision.curves import Point
from fervlm.vision.draw_face import WIDTH
from fervlm.vision.overlay import photo_figure, photo_svg, view_of_face
from fervlm.vision.warp import _IBUG68, _MEDIAPIPE, warp_to

Look = Callable[[str], Any]
MakeRecord = Callable[..., AURecord]
MakePrediction = Callable[..., Prediction]


def photo(size: tuple[int, int] = (400, 500)) -> bytes:
    """A photograph that is red on the viewer's left and blue on the right."""
    image = Image.new("RGB", size, "#0000ff")
    image.paste("#ff0000", (0, 0, size[0] // 2, size[1]))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def pose(scale: float = 0.8, turn: float = 0.0, centre: Point = (200.0, 260.0)) -> Callable[[Point], Point]:
    """Canonical face to picture: turned by some degrees, scaled, moved."""
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))

    def to(p: Point) -> Point:
        return (centre[0] + scale * (p[0] * cos - p[1] * sin), centre[1] + scale * (p[0] * sin + p[1] * cos))

    return to


def landmarks(scheme: str, to: Callable[[Point], Point]) -> Landmarks:
    table, count = {"ibug68": (_IBUG68, 68), "mediapipe478": (_MEDIAPIPE, 478)}[scheme]
    points = [to(table[i]) if i in table else (0.0, 0.0) for i in range(count)]
    return Landmarks.model_validate({"scheme": scheme, "points": points})


@pytest.mark.parametrize("scheme", ["ibug68", "mediapipe478"])
@pytest.mark.parametrize("turn", [0.0, 25.0])
def test_the_warp_takes_canonical_points_to_their_place(scheme: str, turn: float) -> None:
    to = pose(0.7, turn)
    warp = warp_to(landmarks(scheme, to))
    assert warp is not None
    for point in ((0.0, 0.0), (-46.0, -20.0), (46.0, -20.0), (30.0, 60.0), (0.0, 140.0), (20.0, -120.0)):
        assert warp(point) == pytest.approx(to(point), abs=1.5)


def test_the_warp_follows_a_moved_mouth() -> None:
    to = pose(1.0)
    moved = list(landmarks("ibug68", to).points)
    moved[48] = (moved[48][0] - 15, moved[48][1] - 12)
    warp, still = warp_to(Landmarks(scheme="ibug68", points=tuple(moved))), warp_to(landmarks("ibug68", to))
    assert warp is not None and still is not None
    corner, before = warp((-39.0, 95.0)), still((-39.0, 95.0))
    assert (corner[0] - before[0], corner[1] - before[1]) == pytest.approx((-15, -12), abs=2)
    assert warp((39.0, 95.0)) == pytest.approx(still((39.0, 95.0)), abs=2)


def test_landmarks_that_do_not_serve_are_refused() -> None:
    dot = tuple((5.0, 5.0) for _ in range(68))
    assert warp_to(Landmarks(scheme="ibug68", points=dot)) is None
    assert warp_to(Landmarks(scheme="facet6", points=dot[:6])) is None
    assert warp_to(Landmarks(scheme="ibug68", points=dot[:20])) is None
    holes = tuple((math.nan, 1.0) for _ in range(68))
    assert warp_to(Landmarks(scheme="ibug68", points=holes)) is None


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_muscle_lies_on_its_side_of_the_photograph(
    record: MakeRecord, prediction: MakePrediction, look: Look, mirrored: bool
) -> None:
    to = pose()
    marks = landmarks("ibug68", to)
    given = record({12: (4, 0)}, landmarks=marks)
    drawing = look(photo_svg(photo(), prediction(given), mirrored))
    (muscle,) = drawing.muscles(12)
    warp = warp_to(marks)
    assert warp is not None
    view = view_of_face(warp)
    assert view is not None
    where = view.at(to((-62.0 if mirrored else 62.0, 55.0)))
    assert drawing.middle(muscle) == pytest.approx(where, abs=16)
    assert (drawing.middle(muscle)[0] < WIDTH / 2) == mirrored
    assert ("mirrored picture" in drawing.text) == mirrored


def shown(drawing: Any) -> tuple[Image.Image, dict[str, float]]:  # noqa: ANN401
    (image,) = drawing.all("image")
    kind, _, data = image.attrib["href"].partition(",")
    assert kind == "data:image/jpeg;base64"
    place = {key: float(image.attrib[key]) for key in ("x", "y", "width", "height")}
    return Image.open(io.BytesIO(base64.b64decode(data))), place


def test_picture_and_marks_share_their_coordinates(record: MakeRecord, prediction: MakePrediction, look: Look) -> None:
    marks = landmarks("mediapipe478", pose(0.3, centre=(120.0, 300.0)))
    drawing = look(photo_svg(photo(), prediction(record({12: 4}, landmarks=marks))))
    picture, place = shown(drawing)
    warp = warp_to(marks)
    assert warp is not None
    view = view_of_face(warp)
    assert view is not None
    border = view.at((200.0, 0.0))[0]  # red meets blue here
    column = round((border - place["x"]) / place["width"] * picture.width)
    pixels = np.asarray(picture.convert("RGB"))
    if 6 < column < picture.width - 6:
        assert pixels[5, column - 6, 0] > 150 and pixels[5, column + 6, 2] > 150
    assert place["x"] <= 14 and place["x"] + place["width"] >= border


def test_a_huge_photograph_is_embedded_at_the_size_it_is_shown(record: MakeRecord, prediction: MakePrediction) -> None:
    marks = landmarks("ibug68", pose(8.0, centre=(2000.0, 2000.0)))
    svg = photo_svg(photo((4000, 4000)), prediction(record({12: 4}, landmarks=marks)))
    assert len(svg) < 200_000


@pytest.mark.parametrize("broken", ["none", "outside", "facet6"])
def test_without_usable_landmarks_the_box_is_marked_and_the_face_drawn(
    record: MakeRecord, prediction: MakePrediction, look: Look, broken: str
) -> None:
    points = {
        "none": None,
        "outside": landmarks("ibug68", pose(centre=(3000.0, 3000.0))),
        "facet6": Landmarks(scheme="facet6", points=((1.0, 1.0),) * 6),
    }[broken]
    given = record({12: (4, 0)}, landmarks=points, box=Box(x=100, y=50, width=200, height=250))
    drawing = look(photo_svg(photo(), prediction(given)))
    _, place = shown(drawing)
    scale = place["width"] / 400
    corners = [p for p in drawing.all("path") if p.get("stroke-width") == "2.2"]
    assert len(corners) == 1
    start = corners[0].attrib["d"][1:].split("v")[0].split()
    assert float(start[0]) == pytest.approx(place["x"] + 100 * scale, abs=0.2)
    assert len(drawing.muscles(12)) == 1
    assert drawing.all("ellipse") == []
    assert "subject's left" in drawing.text


def test_the_explanation_stands_beside_the_photograph(
    record: MakeRecord, prediction: MakePrediction, look: Look
) -> None:
    given = record({12: 4}, landmarks=landmarks("ibug68", pose()))
    drawing = look(photo_svg(photo(), prediction(given)))
    assert "happiness" in drawing.text and "The brows are lowered." in drawing.text
    figure = look(photo_figure(photo(), prediction(given)))
    assert "happiness" not in figure.text and "AU 12" in figure.text


def test_a_bad_photograph_is_one_sentence(prediction: MakePrediction) -> None:
    with pytest.raises(FervlmError, match=r"rows\.csv: is not a picture"):
        photo_svg(b"no picture at all", prediction())
