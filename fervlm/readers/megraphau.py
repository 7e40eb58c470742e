"""ME-GraphAU: 12 scores (the BP4D model) or 8 (the DISFA model), in a fixed order that no file names."""

from __future__ import annotations

from collections.abc import Iterator

from fervlm.errors import ReadError
from fervlm.facs.units import not_measured_by
from fervlm.readers import vectors
from fervlm.readers.channels import Channel
from fervlm.readers.formats import FormatInfo
from fervlm.readers.sample import Sample
from fervlm.readers.source import Origin
from fervlm.records import AURecord, Detector

BP4D = (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
DISFA = (1, 2, 4, 6, 9, 12, 25, 26)
ORDERS = {len(BP4D): BP4D, len(DISFA): DISFA}
CUT = 0.5

INFO = FormatInfo(
    name="megraphau",
    tool="ME-GraphAU",
    title="vectors of 12 (BP4D) or 8 (DISFA) scores: CSV without header, JSON, or its log lines",
    extensions=(".csv", ".txt", ".json", ".jsonl", ".log"),
    checked_on=None,
    measures=tuple(sorted({*BP4D, *DISFA})),
    scale="score",
    sided=False,
    trust="medium",
    note="Cosine scores cut at 0.5; the length of the vector tells the model, and a file holds one or the other.",
)
_CHANNELS = {n: tuple(Channel(au, "score", CUT) for au in order) for n, order in ORDERS.items()}


def matches(sample: Sample) -> bool:
    """Vectors of 12 or 8."""
    return vectors.length_in(sample) in ORDERS


def read(origin: Origin, *, landmarks: bool = False, cache: bool = True) -> Iterator[AURecord]:
    """Records of ME-GraphAU vectors, one a face."""
    detector = Detector(name="megraphau", trust="medium")
    for vector in vectors.read(origin, frozenset(ORDERS)):
        place, channels = vector.place, _CHANNELS[len(vector.scores)]
        try:
            readings = tuple(c.reading(score) for c, score in zip(channels, vector.scores, strict=True))
        except ValueError as error:
            raise ReadError(f"a score {error}", file=origin.label, row=place.source.row) from None
        yield AURecord(
            id=place.id,
            source=place.source,
            picture=place.picture,
            detector=detector,
            readings=readings,
            not_measured=not_measured_by(ORDERS[len(vector.scores)]),
        )
