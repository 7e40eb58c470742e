"""A recording in numbers: which movements, how often, how long, which together, and how much was seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from fervlm.facs.units import action_unit
from fervlm.reasoning.observe import LEVEL_LETTERS
from fervlm.records import Record, Scale, Unit01
from fervlm.sequences.beats import Beat, beats, counts
from fervlm.sequences.settings import QUICK_UNITS
from fervlm.sequences.track import Clock, Track

if TYPE_CHECKING:
    from fervlm.sequences.track import Flags, Numbers

_MOST_COMBINATIONS = 3
_PARTS = 10


class MovementSummary(Record):
    """One AU through a recording; its sides taken together."""

    au: int
    name: str
    times: int = Field(ge=1, description="How often; pieces that only a gap in tracking parts count as one.")
    times_most: int = Field(ge=1, description="How often, if every such piece is a movement of its own.")
    sides: dict[str, int] = Field(default_factory=dict, description="How often one side alone moved, where measured.")
    total_s: float = Field(ge=0)
    share: Unit01 = Field(description="Of the tracked time.")
    longest_s: float = Field(ge=0)
    first_s: float
    peak_level: str | None = Field(None, description="Highest FACS level, A to E; intensities only.")


class CombinationSummary(Record):
    """AUs that move at the same time, and how long exactly these do."""

    aus: tuple[int, ...]
    total_s: float = Field(ge=0)
    share: Unit01 = Field(description="Of the tracked time.")


class FaceSummary(Record):
    """One face of a recording."""

    face_id: str | None
    detector: str | None
    scale: Scale
    tracked_s: float = Field(ge=0)
    tracked_share: Unit01 = Field(description="Of the whole recording.")
    stretches: int = Field(ge=0, description="Unbroken stretches of tracking.")
    moving_share: Unit01 = Field(description="Share of the tracked time in which anything but lid closures moves.")
    movements: tuple[MovementSummary, ...] = Field(description="Longest total time first; lid closures among them.")
    combinations: tuple[CombinationSummary, ...] = Field((), description="Of two AUs or more, most frequent first.")
    onsets_by_tenth: tuple[int, ...] = Field(description="Movements that begin in each tenth of the recording.")
    neutral: str = Field(description="What was subtracted as the neutral face.")


class RecordingSummary(Record):
    """A recording and its faces."""

    schema_version: str = "1"
    file: str
    picture: str | None = None
    seconds: float = Field(ge=0)
    clock: Clock = Field(description="`time`, or `frames`/`rows` where seconds are assumed at 25 a second.")
    rows: int = Field(ge=0)
    faces: tuple[FaceSummary, ...] = Field(description="Longest tracked first; none is left out.")


def summary_of(tracks: Iterable[Track]) -> RecordingSummary:
    """The summary of one recording, given the tracks of its faces (at least one)."""
    found = list(tracks)
    first = found[0]
    seconds = max(
        (_recording(track)[1] - _recording(track)[0] + track.step for track in found if len(track.times)), default=0.0
    )
    faces = sorted((_face(track, seconds) for track in found), key=lambda face: -face.tracked_s)
    return RecordingSummary(
        file=first.file,
        picture=first.picture,
        seconds=round(seconds, 3),
        clock=first.clock,
        rows=sum(len(track.times) for track in found),
        faces=tuple(faces),
    )


def _recording(track: Track) -> tuple[float, float]:
    if track.recording is not None:
        return track.recording
    return (float(track.times[0]), float(track.times[-1])) if len(track.times) else (0.0, 0.0)


def _face(track: Track, seconds: float) -> FaceSummary:
    # Every tracked row stands for the usual step, so a gap counts as not tracked whether or not rows stand for it.
    tracked_s = float(track.tracked.sum()) * track.step
    found = beats(track.events)
    active = _activity(track)
    moving = np.zeros(len(track.times), dtype=bool)
    for au, rows in active.items():
        if au not in QUICK_UNITS:
            moving |= rows
    rows_tracked = max(1, int(track.tracked.sum()))
    stretch = track.stretch
    return FaceSummary(
        face_id=track.face_id,
        detector=track.detector.name if track.detector else None,
        scale=track.scale,
        tracked_s=round(tracked_s, 3),
        tracked_share=_share(tracked_s, seconds),
        stretches=0 if stretch is None or not len(stretch) else int(stretch.max()) + 1,
        moving_share=_share(int(moving.sum()), rows_tracked),
        movements=_movements(found, active, rows_tracked, track.step),
        combinations=_combinations(active, rows_tracked, track.step),
        onsets_by_tenth=_by_tenth(found, _recording(track)),
        neutral=track.baseline_kind,
    )


def _activity(track: Track) -> dict[int, Flags]:
    """AU -> whether it moves in each row, by its events."""
    found: dict[int, Flags] = {}
    for event in track.events:
        rows = found.setdefault(event.au, np.zeros(len(track.times), dtype=bool))
        begin = int(np.searchsorted(track.times, event.onset_s - 1e-6))
        rows[begin : int(np.searchsorted(track.times, event.offset_s + 1e-6))] = True
    return found


def _movements(
    found: tuple[Beat, ...], active: dict[int, Flags], rows_tracked: int, step: float
) -> tuple[MovementSummary, ...]:
    by_au: dict[int, list[Beat]] = {}
    for beat in found:
        by_au.setdefault(beat.au, []).append(beat)
    number = counts(found)
    result = []
    for au, own in by_au.items():
        rows = int(active[au].sum())
        sides = [beat.side for beat in own if beat.side is not None]
        levels = [beat.level for beat in own if beat.level is not None]
        result.append(
            MovementSummary(
                au=au,
                name=action_unit(au).name,
                times=number[au][0],
                times_most=number[au][1],
                sides={side: sides.count(side) for side in ("left", "right") if side in sides},
                total_s=round(rows * step, 3),
                share=_share(rows, rows_tracked),
                longest_s=round(max(beat.offset_s - beat.onset_s for beat in own) + step, 3),
                first_s=own[0].onset_s,
                peak_level=LEVEL_LETTERS[max(levels) - 1] if levels else None,
            )
        )
    return tuple(sorted(result, key=lambda m: (-m.total_s, m.au)))


def _combinations(active: dict[int, Flags], rows_tracked: int, step: float) -> tuple[CombinationSummary, ...]:
    aus = [au for au in sorted(active) if au not in QUICK_UNITS][:63]
    if len(aus) < 2:
        return ()
    code: Numbers = np.zeros(len(active[aus[0]]), dtype=np.int64)
    for bit, au in enumerate(aus):
        code |= active[au].astype(np.int64) << bit
    codes, rows = np.unique(code, return_counts=True)
    found = []
    for at in np.argsort(-rows, kind="stable"):
        members = tuple(au for bit, au in enumerate(aus) if int(codes[at]) >> bit & 1)
        if len(members) > 1:
            count = int(rows[at])
            found.append(
                CombinationSummary(aus=members, total_s=round(count * step, 3), share=_share(count, rows_tracked))
            )
        if len(found) == _MOST_COMBINATIONS:
            break
    return tuple(found)


def _by_tenth(found: tuple[Beat, ...], recording: tuple[float, float]) -> tuple[int, ...]:
    begin, end = recording
    tenths = [0] * _PARTS
    for beat in found:
        if not beat.quick:
            at = (beat.onset_s - begin) / (end - begin) if end > begin else 0.0
            tenths[min(_PARTS - 1, int(at * _PARTS))] += 1
    return tuple(tenths)


def _share(part: float, whole: float) -> float:
    return round(min(1.0, part / whole), 4) if whole > 0 else 0.0
