"""Onset, apex and offset of every movement, by two thresholds on each AU's curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fervlm.records import AUEvent
from fervlm.sequences.clock import measured_stretches
from fervlm.sequences.settings import QUICK_UNITS, ClipSettings, off

if TYPE_CHECKING:
    from fervlm.sequences.track import Floats, Key, Numbers, Track


def find_events(track: Track, settings: ClipSettings) -> tuple[AUEvent, ...]:
    """All events of a track by onset, then AU.

    An event begins at the first row at or above the lower threshold of a run that reaches the upper one, and ends at
    the last such row; its apex is the first largest row. Runs of one stretch with a dip shorter than `merge_s`
    between them are one event. Shorter ones than `min_event_s` are dropped, unless they fill their whole stretch.
    Nothing joins across a gap: the parts carry `open_end` and `open_start`.
    """
    found = [
        _event(track, key, stretch, begin, end)
        for key, values in track.values.items()
        for stretch in (measured_stretches(values, track.stretch),)
        for begin, end in _key_runs(track, key, stretch, settings)
    ]
    return tuple(sorted(found, key=lambda e: (e.onset_s, e.au, e.side or "")))


def _key_runs(track: Track, key: Key, stretch: Numbers, settings: ClipSettings) -> list[tuple[int, int]]:
    on = track.thresholds[key]
    quick = key[0] in QUICK_UNITS
    runs = _runs(track.values[key], stretch, on, off(track.scales.get(key, track.scale), on))
    if not quick:
        runs = _merge(runs, track, stretch, settings.merge_s)
    least = settings.min_quick_s if quick else settings.min_event_s
    return [(begin, end) for begin, end in runs if _lasts(track, stretch, begin, end, least)]


def _runs(values: Floats, stretch: Numbers, on: float, low: float) -> list[tuple[int, int]]:
    """First and last row of each run at or above `low` within one stretch that somewhere reaches `on`."""
    above = (values >= low) & (stretch >= 0)
    if not above.any():
        return []
    begins = above.copy()
    begins[1:] &= ~(above[:-1] & (stretch[:-1] == stretch[1:]))
    first = np.flatnonzero(begins)
    ends = above.copy()
    ends[:-1] &= ~(above[1:] & (stretch[:-1] == stretch[1:]))
    last = np.flatnonzero(ends)
    # Rows between two runs lie below `low`, so the maximum from one begin to the next is the run's own.
    peaks = np.maximum.reduceat(np.where(above, values, -np.inf), first)
    keep = peaks >= on
    return [(int(a), int(b)) for a, b in zip(first[keep], last[keep], strict=True)]


def _merge(runs: list[tuple[int, int]], track: Track, stretch: Numbers, merge_s: float) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in runs:
        if merged:
            last = merged[-1]
            dip = track.times[begin] - track.times[last[1]] - track.step
            if stretch[last[1]] == stretch[begin] and dip < merge_s:
                merged[-1] = (last[0], end)
                continue
        merged.append((begin, end))
    return merged


def _lasts(track: Track, stretch: Numbers, begin: int, end: int, least: float) -> bool:
    if track.times[end] - track.times[begin] + track.step >= least * (1 - 1e-6):
        return True
    return _opens(stretch, begin) and _closes(stretch, end)


def _opens(stretch: Numbers, row: int) -> bool:
    return row == 0 or bool(stretch[row - 1] != stretch[row])


def _closes(stretch: Numbers, row: int) -> bool:
    return row == len(stretch) - 1 or bool(stretch[row + 1] != stretch[row])


def _event(track: Track, key: Key, stretch: Numbers, begin: int, end: int) -> AUEvent:
    values = track.values[key]
    apex = begin + int(np.nanargmax(values[begin : end + 1]))
    scale = track.scales.get(key, track.scale)
    return AUEvent(
        au=key[0],
        side=key[1],
        onset_s=_second(track, begin),
        apex_s=_second(track, apex),
        offset_s=_second(track, end),
        onset_frame=_frame(track, begin),
        apex_frame=_frame(track, apex),
        offset_frame=_frame(track, end),
        peak=None if scale == "presence" else round(float(values[apex]), 4),
        scale=scale,
        open_start=_opens(stretch, begin),
        open_end=_closes(stretch, end),
    )


def _second(track: Track, row: int) -> float:
    return round(float(track.times[row]), 6)


def _frame(track: Track, row: int) -> int | None:
    if track.frames is None or track.frames[row] < 0:
        return None
    return int(track.frames[row])
