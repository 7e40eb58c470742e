"""Movements that belong together in time: the episodes of expression of a recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fervlm.records import AUEvent
from fervlm.sequences.apex import evidence_curve, row_of
from fervlm.sequences.settings import QUICK_UNITS
from fervlm.sequences.track import Track

if TYPE_CHECKING:
    from fervlm.sequences.track import Floats

_VALLEY = 0.5
"""Where the sum of the movements falls to this share of the lower of two peaks, it parts them."""
_RISE = 0.2
"""Least rise out of a valley: one movement from nothing to level A."""


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of time in which movements come and go together."""

    begin_s: float
    end_s: float
    events: tuple[AUEvent, ...]
    """By onset; lid closures within the stretch included."""


def episodes(track: Track, bridge_s: float = 10.0) -> tuple[Episode, ...]:
    """The episodes of a track, by time.

    Movements that overlap are one episode, except that a valley in the sum of all movements, half as high as the
    peaks beside it, parts them: each then belongs to the side its apex is on. A movement held longer than `bridge_s`
    joins nothing together; where it overlaps no other, it is an episode of its own. A lid closure alone is none.
    """
    moving = [e for e in track.events if e.au not in QUICK_UNITS]
    quick = [e for e in track.events if e.au in QUICK_UNITS]
    held = [e for e in moving if e.offset_s - e.onset_s > bridge_s]
    groups = _overlapping([e for e in moving if e.offset_s - e.onset_s <= bridge_s])
    spans = _Spans(groups)
    groups += _overlapping([e for e in held if not spans.meet(e.onset_s, e.offset_s)])
    parts = [part for group in groups for part in _parted(track, group)]
    found = []
    closures = iter(sorted(quick, key=lambda e: e.apex_s))
    closure = next(closures, None)
    for part in sorted(parts, key=lambda p: min(e.onset_s for e in p)):
        begin, end = min(e.onset_s for e in part), max(e.offset_s for e in part)
        members = list(part)
        while closure is not None and closure.apex_s <= end:
            if closure.apex_s >= begin:
                members.append(closure)
            closure = next(closures, None)
        found.append(Episode(begin, end, tuple(sorted(members, key=lambda e: (e.onset_s, e.au, e.side or "")))))
    return tuple(found)


def episode_at(track: Track, row: int, bridge_s: float = 10.0) -> Episode | None:
    """The episode that a row belongs to: of those that span it, the one whose movements are largest there."""
    at = float(track.times[row])
    spanning = [e for e in episodes(track, bridge_s) if e.begin_s <= at <= e.end_s]
    return max(spanning, key=lambda e: float(evidence_curve(track, e.events, row, row + 1)[0]), default=None)


def _overlapping(events: list[AUEvent]) -> list[list[AUEvent]]:
    groups: list[list[AUEvent]] = []
    end = float("-inf")
    for event in sorted(events, key=lambda e: e.onset_s):
        if groups and event.onset_s <= end:
            groups[-1].append(event)
            end = max(end, event.offset_s)
        else:
            groups.append([event])
            end = event.offset_s
    return groups


class _Spans:
    """The stretches of groups that do not overlap each other, by onset."""

    def __init__(self, groups: list[list[AUEvent]]) -> None:
        self._begins = np.array([group[0].onset_s for group in groups])
        self._ends = np.array([max(e.offset_s for e in group) for group in groups])

    def meet(self, begin: float, end: float) -> bool:
        """Whether any of them overlaps a stretch of time."""
        first = int(np.searchsorted(self._ends, begin))
        return first < len(self._begins) and bool(self._begins[first] <= end)


def _parted(track: Track, group: list[AUEvent]) -> list[list[AUEvent]]:
    """A group of overlapping movements, cut at the valleys of their sum."""
    if len(group) < 2:
        return [group]
    start = row_of(track, group[0].onset_s)
    stop = row_of(track, max(e.offset_s for e in group)) + 1
    cuts = _valleys(evidence_curve(track, group, start, stop))
    edges = [float(track.times[start + cut]) for cut in cuts]
    parts: list[list[AUEvent]] = [[] for _ in range(len(edges) + 1)]
    for event in group:
        parts[int(np.searchsorted(edges, event.apex_s))].append(event)
    return [part for part in parts if part]


def _valleys(curve: Floats) -> list[int]:
    """Rows at which a curve falls to `_VALLEY` of the lower of its peaks before and after, in one pass."""
    turns = np.flatnonzero(np.diff(np.sign(np.diff(curve))) != 0) + 1
    cuts = []
    peak = low = float(curve[0])
    low_at = 0
    for row in [*turns.tolist(), len(curve) - 1]:
        value = float(curve[row])
        if value < low:
            low, low_at = value, row
        elif low <= _VALLEY * min(peak, value) and value - low >= _RISE and peak - low >= _RISE:
            cuts.append(low_at)
            peak = low = value
            low_at = row
        elif value > peak:
            peak = low = value
            low_at = row
    return cuts
