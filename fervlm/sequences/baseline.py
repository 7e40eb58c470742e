"""The face's own neutral values, which amplitude scales are measured from."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from fervlm.errors import FervlmError
from fervlm.records import AURecord
from fervlm.sequences.settings import AMPLITUDES, ClipSettings
from fervlm.sequences.track import Key

if TYPE_CHECKING:
    from fervlm.sequences.track import Floats, Times

KINDS = {"auto": "lowest tenth", "first": "first second", "median": "median", "none": "none"}


def neutral_value(values: Floats, times: Times, on: float, settings: ClipSettings) -> float:
    """The neutral value of one AU in a clip (never negative; 0 where nothing is to be subtracted).

    `auto` takes the lowest tenth of the tracked rows, and takes nothing where that tenth itself reaches `on`: what
    the detector calls present in nine rows of ten may be a held movement, and no neutral face was seen. `first` and
    `median` do what they say, since the user said that the face is neutral there.
    """
    if settings.neutral == "none":
        return 0.0
    known = ~np.isnan(values)
    if not known.any():
        return 0.0
    if settings.neutral == "auto":
        found = float(np.quantile(values[known], 0.1))
        return max(0.0, found) if found < on else 0.0
    if settings.neutral == "first":
        begin = times[int(np.argmax(known))]
        known &= times < begin + settings.first_s
    return max(0.0, float(np.median(values[known])))


def neutral_from(records: Iterable[AURecord]) -> dict[Key, float]:
    """Neutral values from a recording (or one record) of the neutral face: the median per AU and side.

    Raises:
        FervlmError: no tracked row with an amplitude scale is among them.
    """
    found: dict[Key, list[float]] = {}
    file = None
    for record in records:
        file = record.source.file
        if record.quality.tracking != "ok":
            continue
        for reading in record.readings:
            if reading.value is None or reading.scale not in AMPLITUDES:
                continue
            keys: tuple[Key, ...] = (
                ((reading.au, "left"), (reading.au, "right"))
                if reading.side == "both"
                else ((reading.au, reading.side),)
            )
            for key in keys:
                found.setdefault(key, []).append(reading.value)
    if not found:
        raise FervlmError(
            "the neutral file holds no tracked face with intensities or coefficients",
            file=file,
            hint="Only amplitudes have a neutral value; probabilities and scores are taken as they are.",
        )
    return {key: max(0.0, median(values)) for key, values in found.items()}
