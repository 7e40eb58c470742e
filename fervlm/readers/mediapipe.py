"""MediaPipe Face Landmarker blendshapes: JSON in the forms people write, a wide CSV, or Parquet (read in batches).

Sides are the subject's, as in the blendshape names, for a picture that is not mirrored. How coefficients become AUs:
`blendshapes.py`.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fervlm.errors import FervlmError, ReadError
from fervlm.readers import parquet
from fervlm.readers.blendshapes import CALIBRATION, MEASURED, Mapper, names, neutral_of, unmeasured, used
from fervlm.readers.formats import FormatInfo
from fervlm.readers.json_items import items
from fervlm.readers.mediapipe_json import ENOUGH, category, numbers, score_sets
from fervlm.readers.places import FACE, FRAME, PICTURE, TIME, ItemPlaces, Place, Places, frames_per_second
from fervlm.readers.sample import PARQUET, Sample
from fervlm.readers.source import Origin, plain
from fervlm.readers.table import Table, missing
from fervlm.records import AURecord, Box, Detector, Landmarks, Quality

T = TypeVar("T")
NEUTRAL_FACES = 1000
"""Most faces of a neutral file that are looked at."""

INFO = FormatInfo(
    name="mediapipe",
    tool="MediaPipe Face Landmarker (52 blendshapes)",
    title="JSON (list of category and score, or name: score), wide CSV, Parquet",
    extensions=(".json", ".jsonl", ".csv", ".parquet"),
    checked_on="vsekai_image_blendshapes.json, blendshapes_dev_faces.csv, blendshapes_faces_pack.parquet",
    measures=MEASURED,
    scale="coefficient",
    sided=True,
    trust="low",
    note="AU6 and AU9 are never measured, AU5 only where present, AU7 not during a smile; levels need a neutral face.",
    options=(
        ("neutral", "resting face of the same person to subtract: a file, or the row of one in this file"),
        ("picture_size", "pixels, such as 640x480: places the landmarks of a Parquet file in the picture"),
        ("fps", "frames per second, for a time in seconds"),
    ),
)


@dataclass(frozen=True, slots=True)
class Face:
    """One face as the file gives it."""

    place: Place
    scores: Mapping[str, float] | None
    """Name -> coefficient for `used()`; None: no face found."""
    points: tuple[tuple[float, float], ...] = ()
    """57 landmarks in fractions of the picture."""


def matches(sample: Sample) -> bool:
    """Any Parquet file, at least 20 blendshape names in a header without AUs, or JSON with them."""
    if sample.kind == "parquet":
        return True
    if sample.kind == "json":
        return category(sample.item) is not None or any(scores for scores in score_sets(sample.item))
    return len(sample.names.intersection(names())) >= ENOUGH and not sample.bare_aus


def read(
    origin: Origin,
    *,
    landmarks: bool = False,
    cache: bool = True,
    neutral: str | int | Path | Mapping[str, float] | None = None,
    picture_size: str | tuple[int, int] | None = None,
    fps: float | None = None,
) -> Iterator[AURecord]:
    """Records of a MediaPipe file, one a face. `cache` has nothing to do here: coefficients seldom repeat."""
    size = _size(picture_size)
    resting = None if neutral is None else _neutral(origin, neutral)
    mapper = Mapper(resting)
    detector = Detector(name="mediapipe", trust="low", calibration=None if resting is None else CALIBRATION)
    for face in faces(origin, fps, points=landmarks and size is not None):
        yield _record(face, mapper, detector, size)


def _record(face: Face, mapper: Mapper, detector: Detector, size: tuple[int, int] | None) -> AURecord:
    place = face.place
    readings = () if face.scores is None else mapper.readings(face.scores)
    points = tuple((x * size[0], y * size[1]) for x, y in face.points) if size else ()
    return AURecord(
        id=place.id,
        source=place.source,
        face_id=place.face_id,
        frame=place.frame,
        time_s=place.time_s,
        picture=place.picture,
        box=_around(points),
        landmarks=Landmarks(scheme="mediapipe57", points=points) if points else None,
        detector=detector,
        readings=readings,
        not_measured=unmeasured(readings),
        quality=Quality(tracking="no_face" if face.scores is None else "ok"),
    )


def _around(points: tuple[tuple[float, float], ...]) -> Box | None:
    if not points:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Box(x=min(xs), y=min(ys), width=max(xs) - min(xs), height=max(ys) - min(ys))


def _size(given: object) -> tuple[int, int] | None:
    if given is None:
        return None
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", given) if isinstance(given, str) else None
    found = (int(match[1]), int(match[2])) if match else given
    if isinstance(found, tuple) and len(found) == 2 and all(isinstance(n, int) and n > 0 for n in found):
        return int(found[0]), int(found[1])
    raise FervlmError(f"picture_size is {given!r}", hint="Give width and height in pixels, such as 640x480.")


def _neutral(origin: Origin, given: object) -> dict[str, float]:
    """The resting face: given outright, the faces of a file (their median), or one row of the file being read."""
    if isinstance(given, Mapping):
        lacking = [name for name in used() if not isinstance(given.get(name), int | float)]
        if lacking:
            raise FervlmError(f"the neutral face lacks {lacking[0]}", hint="Give all 52 blendshapes.")
        return {name: float(given[name]) for name in used()}
    row = int(given) if isinstance(given, int) or (isinstance(given, str) and given.isdigit()) else None
    source = origin if row is not None else Origin(str(given))
    if row is not None and origin.path is None:
        raise FervlmError("a row of standard input cannot be the neutral face", hint="Save it to a file first.")
    found: list[Mapping[str, float]] = []
    with closing(faces(source, None)) as looked_at:
        for face in looked_at:
            if face.scores is not None and (row is None or face.place.source.row == row):
                found.append(face.scores)
                if row is not None or len(found) == NEUTRAL_FACES:
                    break
    if not found:
        raise ReadError("there is no face to take as the neutral one", file=source.label, row=row)
    return neutral_of(found)


def faces(origin: Origin, fps: float | None, *, points: bool = False) -> Generator[Face]:
    """Every face of a file, whichever of the three forms it has."""
    if origin.head.startswith(PARQUET):
        yield from _parquet_faces(origin, fps, points)
    elif origin.head_text()[0].lstrip()[:1] in {"[", "{"}:
        yield from _json_faces(origin, fps)
    else:
        yield from _table_faces(origin, fps)


def _table_faces(origin: Origin, fps: float | None) -> Iterator[Face]:
    table = Table(origin)
    places = Places(table, frame=FRAME, time=TIME, face=FACE, picture=PICTURE, fps=fps)
    indices = [(name, table.need(name)) for name in used()]
    detected = table.find("detected")
    for row, cells in table.rows():
        place = places.of(cells, row)
        if (detected is not None and cells[detected].strip().lower() in {"0", "0.0", "false"}) or all(
            missing(cells[index]) for _, index in indices
        ):
            yield Face(place, None)
            continue
        scores = {}
        for name, index in indices:
            number = table.value(cells, index, row)
            if not -1e-6 <= number <= 1 + 1e-6:
                raise table.blame(cells, index, row, "is outside the scale of this tool (0 to 1)")
            scores[name] = min(max(number, 0.0), 1.0)
        yield Face(place, scores)


def _json_faces(origin: Origin, fps: float | None) -> Iterator[Face]:
    """One face a list of categories or an object; a flat list of categories is cut where a name comes again."""
    fps = frames_per_second(fps)
    places = ItemPlaces(origin)
    flat: dict[str, object] = {}
    start = 0
    for item, value in items(origin):
        pair = category(value)
        if pair is not None:
            if pair[0] in flat:
                yield _json_face(places, flat, start, origin.label)
                flat = {}
            start = start if flat else item
            flat[pair[0]] = pair[1]
            continue
        sets = list(score_sets(value))
        if not sets:
            raise ReadError("the item holds no blendshapes", file=origin.label, row=item)
        described = value if isinstance(value, dict) else {}
        for i, scores in enumerate(sets):
            yield _json_face(places, scores, item, origin.label, described, i if len(sets) > 1 else None, fps)
    if flat:
        yield _json_face(places, flat, start, origin.label)


def _json_face(
    places: ItemPlaces,
    scores: Mapping[str, object],
    item: int,
    label: str,
    described: Mapping[str, object] | None = None,
    face: int | None = None,
    fps: float | None = None,
) -> Face:
    described = described or {}
    picture = _first(described, PICTURE, str)
    frame = _first(described, FRAME, int)
    stamp = next((name for name in TIME if isinstance(described.get(name), int | float)), None)
    time = None if stamp is None else float(described[stamp]) * TIME[stamp]  # type: ignore[arg-type]
    if time is None and fps is not None and frame is not None:
        time = frame / fps
    name = str(face) if face is not None else None
    place = places.of(
        item,
        picture=None if picture is None else plain(picture),
        frame=frame if frame is not None and frame >= 0 else None,
        time_s=time,
        face=name,
    )
    return Face(place, numbers(scores, used(), label, item) if scores else None)


def _first(described: Mapping[str, object], keys: Sequence[str], kind: type[T]) -> T | None:
    for key in keys:
        found = described.get(key)
        if isinstance(found, kind) and not isinstance(found, bool):
            return found
    return None


def _parquet_faces(origin: Origin, fps: float | None, points: bool) -> Iterator[Face]:
    fps = frames_per_second(fps)
    with parquet.opened(origin) as file:
        present = frozenset(file.schema_arrow.names)
        lacking = [name for name in used() if name not in present]
        if lacking:
            raise ReadError("the column is missing", file=origin.label, column=lacking[0], hint="Is it MediaPipe's?")
        extra = [next((n for n in group if n in present), None) for group in (PICTURE, ("detected",), FRAME)]
        with_points = ["landmarks_xy"] if points and "landmarks_xy" in present else []
        columns = [*used(), *(name for name in extra if name), *with_points]
        places = ItemPlaces(origin)
        for row, values in parquet.rows(file, columns):
            yield _parquet_face(origin.label, places, row, dict(zip(columns, values, strict=True)), extra, fps)


def _parquet_face(
    label: str, places: ItemPlaces, row: int, values: dict[str, object], extra: list[str | None], fps: float | None
) -> Face:
    picture, detected, frame = (values.get(name) if name else None for name in extra)
    number = frame if isinstance(frame, int) and frame >= 0 else None
    place = places.of(
        row,
        picture=picture if isinstance(picture, str) else None,
        frame=number,
        time_s=number / fps if fps is not None and number is not None else None,
    )
    if detected is False or detected == 0 or all(values[name] is None for name in used()):
        return Face(place, None)
    flat = values.get("landmarks_xy")
    xy = [float(v) for v in flat if isinstance(v, float)] if isinstance(flat, list) else []
    points = tuple(zip(xy[::2], xy[1::2], strict=True)) if len(xy) == 114 else ()
    return Face(place, numbers(values, used(), label, row), points)
