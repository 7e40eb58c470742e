"""ExpLLM's JSON: 24 FEAFA values per face, which are not FACS numbers and not FACS levels.

FEAFA codes amplitudes from 0 to 1, left and right apart, estimated by a model. Its units become AUs of one side where
FACS has them (the lists below, in the order written); a brow raise is AU1 and AU2 together, closed eyes are AU43, and
sucking of one lip is AU28 of that lip. The amplitude is a coefficient: present from 0.15 up (an engineering choice,
option `threshold`), never a strength. Low trust.
"""

from __future__ import annotations

from collections.abc import Iterator

from fervlm.errors import FervlmError, ReadError
from fervlm.facs.units import not_measured_by
from fervlm.readers.formats import FormatInfo
from fervlm.readers.json_items import items
from fervlm.readers.places import PICTURE, ItemPlaces
from fervlm.readers.sample import Sample
from fervlm.readers.sides import paired
from fervlm.readers.source import Origin, plain
from fervlm.records import AUReading, AURecord, Detector

PAIRS = ((0, (43,)), (2, (5,)), (4, (4,)), (6, (1, 2)), (11, (12,)), (13, (20,)))
"""Place of the left value (the right one follows), and the AUs it stands for."""
JAW = (9, 10, 30)
"""Places of jaw left and jaw right: two movements that exclude each other, AU30 of one side."""
WHOLE = ((8, 26), (17, 29), (18, 10), (19, 16), (20, 17), (21, 18), (22, 34), (23, 9))
"""Place and AU of what has no side: jaw drop, jaw thrust, upper lip raise, ... nose wrinkle."""
SUCK = (15, 16, 28)
COUNT = 24
CUT = 0.15
MEASURED = (1, 2, 4, 5, 9, 10, 12, 16, 17, 18, 20, 26, 28, 29, 30, 34, 43)

INFO = FormatInfo(
    name="expllm",
    tool="ExpLLM (FEAFA values)",
    title="JSON list of objects with file_name, emo and au (24 values)",
    extensions=(".json", ".jsonl"),
    checked_on=None,
    measures=MEASURED,
    scale="coefficient",
    sided=True,
    trust="low",
    note="FEAFA amplitudes, estimated by a model, mapped to AUs by side; they are no FACS levels.",
    options=(("threshold", f"lowest amplitude that means present [{CUT}]"),),
)


def matches(sample: Sample) -> bool:
    """Objects with `au`, a list of 24 numbers."""
    return isinstance(sample.item, dict) and _is_vector(sample.item.get("au"))


def _is_vector(value: object) -> bool:
    return isinstance(value, list) and len(value) == COUNT


def read(origin: Origin, *, landmarks: bool = False, cache: bool = True, threshold: float = CUT) -> Iterator[AURecord]:
    """Records of ExpLLM objects, one a face; `gt_emo` or `emo` becomes the data set's label."""
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold <= 1:
        raise FervlmError(f"threshold is {threshold!r}", hint="Give a number above 0, at most 1.")
    places, detector = ItemPlaces(origin), Detector(name=INFO.name, trust=INFO.trust)
    for item, value in items(origin):
        if not isinstance(value, dict) or not _is_vector(value.get("au")):
            raise ReadError("the item has no list 'au' of 24 values", file=origin.label, row=item)
        amplitudes = [_amplitude(given, origin.label, item) for given in value["au"]]
        picture = next((value[key] for key in PICTURE if isinstance(value.get(key), str)), None)
        emotion = next((value[key] for key in ("gt_emo", "emo") if isinstance(value.get(key), str)), None)
        place = places.of(item, picture=None if picture is None else plain(picture))
        yield AURecord(
            id=place.id,
            source=place.source,
            picture=place.picture,
            detector=detector,
            readings=readings(amplitudes, threshold),
            not_measured=not_measured_by(MEASURED),
            dataset_label=None if emotion is None else plain(emotion),
        )


def _amplitude(given: object, label: str, item: int) -> float:
    number = (
        float(given) if isinstance(given, int | float) and not isinstance(given, bool) and abs(given) < 1e6 else None
    )
    if number is None or not -1e-6 <= number <= 1 + 1e-6:
        raise ReadError(f"{ascii(given)[:40]} is no amplitude from 0 to 1", file=label, row=item, column="au")
    return min(max(number, 0.0), 1.0)


def readings(values: list[float], cut: float = CUT) -> tuple[AUReading, ...]:
    """Readings of 24 amplitudes, AUs ascending."""
    found: list[AUReading] = []
    for left, aus in PAIRS:
        for au in aus:
            found += paired(au, values[left], values[left + 1], cut, "coefficient")
    left, right, au = JAW
    found += [_one(au, values[left], cut, "left"), _one(au, values[right], cut, "right")]
    found += [_one(au, values[place], cut) for place, au in WHOLE]
    upper, lower, au = SUCK
    found.append(_one(au, max(values[upper], values[lower]), cut))
    return tuple(sorted(found, key=lambda reading: reading.au))


def _one(au: int, value: float, cut: float, side: str | None = None) -> AUReading:
    return AUReading(
        au=au,
        side="left" if side == "left" else "right" if side == "right" else None,
        state="present" if value >= cut else "absent",
        value=value,
        scale="coefficient",
        threshold=cut,
    )
