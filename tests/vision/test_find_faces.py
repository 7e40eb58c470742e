"""Face finders: on faces drawn here, on pictures without one, and on real photographs where they are at hand."""

from __future__ import annotations

import io
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fervlm.errors import FervlmError
from fervlm.records import Box
from fervlm.vision.crop import Square, crop_faces
from fervlm.vision.find_faces import FoundFace, finder_named, largest_first, without_doubles
from fervlm.vision.haar import HaarFinder
from fervlm.vision.open_picture import open_picture

U8 = NDArray[np.uint8]
GROUND = 95
EYES = 0.40
"""Height of a drawn face's eyes, of its side."""


def drawn_face(side: int) -> U8:
    """A face of soft dark and light spots, grey [side, side]: enough for a cascade."""
    y, x = np.mgrid[:side, :side] / side

    def spot(cx: float, cy: float, wide: float, high: float) -> NDArray[np.float64]:
        return np.asarray(np.exp(-(((x - cx) / wide) ** 2) - ((y - cy) / high) ** 2))

    head = 1 / (1 + np.exp(((x - 0.5) ** 2 / 0.16 + (y - 0.5) ** 2 / 0.27 - 1) * 14))
    face = GROUND * (1 - head) + 190 * head
    for cx in (0.32, 0.68):
        face -= 75 * spot(cx, EYES, 0.085, 0.045) + 45 * spot(cx, 0.385, 0.13, 0.07) + 55 * spot(cx, 0.28, 0.12, 0.028)
        face += 22 * spot(cx, 0.56, 0.1, 0.08)
    face += 25 * spot(0.5, 0.47, 0.04, 0.14) - 40 * (spot(0.46, 0.6, 0.025, 0.02) + spot(0.54, 0.6, 0.025, 0.02))
    face -= 70 * spot(0.5, 0.76, 0.14, 0.028) + 25 * spot(0.5, 0.83, 0.12, 0.03)
    return np.asarray(np.clip(face, 0, 255), dtype=np.uint8)


def scene(*places: tuple[int, int, int], size: tuple[int, int] = (640, 480)) -> U8:
    """Drawn faces (left, top, side) on an even ground, RGB."""
    out = np.full((size[1], size[0]), GROUND, dtype=np.uint8)
    for x, y, side in places:
        out[y : y + side, x : x + side] = drawn_face(side)
    return np.stack([out] * 3, axis=-1)


