"""The apex of a clip or episode: the row with the most evidence, and the record an explanation of it rests on."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from fervlm.records import AUEvent, AUReading, AURecord, Scale, Source
from fervlm.sequences.collect import FaceRows
from fervlm.sequences.settings import QUICK_UNITS, ClipSettings
from fervlm.sequences.track import Track

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fervlm.sequences.track import Floats

FULL: dict[Scale, float] = {"intensity_0_5": 5.0, "evidence_log10": 3.0}
"""What counts as one whole unit of evidence; 1 on every other scale."""
_NEARLY = 0.85


def apex_row(track: Track, events: Iterable[AUEvent]) -> int | None:
    """The row at which the movements of `events` sum to the most evidence; the first of equals.

    Each movement adds its value as a share of its scale; left and right of one AU count half each. Lid closures do not
    count, and a row with the lids open is preferred where it has nearly as much (`_NEARLY`) evidence.
    Without a movement it is the middle one of the tracked rows, and None where no row is tracked.
    """
    given = list(events)
    moving = [e for e in given if e.au not in QUICK_UNITS]
    if not moving:
        known = np.flatnonzero(track.tracked)
        return int(known[len(known) // 2]) if len(known) else None
    # Only the rows that the movements span, so that the episodes of a long recording cost no more than it is long.
    start = row_of(track, min(e.onset_s for e in moving))
    stop = row_of(track, max(e.offset_s for e in moving)) + 1
    curve = evidence_curve(track, moving, start, stop)
    best = int(np.argmax(curve))
    open_eyed = curve.copy()
    for event in given:
        if event.au in QUICK_UNITS:
            begin, end = row_of(track, event.onset_s) - start, row_of(track, event.offset_s) + 1 - start
            open_eyed[max(0, begin) : max(0, end)] = 0
    other = int(np.argmax(open_eyed))
    return start + (other if open_eyed[other] >= _NEARLY * curve[best] else best)


def evidence_curve(track: Track, events: Iterable[AUEvent], start: int, stop: int) -> Floats:
    """Sum of the movements' values, each as a share of its scale, for the rows `start` to `stop` - 1 (float32)."""
    total: Floats = np.zeros(stop - start, dtype=np.float32)
    for event in events:
        begin = max(start, row_of(track, event.onset_s))
        end = min(stop, row_of(track, event.offset_s) + 1)
        if begin >= end:
            continue
        both = (event.au, "left") in track.values and (event.au, "right") in track.values
        share = (0.5 if both and event.side else 1.0) / FULL.get(event.scale, 1.0)
        values = track.values[event.au, event.side if event.side in {"left", "right"} else None]
        total[begin - start : end - start] += np.nan_to_num(np.maximum(values[begin:end], 0)) * np.float32(share)
    return total


def row_of(track: Track, second: float) -> int:
    """The row that stands at a second which an event carries (rounded to microseconds)."""
    return int(np.searchsorted(track.times, second - 1e-6))


def record_at(rows: FaceRows, track: Track, row: int, settings: ClipSettings, what: str) -> AURecord:
    """The smoothed, neutral-corrected values of one row as evidence; `derived` says how it came about.

    Args:
        rows: the collected rows the track was made of.
        track: the track of these rows.
        row: index of the row.
        settings: the settings the track was made with.
        what: what the row is, "apex of the clip".
    """
    readings = tuple(
        AUReading(
            au=au,
            side=side,
            state="present" if value >= track.thresholds[au, side] else "absent",
            value=None if track.scales[au, side] == "presence" else round(value, 4),
            scale=track.scales[au, side],
            threshold=None if track.scales[au, side] == "presence" else track.thresholds[au, side],
        )
        for (au, side), values in track.values.items()
        if not np.isnan(value := float(values[row]))
    )
    head, gaze = rows.angles(row)
    frame = rows.frames[row] if rows.frames[row] >= 0 else None
    return AURecord(
        id=f"{clip_id(track)}@{rows.rows[row] if frame is None else frame}",
        source=Source(file=rows.file, row=rows.rows[row] if rows.rows[row] > 0 else None),
        face_id=track.face_id,
        frame=frame,
        time_s=None if track.clock != "time" else round(float(track.times[row]), 6),
        picture=rows.picture,
        derived=_derived(track, settings, what),
        box=rows.box(row),
        detector=rows.detector,
        readings=readings,
        not_measured=rows.not_measured,
        quality=rows.quality(row),
        head=head,
        gaze=gaze,
        subject=rows.subject,
    )


def untracked_record(rows: FaceRows, track: Track) -> AURecord:
    """Evidence of a recording in which no row shows a tracked face: none."""
    return AURecord(
        id=clip_id(track),
        source=Source(file=rows.file),
        face_id=track.face_id,
        picture=rows.picture,
        derived="whole clip: no row with a tracked face",
        detector=rows.detector,
        not_measured=rows.not_measured,
        quality=rows.no_face(),
        subject=rows.subject,
    )


def clip_id(track: Track) -> str:
    """File (and video) name without its folder, and the face where there is one: `film.csv:2`."""
    name = PurePath(track.file).name
    if track.picture is not None and PurePath(track.picture).name != name:
        name += f":{PurePath(track.picture).name}"
    return name if track.face_id is None else f"{name}:{track.face_id}"


def _derived(track: Track, settings: ClipSettings, what: str) -> str:
    parts = [what]
    if any(scale != "presence" for scale in track.scales.values()) and track.step < settings.smooth_s:
        parts.append(f"smoothed over {2 * settings.smooth_s:g} s within unbroken tracking")
    if track.baseline:
        parts.append(f"neutral subtracted ({track.baseline_kind})")
    if track.clock != "time":
        parts.append("no time stamps in the file, seconds assume 25 frames a second")
    return "; ".join(parts)
