"""Collected rows to tracks: seconds, smoothing, neutral baseline, events; and records to tracks in one call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fervlm.records import AURecord, Scale
from fervlm.sequences.baseline import KINDS, neutral_value
from fervlm.sequences.clock import clock, measured_stretches, stretches
from fervlm.sequences.collect import FaceRows
from fervlm.sequences.events import find_events
from fervlm.sequences.faces import recordings
from fervlm.sequences.settings import AMPLITUDES, ON, QUICK_UNITS, ClipSettings
from fervlm.sequences.smoothing import remove_spikes, smooth
from fervlm.sequences.track import Key, Track

if TYPE_CHECKING:
    from fervlm.sequences.track import Floats, Numbers, Times


def tracks(records: Iterable[AURecord], settings: ClipSettings | None = None) -> Iterator[Track]:
    """One track per face and recording, in the order they appear; one recording is held in memory at a time.

    Raises:
        FervlmError: stamps or frame numbers fall or repeat, or single pictures carry no frame number.
    """
    for faces in recordings(records):
        yield from follow(faces, settings or ClipSettings())


def follow(faces: list[FaceRows], settings: ClipSettings) -> list[Track]:
    """Tracks of the faces of one recording. The columns of `faces` are smoothed in place and shared, not copied."""
    found = [_track(face, settings) for face in faces]
    begin = min((t.times[0] for t in found if len(t.times)), default=0.0)
    end = max((t.times[-1] for t in found if len(t.times)), default=0.0)
    return [replace(track, recording=(float(begin), float(end))) for track in found]


def _track(rows: FaceRows, settings: ClipSettings) -> Track:
    times, frames, kind = clock(rows, settings.fps)
    tracked = np.frombuffer(rows.tracked, dtype=np.int8).astype(bool)
    stretch, step = stretches(times, tracked, settings.gap)
    thresholds = {key: _threshold(rows, key) for key in rows.columns}
    values: dict[Key, Floats] = {}
    baseline: dict[Key, float] = {}
    for key, column in rows.columns.items():
        curve = np.frombuffer(column, dtype=np.float32)
        _quieten(curve, key, rows.scales[key], times, stretch, step, settings)
        if rows.scales[key] in AMPLITUDES:
            given = settings.given.get(key)
            taken = neutral_value(curve, times, thresholds[key], settings) if given is None else given
            if taken > 0:
                baseline[key] = round(taken, 4)
                np.maximum(curve - np.float32(taken), 0, out=curve)
        values[key] = curve
    track = Track(
        face_id=rows.face_id,
        times=times,
        tracked=tracked,
        values=values,
        scale=_main_scale(rows.scales),
        thresholds=thresholds,
        baseline=baseline,
        scales=dict(rows.scales),
        stretch=stretch,
        frames=frames,
        clock=kind,
        step=step,
        file=rows.file,
        picture=rows.picture,
        detector=rows.detector,
        baseline_kind=("given" if settings.given else KINDS[settings.neutral]) if baseline else "none",
    )
    return replace(track, events=find_events(track, settings))


def _threshold(rows: FaceRows, key: Key) -> float:
    own = rows.thresholds[key]
    return ON[rows.scales[key]] if own is None else float(own)


def _main_scale(scales: dict[Key, Scale]) -> Scale:
    return Counter(scales.values()).most_common(1)[0][0] if scales else "presence"


def _quieten(
    curve: Floats, key: Key, scale: Scale, times: Times, stretch: Numbers, step: float, settings: ClipSettings
) -> None:
    """Smooth one curve in place; presence bits and lid closures stay as they were written."""
    if scale == "presence" or key[0] in QUICK_UNITS:
        return
    own = measured_stretches(curve, stretch)
    if step <= settings.spike_step_s:
        remove_spikes(curve, own)
    smooth(curve, times, own, settings.smooth_s, step)
