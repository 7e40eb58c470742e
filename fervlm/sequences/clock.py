"""Seconds for every row: from the file's stamps, from frame numbers and a rate, or by counting rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fervlm.errors import FervlmError
from fervlm.sequences.collect import FaceRows
from fervlm.sequences.track import ASSUMED_FPS, Clock

if TYPE_CHECKING:
    from fervlm.sequences.track import Flags, Floats, Numbers, Times

_SURE = 0.1
"""A frame rate read off coarse stamps counts as known where its bounds lie this close (relative)."""


def clock(rows: FaceRows, fps: float | None = None) -> tuple[Times, Numbers, Clock]:
    """Ascending seconds (float64), frame numbers (int64, -1 where missing) and where the seconds came from.

    In this order: a rate given by the user times the frame numbers (row numbers where there are none); the stamps,
    where they rise from row to row; coarse stamps (several frames share a whole second) put straight by the frame
    numbers; frame numbers or, without any, rows at an assumed 25 a second. Where rows are counted, the count stands
    in for the frame number.

    Raises:
        FervlmError: stamps or frame numbers fall, or repeat where nothing else tells the rows apart.
    """
    times = np.frombuffer(rows.times, dtype=np.float64).copy()
    frames = np.frombuffer(rows.frames, dtype=np.int64).copy()
    numbered = bool(len(frames)) and bool((frames >= 0).all())
    stamped = ~np.isnan(times)
    _refuse_falling(rows, times[stamped], np.flatnonzero(stamped), "time stamp")
    if numbered:
        _refuse_falling(rows, frames, np.arange(len(frames)), "frame number")
        _refuse_equal(rows, frames)
    elif not stamped.any() or fps is not None:
        frames = np.arange(len(frames), dtype=np.int64)
    if fps is not None:
        return frames / fps, frames, "time"
    if stamped.all() and bool((np.diff(times) > 0).all()):
        return times, frames, "time"
    if numbered:
        rate, sure = _rate(frames[stamped], times[stamped])
        first = int(np.argmax(stamped))
        origin = times[first] - frames[first] / rate if sure else 0.0
        return origin + frames / rate, frames, "time" if sure else "frames"
    if stamped.all():
        _refuse_equal(rows, times)
    if stamped.any():
        raise FervlmError(
            "a row has neither a time stamp nor a frame number",
            file=rows.file,
            row=_row(rows, int(np.flatnonzero(~stamped)[0])),
            hint="Give the frame rate (--fps) to count rows instead.",
        )
    return frames / ASSUMED_FPS, frames, "rows"


def _rate(frames: Numbers, times: Times) -> tuple[float, bool]:
    """Frames a second from the rows that carry a stamp, and whether that is sure within a tenth.

    Exact stamps give the median slope. Coarse ones (cut to whole units) bound it: the frame that opens a new unit
    has passed it, the frame before has not.
    """
    if len(times) < 2:
        return ASSUMED_FPS, False
    rising = np.flatnonzero(np.diff(times) > 0)
    if len(rising) == len(times) - 1:
        return float(1 / np.median(np.diff(times) / np.diff(frames))), True
    if not len(rising):
        return ASSUMED_FPS, False
    spent = times[rising + 1] - times[0]
    highest = float(((frames[rising + 1] - frames[0]) / spent).min())
    lowest = float(((frames[rising] - frames[0]) / spent).max())
    if not 0 < lowest <= highest:
        return ASSUMED_FPS, False
    return highest, highest - lowest <= _SURE * highest


def stretches(times: Times, tracked: Flags, gap: float) -> tuple[Numbers, float]:
    """Number of the unbroken stretch each row belongs to (-1 where untracked), and the usual step in seconds.

    A stretch ends where the face is lost and where two rows lie more than `gap` usual steps apart; usual is the 90 %
    quantile, so that jittering stamps do not cut a recording to pieces.
    """
    if len(times) < 2:
        return np.where(tracked, 0, -1).astype(np.int64), 1 / ASSUMED_FPS
    steps = np.diff(times)
    longest = gap * float(np.quantile(steps, 0.9)) * (1 + 1e-9)
    opens = tracked.copy()
    opens[1:] &= ~tracked[:-1] | (steps > longest)
    return np.where(tracked, np.cumsum(opens) - 1, -1).astype(np.int64), float(np.median(steps))


def measured_stretches(values: Floats, stretch: Numbers | None) -> Numbers:
    """The same numbering for one AU, whose stretches also end where it was not measured (NaN)."""
    known = ~np.isnan(values)
    if stretch is None:
        stretch = np.zeros(len(values), dtype=np.int64)
    known &= stretch >= 0
    opens = known.copy()
    opens[1:] &= ~(known[:-1] & (stretch[:-1] == stretch[1:]))
    return np.where(known, np.cumsum(opens) - 1, -1)


def _row(rows: FaceRows, index: int) -> int | None:
    return rows.rows[index] if rows.rows[index] > 0 else None


def _refuse_falling(rows: FaceRows, values: Times | Numbers, places: np.typing.NDArray[np.intp], what: str) -> None:
    falls = np.flatnonzero(np.diff(values) < 0)
    if len(falls):
        at = int(falls[0]) + 1
        raise FervlmError(
            f"the {what} falls from {values[at - 1]:g} to {values[at]:g}, so these rows are not one recording in order",
            file=rows.file,
            row=_row(rows, int(places[at])),
            hint="Sort the rows by time, or give each recording a file of its own.",
        )


def _refuse_equal(rows: FaceRows, values: Times | Numbers) -> None:
    twice = np.flatnonzero(np.diff(values) == 0)
    if len(twice):
        at = int(twice[0]) + 1
        raise FervlmError(
            f"two rows of one face stand at {values[at]:g}",
            file=rows.file,
            row=_row(rows, at),
            hint="Keep one row per face and frame, or give faces an id.",
        )
