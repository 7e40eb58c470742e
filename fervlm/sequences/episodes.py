"""Movements that overlap in time are one episode of expression."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from fervlm.records import AUEvent
from fervlm.sequences.settings import QUICK_UNITS


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of time in which movements overlap."""

    begin_s: float
    end_s: float
    events: tuple[AUEvent, ...]
    """By onset; lid closures within the stretch included."""


def episodes(events: Iterable[AUEvent], bridge_s: float = 10.0) -> tuple[Episode, ...]:
    """Groups of movements that overlap, by onset.

    A movement held longer than `bridge_s` joins every group it overlaps without making them one, and is a group of
    its own where it overlaps none. A lid closure alone makes no episode.
    """
    found = list(events)
    moving = [e for e in found if e.au not in QUICK_UNITS]
    held = [e for e in moving if e.offset_s - e.onset_s > bridge_s]
    groups = _overlapping([e for e in moving if e.offset_s - e.onset_s <= bridge_s])
    beside = _Overlaps([*held, *(e for e in found if e.au in QUICK_UNITS)])
    inside = _Overlaps([e for group in groups for e in group])
    groups += _overlapping([e for e in held if not inside.of(e.onset_s, e.offset_s)])
    episodes_found = []
    for group in sorted(groups, key=lambda g: g[0].onset_s):
        begin, end = group[0].onset_s, max(e.offset_s for e in group)
        members = {id(e): e for e in (*group, *beside.of(begin, end))}.values()
        ordered = tuple(sorted(members, key=lambda e: (e.onset_s, e.au, e.side or "")))
        episodes_found.append(Episode(begin, end, ordered))
    return tuple(episodes_found)


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


class _Overlaps:
    """Finds the events that overlap a stretch of time without looking at all of them."""

    def __init__(self, events: list[AUEvent]) -> None:
        self._events = sorted(events, key=lambda e: e.onset_s)
        self._onsets = [e.onset_s for e in self._events]
        self._longest = max((e.offset_s - e.onset_s for e in self._events), default=0.0)

    def of(self, begin: float, end: float) -> list[AUEvent]:
        low = bisect_left(self._onsets, begin - self._longest)
        high = bisect_right(self._onsets, end)
        return [e for e in self._events[low:high] if e.offset_s >= begin]
