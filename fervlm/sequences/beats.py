"""What the words speak of: a movement of the face, its left and right events taken together.

The writer and the reader of a course both look at beats, so that one rule says how many movements there are and which
of them share an onset.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fervlm.reasoning.observe import Level, level_of
from fervlm.records import AUEvent
from fervlm.sequences.settings import QUICK_UNITS

TOGETHER_S = 0.1
"""Onsets this close are called simultaneous; at slow frame rates one and a half rows."""
BRIEF_S = 0.5
"""A movement up to this long may be called brief; no word here says "micro", which takes a high frame rate to know."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One movement."""

    au: int
    side: Literal["left", "right"] | None
    """Named only where sides were measured and one side alone moved."""
    onset_s: float
    apex_s: float
    offset_s: float
    onset_frame: int | None
    apex_frame: int | None
    offset_frame: int | None
    level: Level | None
    """FACS level of the peak, only on a true intensity scale."""
    open_start: bool
    open_end: bool

    @property
    def quick(self) -> bool:
        """Whether it is a lid closure."""
        return self.au in QUICK_UNITS


def beats(events: Iterable[AUEvent]) -> tuple[Beat, ...]:
    """Events of one AU whose sides overlap in time become one beat; by onset, then AU."""
    by_au: dict[int, list[AUEvent]] = {}
    for event in sorted(events, key=lambda e: e.onset_s):
        by_au.setdefault(event.au, []).append(event)
    found: list[Beat] = []
    for group in by_au.values():
        cluster: list[AUEvent] = []
        for event in group:
            if cluster and not _joins(cluster, event):
                found.append(_beat(cluster))
                cluster = []
            cluster.append(event)
        found.append(_beat(cluster))
    return tuple(sorted(found, key=lambda b: (b.onset_s, b.au)))


def _joins(cluster: list[AUEvent], event: AUEvent) -> bool:
    """Whether an event of another side is under way when this one begins."""
    return any(e.side != event.side and event.onset_s <= e.offset_s for e in cluster)


def _beat(cluster: list[AUEvent]) -> Beat:
    sides = {e.side for e in cluster} - {None, "both"}
    first = cluster[0]
    last = max(cluster, key=lambda e: e.offset_s)
    peak = max(cluster, key=lambda e: e.peak or 0.0)
    side = next(iter(sides)) if len(sides) == 1 and not any(e.side == "both" for e in cluster) else None
    strong = first.scale == "intensity_0_5" and peak.peak is not None
    return Beat(
        au=first.au,
        side=side if side != "both" else None,
        onset_s=first.onset_s,
        apex_s=peak.apex_s,
        offset_s=last.offset_s,
        onset_frame=first.onset_frame,
        apex_frame=peak.apex_frame,
        offset_frame=last.offset_frame,
        level=level_of(peak.peak) if strong and peak.peak is not None else None,
        open_start=any(e.open_start for e in cluster if e.onset_s <= first.onset_s),
        open_end=any(e.open_end for e in cluster if e.offset_s >= last.offset_s),
    )


def together_s(step: float) -> float:
    """How far apart two onsets may lie and still be called simultaneous, given the distance of rows."""
    return max(TOGETHER_S, 1.5 * step)


def counts(found: Iterable[Beat]) -> dict[int, tuple[int, int]]:
    """AU -> least and largest number of its movements.

    They differ where a gap in tracking cuts what may have been one movement: a beat still under way when the face is
    lost, and the next one already under way when it is found again.
    """
    result: dict[int, tuple[int, int]] = {}
    before: dict[int, Beat] = {}
    for beat in found:
        least, most = result.get(beat.au, (0, 0))
        last = before.get(beat.au)
        same = last is not None and last.open_end and beat.open_start
        result[beat.au] = (least + (not same), most + 1)
        before[beat.au] = beat
    return result
