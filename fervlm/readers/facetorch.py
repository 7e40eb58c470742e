"""facetorch: OpenGraphAU's 41 scores under names ("inner_brow_raiser", "left_dimpler"), as JSON objects or a CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fervlm.errors import ReadError
from fervlm.facs.units import not_measured_by
from fervlm.readers import opengraphau
from fervlm.readers.channels import ROUNDING
from fervlm.readers.formats import FormatInfo
from fervlm.readers.json_items import as_number, items
from fervlm.readers.opengraphau import Key, measured, readings, records_in_table
from fervlm.readers.places import PICTURE, ItemPlaces
from fervlm.readers.sample import Sample, take
from fervlm.readers.source import Origin, plain
from fervlm.records import AURecord, Detector, Quality

NAMES = {
    "inner_brow_raiser": 1,
    "outer_brow_raiser": 2,
    "brow_lowerer": 4,
    "upper_lid_raiser": 5,
    "cheek_raiser": 6,
    "lid_tightener": 7,
    "nose_wrinkler": 9,
    "upper_lip_raiser": 10,
    "nasolabial_deepener": 11,
    "lip_corner_puller": 12,
    "sharp_lip_puller": 13,
    "dimpler": 14,
    "lip_corner_depressor": 15,
    "lower_lip_depressor": 16,
    "chin_raiser": 17,
    "lip_pucker": 18,
    "tongue_show": 19,
    "lip_stretcher": 20,
    "lip_funneler": 22,
    "lip_tightener": 23,
    "lip_pressor": 24,
    "lips_part": 25,
    "jaw_drop": 26,
    "mouth_stretch": 27,
    "lip_bite": 32,
    "nostril_dilator": 38,
    "nostril_compressor": 39,
}
SIDED_AUS = (1, 2, 4, 6, 10, 14)
ENOUGH = 10
NEST = ("au", "aus", "action_units", "preds", "predictions", "scores")
DEPTH = 3

INFO = FormatInfo(
    name="facetorch",
    tool="facetorch (OpenGraphAU)",
    title="JSON object of named scores, or a CSV with these names",
    extensions=(".json", ".jsonl", ".csv"),
    checked_on=None,
    measures=opengraphau.MAIN,
    scale="score",
    sided=True,
    trust="low",
    note="left_ and right_nasolabial_deepener are OpenGraphAU's L12 and R12, which read AU11's node, and are left out.",
)


def _key(name: object) -> Key | None:
    if not isinstance(name, str):
        return None
    for prefix, side in (("left_", "L"), ("right_", "R"), ("", "")):
        if name.startswith(prefix):
            au = NAMES.get(name.removeprefix(prefix))
            return None if au is None or (side and au not in SIDED_AUS) else (au, side)
    return None


def _named(value: object, depth: int = 0) -> Mapping[str, object] | None:
    """The object with the names, here or one of a few keys down."""
    if not isinstance(value, dict) or depth > DEPTH:
        return None
    if sum(name in NAMES for name in value) >= ENOUGH:
        return value
    inner = (_named(value[key], depth + 1) for key in NEST if key in value)
    return next((found for found in inner if found is not None), None)


def matches(sample: Sample) -> bool:
    """At least ten of the names, as keys or in a header."""
    return _named(sample.item) is not None or sum(name in NAMES for name in sample.header) >= ENOUGH


def read(origin: Origin, *, landmarks: bool = False, cache: bool = True) -> Iterator[AURecord]:
    """Records of named scores, one an object or row."""
    sample = take(origin)
    if sample.kind == "table":
        columns = {key: i for i, name in enumerate(sample.header) if (key := _key(name))}
        if not columns:
            raise ReadError("the header has none of facetorch's AU names", file=origin.label, row=1)
        yield from records_in_table(origin, columns, INFO.name)
        return
    places, detector = ItemPlaces(origin), Detector(name=INFO.name, trust=INFO.trust)
    for item, value in items(origin):
        named = _named(value)
        if named is None:
            raise ReadError("the item has none of facetorch's AU names", file=origin.label, row=item)
        scores = _scores(named, origin.label, item)
        described = value if isinstance(value, dict) else {}
        picture = next((described[key] for key in PICTURE if isinstance(described.get(key), str)), None)
        place = places.of(item, picture=None if picture is None else plain(picture))
        yield AURecord(
            id=place.id,
            source=place.source,
            picture=place.picture,
            detector=detector,
            readings=readings(scores),
            not_measured=not_measured_by(measured(scores)),
            quality=Quality(),
        )


def _scores(named: Mapping[str, object], label: str, item: int) -> dict[Key, float]:
    found = {}
    for name, given in named.items():
        key = _key(name)
        if key is None:
            continue
        number = as_number(given)
        if not -ROUNDING <= number <= 1 + ROUNDING:
            raise ReadError(f"{ascii(given)[:40]} is no score from 0 to 1", file=label, row=item, column=name)
        found[key] = number
    return found