def turned(picture: U8, degrees: float) -> U8:
    high, wide = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((wide / 2, high / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(picture, matrix, (wide, high), borderValue=(GROUND,) * 3), dtype=np.uint8)


@cache
def haar() -> HaarFinder:
    return HaarFinder()


def lies_on(face: FoundFace, x: float, y: float, side: float) -> bool:
    """Whether the face's square is the drawn face's, to a tenth of its side, and of its size to a quarter."""
    square = face.square
    off = max(abs(square.x - x - side / 2), abs(square.y - y - side / 2))
    return off < 0.1 * side and 0.8 < square.side / side < 1.25


def test_several_faces_the_largest_first() -> None:
    places = [(40, 60, 100), (250, 120, 220), (520, 40, 80)]
    found = haar().find(scene(*places))
    assert len(found) == 3
    for face, place in zip(found, [places[1], places[0], places[2]], strict=True):
        assert lies_on(face, *place), (face, place)
        assert 0 < face.score <= 1 and face.landmarks is None


@pytest.mark.parametrize("size", [(160, 120), (320, 240), (1600, 1200), (300, 900), (900, 300)])
def test_places_are_given_in_the_pictures_own_pixels(size: tuple[int, int]) -> None:
    side = round(0.5 * min(size))
    place = (round(0.3 * size[0]), round(0.3 * size[1]), side)
    (face,) = haar().find(scene(place, size=size))
    assert lies_on(face, *place)


def test_a_small_picture_cut_at_the_face_is_found_too() -> None:
    (face,) = haar().find(drawn_face(48))
    assert lies_on(face, 0, 0, 48)


def test_grey_and_colour_find_the_same() -> None:
    picture = scene((200, 100, 200))
    assert haar().find(picture) == haar().find(picture[..., 0].copy())


@pytest.mark.parametrize("degrees", [-30, 30])
def test_heads_held_aslant_are_found(degrees: float) -> None:
    """The upright search fails at this slant; the place found in the turned picture is turned back."""
    picture = turned(scene((330, 60, 200)), degrees)
    (face,) = haar().find(picture)
    matrix = cv2.getRotationMatrix2D((320, 240), degrees, 1.0)
    x, y = matrix @ (430, 160, 1)
    assert abs(face.square.x - x) < 20 and abs(face.square.y - y) < 20


def test_the_same_answer_twice_and_from_several_threads() -> None:
    pictures = [scene((40 * i, 30, 150 + 10 * i)) for i in range(4)]
    alone = [haar().find(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(haar().find, pictures * 3)) == alone * 3


def blank() -> U8:
    return np.full((240, 320, 3), 128, dtype=np.uint8)


def noise(seed: int) -> U8:
    return np.random.default_rng(seed).integers(0, 256, (240, 320, 3), dtype=np.uint8)


def clouds(seed: int) -> U8:
    """Noise whose power falls with frequency, as in photographs of nature."""
    rng = np.random.default_rng(seed)
    fall = 1 / np.maximum(np.hypot(np.fft.fftfreq(240)[:, None], np.fft.rfftfreq(320)[None]), 1 / 320)
    values = np.fft.irfft2(fall * np.exp(2j * np.pi * rng.random(fall.shape)), s=(240, 320))
    scaled = (values - values.min()) / np.ptp(values) * 255
    return np.stack([scaled] * 3, axis=-1).astype(np.uint8)


def shapes(seed: int) -> U8:
    rng, out = np.random.default_rng(seed), blank()
    for _ in range(25):
        x, y, size = (int(v) for v in rng.integers((0, 0, 5), (320, 240, 60)))
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        if rng.random() < 0.5:
            cv2.circle(out, (x, y), size // 2, colour, -1)
        else:
            cv2.rectangle(out, (x, y), (x + size, y + size // 2), colour, -1)
    return out


def test_pictures_without_a_face_have_none() -> None:
    pictures = [blank(), np.zeros((8, 8, 3), dtype=np.uint8), np.zeros((1, 5000), dtype=np.uint8)]
    pictures += [make(seed) for make in (noise, clouds, shapes) for seed in range(6)]
    assert [len(haar().find(picture)) for picture in pictures] == [0] * len(pictures)


def test_a_face_below_the_smallest_is_not_looked_for() -> None:
    picture = scene((100, 100, 90))
    assert len(HaarFinder(smallest=0.09).find(picture)) == 1
    assert HaarFinder(smallest=0.4).find(picture) == []


def test_finders_by_name() -> None:
    picture = scene((40, 60, 100))
    (whole,) = finder_named("none").find(picture)
    assert (whole.box, whole.square) == (Box(x=0, y=0, width=640, height=480), Square(320, 240, 480))
    assert finder_named("haar").find(picture) == haar().find(picture)
    assert [finder_named(name).name for name in ("haar", "none")] == ["haar", "none"]
    with pytest.raises(FervlmError, match=r"no face finder 'dlib'.*haar, mediapipe, none"):
        finder_named("dlib")
    with pytest.raises(FervlmError, match=r"needs its model file\. Give the path of MediaPipe's face_landmarker"):
        finder_named("mediapipe")
    with pytest.raises(FervlmError, match="cannot be searched at 20 pixels"):
        finder_named("haar", at_most=20)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("none.task", None, "cannot be read"),
        ("text.tflite", b"hello, this is no network", "cannot read it as a TFLite network"),
        ("cut.tflite", b"\x1c\x00\x00\x00TFL3", "cannot read it as a TFLite network"),
        ("empty.task", b"PK\x05\x06" + bytes(18), "holds no 'face_detector.tflite'"),
    ],
)
def test_a_wrong_model_file_is_one_sentence(tmp_path: Path, name: str, data: bytes | None, says: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(FervlmError, match=says) as caught:
        finder_named("mediapipe", model=tmp_path / name)
    assert str(caught.value).count("\n") == 0


def face_at(x: float, y: float, side: float, score: float) -> FoundFace:
    box = Box(x=x, y=y, width=side, height=side)
    return FoundFace(box, score, None, Square(x + side / 2, y + side / 2, side))


def test_of_overlapping_boxes_the_surest_stays() -> None:
    sure, doubtful, inside, apart = (
        face_at(0, 0, 100, 0.9), face_at(10, 10, 100, 0.5), face_at(30, 60, 30, 0.6), face_at(90, 0, 100, 0.4),
    )  # fmt: skip
    assert without_doubles([doubtful, inside, apart, sure]) == [sure, apart]
    small = face_at(300, 0, 20, 0.99)
    assert without_doubles([small, sure]) == [sure, small]
    assert largest_first([small, doubtful, sure]) == [sure, doubtful, small]
    assert without_doubles([]) == []


def real(folder: str) -> Path:
    data = os.environ.get("FERVLM_DATA")
    if not data or not (Path(data) / folder).exists():
        pytest.skip(f"FERVLM_DATA is not set or holds no {folder}")
    return Path(data) / folder


@pytest.mark.parametrize(
    ("kind", "least", "many"), [("london/london_v*.jpg", 1.0, 16), ("muxspace/*_v*.jpg", 0.97, 60)]
)
def test_real_faces_are_found_once(kind: str, least: float, many: int) -> None:
    files = sorted(real("faces").glob(kind))[:many]
    assert len(files) == many
    counts = [len(haar().find(open_picture(file).pixels)) for file in files]
    assert sum(count > 0 for count in counts) >= least * many
    assert max(counts) == 1


def pack_faces(name: str, start: int, many: int) -> list[tuple[U8, NDArray[np.float64]]]:
    """Training pictures and MediaPipe's points on them, [57, 2], 0 to 1."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra 'data'")
    pack, points = real("faces_pack") / f"{name}.parquet", real("au/mediapipe") / "blendshapes_faces_pack.parquet"
    table = parquet.read_table(points, columns=["path", "landmarks_xy"], filters=[("detected", "=", True)])
    marks = dict(zip(table["path"].to_pylist(), table["landmarks_xy"].to_pylist(), strict=True))
    rows = parquet.ParquetFile(pack).read_row_group(0, columns=["image"])["image"].to_pylist()
    out: list[tuple[U8, NDArray[np.float64]]] = []
    for row in rows[start:]:
        if row["path"] in marks and len(out) < many:
            pixels = np.asarray(Image.open(io.BytesIO(row["bytes"])).convert("RGB"))
            out.append((pixels, np.asarray(marks[row["path"]]).reshape(-1, 2)))
    return out


EYE_CORNERS, MOUTH_CORNERS = (10, 12, 16, 18), (30, 36)
"""Rows of MediaPipe's points 33, 133, 362, 263 and of 61, 291 in the table's list."""


def framing(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eyes' middle (x, y), distance of the eyes, height of the mouth."""
    corners = points[list(EYE_CORNERS)]
    middle = corners.mean(axis=0)
    apart = np.hypot(*(corners[2:].mean(axis=0) - corners[:2].mean(axis=0)))
    return np.array([*middle, apart, points[list(MOUTH_CORNERS)].mean(axis=0)[1]])


@pytest.mark.parametrize(("name", "recall"), [("muxspace", 0.95), ("fer2013", 0.6)])
def test_crops_are_framed_as_the_training_pictures(name: str, recall: float) -> None:
    """Training pictures laid small into a larger scene: found, and cut out again as they were."""
    rng = np.random.default_rng(3)
    before, after, many = [], [], 0
    for pixels, points in pack_faces(name, 100, 50):
        side = int(rng.integers(90, 260))
        ground = np.asarray(cv2.resize(clouds(int(rng.integers(99))), (640, 480)), dtype=np.uint8)
        x, y = int(rng.integers(0, 640 - side)), int(rng.integers(0, 480 - side))
        way = cv2.INTER_AREA if side < pixels.shape[0] else cv2.INTER_CUBIC
        ground[y : y + side, x : x + side] = cv2.resize(pixels, (side, side), interpolation=way)
        many += 1
        near = [
            f for f in haar().find(ground) if abs(f.square.x - x - side / 2) < side / 3 and f.square.side > side / 2
        ]
        if near:
            square = near[0].square
            corner = np.array([square.x - square.side / 2, square.y - square.side / 2])
            before.append(framing(points))
            after.append(framing((points * side + (x, y) - corner) / square.side))
            assert crop_faces(ground, [square], 48, grey=True).shape == (1, 48, 48)
    assert len(after) >= recall * many
    off = np.median(after, axis=0) - np.median(before, axis=0)
    assert np.abs(off).max() < 0.025, off
    assert np.abs(np.median(np.array(after) - before, axis=0)).max() < 0.025


def test_mediapipes_finder_gives_points_as_well() -> None:
    finder = finder_named("mediapipe", model=real("models") / "face_landmarker.task")
    (file, *_) = sorted(real("faces").glob("london/london_v*.jpg"))
    picture = open_picture(file).pixels
    wide = np.ascontiguousarray(np.pad(picture, ((40, 60), (300, 20), (0, 0)), mode="edge"))
    (face,), (same,) = finder.find(picture), finder.find(wide)
    assert face.landmarks is not None and same.landmarks is not None
    (left, right, nose, mouth, *_ears) = face.landmarks
    assert left[0] < nose[0] < right[0] and max(left[1], right[1]) < nose[1] < mouth[1]
    moved = np.array(same.landmarks) - np.array(face.landmarks)
    assert np.abs(moved - (300, 40)).max() < 6
    (other,) = haar().find(picture)
    assert abs(face.square.x - other.square.x) < 0.1 * other.square.side
    assert abs(face.square.y - other.square.y) < 0.1 * other.square.side
    assert 0.8 < face.square.side / other.square.side < 1.25
    assert finder.find(noise(1)) == []
