"""Affectiva (AFFDEX) JSON: expressions named in words, 0 to 100, as an object per face or frame.

The numbers are likelihoods of presence, not strengths; they are divided by 100 and read as scores cut at 0.5. `smirk`
does not say on which side, and `attention`, `engagement` and the emotions are no AUs: they are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isnan

from fervlm.errors import ReadError
from fervlm.facs.units import not_measured_by
from fervlm.readers.channels import Channel
from fervlm.readers.formats import FormatInfo
from fervlm.readers.json_items import as_number, items
from fervlm.readers.places import ItemPlaces, face_name
from fervlm.readers.sample import Sample
from fervlm.readers.source import Origin, plain
from fervlm.records import AUReading, AURecord, Detector, Quality

AUS = {
    "innerBrowRaise": 1,
    "browRaise": 2,
    "browFurrow": 4,
    "eyeWiden": 5,
    "cheekRaise": 6,
    "lidTighten": 7,
    "noseWrinkle": 9,
    "upperLipRaise": 10,
    "smile": 12,
    "dimpler": 14,
    "lipCornerDepressor": 15,
    "chinRaise": 17,
    "lipPucker": 18,
    "lipStretch": 20,
    "lipPress": 24,
    "mouthOpen": 25,
    "jawDrop": 26,
    "lipSuck": 28,
    "eyeClosure": 43,
}
ENOUGH = 5
NEST = ("expressions", "faces")
MOST_FACES = 256

INFO = FormatInfo(
    name="affectiva",
    tool="Affectiva (AFFDEX)",
    title="JSON with expressions in words, 0 to 100",
    extensions=(".json", ".jsonl"),
    checked_on="sample_affectiva.json",
    measures=tuple(AUS.values()),
    scale="score",
    sided=False,
    trust="medium",
    note="Likelihoods of presence divided by 100, cut at 0.5; smirk does not say on which side and is not read.",
)
_CHANNELS = {name: Channel(au, "score", 0.5, high=100.0, factor=0.01) for name, au in AUS.items()}


def _faces(value: object) -> list[Mapping[str, object]]:
    """The objects with expressions in an item: itself, or those under `expressions` or `faces`."""
    if not isinstance(value, dict):
        return []
    if sum(name in AUS for name in value) >= ENOUGH:
        return [value]
    inner = next((value[key] for key in NEST if key in value), None)
    if isinstance(inner, dict):
        return [{**value, **inner}] if sum(name in AUS for name in inner) >= ENOUGH else []
    if isinstance(inner, list):
        return [face for part in inner[:MOST_FACES] if isinstance(part, dict) for face in _faces(part)]
    return []


def matches(sample: Sample) -> bool:
    """A JSON object with at least five of the expressions."""
    return bool(_faces(sample.item))


def read(origin: Origin, *, landmarks: bool = False, cache: bool = True) -> Iterator[AURecord]:
    """Records of Affectiva objects, one a face."""
    places, detector = ItemPlaces(origin), Detector(name=INFO.name, trust=INFO.trust)
    for item, value in items(origin):
        found = _faces(value)
        empty = isinstance(value, dict) and value.get("faces") == []
        if not found and not empty:
            raise ReadError("the item holds no Affectiva expressions", file=origin.label, row=item)
        for number, face in enumerate(found or [value]):
            assert isinstance(face, dict)
            readings = _readings(face, origin.label, item)
            name = face.get("FileName")
            given = face.get("faceId", face.get("FaceId"))
            place = places.of(
                item,
                picture=plain(name) if isinstance(name, str) else None,
                time_s=_seconds(face.get("Timestamp"), origin.label, item),
                face=face_name(str(given)) if isinstance(given, str | int) else str(number) if number else None,
            )
            yield AURecord(
                id=place.id,
                source=place.source,
                face_id=place.face_id,
                time_s=place.time_s,
                picture=place.picture,
                detector=detector,
                readings=readings,
                not_measured=not_measured_by(tuple(sorted({reading.au for reading in readings}))),
                quality=Quality(tracking="ok" if readings else "no_face"),
            )


def _seconds(given: object, label: str, item: int) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not -1e12 < given < 1e12:
        raise ReadError(f"{ascii(given)[:40]} is not a time", file=label, row=item, column="Timestamp")
    return float(given)


def _readings(face: Mapping[str, object], label: str, item: int) -> tuple[AUReading, ...]:
    found = []
    for name, channel in _CHANNELS.items():
        given = face.get(name)
        if given is None:
            continue
        number = as_number(given)
        try:
            found.append(channel.reading(number))
        except ValueError as error:
            what = str(error) if not isnan(number) else "is not a number"
            raise ReadError(f"{ascii(given)[:40]} {what}", file=label, row=item, column=name) from None
    return tuple(found)
