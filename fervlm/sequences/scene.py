"""What a course is told of and checked against: events, the clock, and the stretch of the recording."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fervlm.records import AUEvent, Prediction
from fervlm.sequences.beats import Beat, beats, together_s
from fervlm.sequences.track import ASSUMED_FPS, Clock

if TYPE_CHECKING:
    from fervlm.sequences.track import Track


@dataclass(frozen=True, slots=True)
class Scene:
    """The movements of one face in one stretch of a recording."""

    beats: tuple[Beat, ...]
    """By onset."""
    measured: frozenset[int]
    """AUs the detector measures; a text may say nothing of others."""
    sided: frozenset[int] = frozenset()
    """AUs measured on each side."""
    clock: Clock = "time"
    step: float = 1 / ASSUMED_FPS
    """Seconds from row to row."""
    begin_s: float = 0.0
    end_s: float = 0.0
    whole: bool = True
    """Whether these are all movements of the face, or those of one episode, beside which others may go on."""
    apex_s: float | None = None
    """The fullest moment, as chosen for the explanation."""
    apex_frame: int | None = None

    @property
    def moving(self) -> tuple[Beat, ...]:
        """The beats without lid closures."""
        return tuple(b for b in self.beats if not b.quick)

    @property
    def together_s(self) -> float:
        """How far apart simultaneous onsets may lie."""
        return together_s(self.step)


def scene_of(track: Track, events: Iterable[AUEvent] | None = None, apex: int | None = None) -> Scene:
    """The scene of a whole track, or of some of its events; `apex` is a row of the track."""
    chosen = tuple(track.events if events is None else events)
    whole = events is None
    begin = float(track.times[0]) if whole and len(track.times) else min((e.onset_s for e in chosen), default=0.0)
    end = float(track.times[-1]) if whole and len(track.times) else max((e.offset_s for e in chosen), default=0.0)
    return Scene(
        beats=beats(chosen),
        measured=frozenset(au for au, _ in track.values),
        sided=frozenset(au for au, side in track.values if side is not None),
        clock=track.clock,
        step=track.step,
        begin_s=begin,
        end_s=end,
        whole=whole,
        apex_s=None if apex is None else float(track.times[apex]),
        apex_frame=None if apex is None or track.frames is None else int(track.frames[apex]),
    )


def scene_of_events(events: Iterable[AUEvent]) -> Scene:
    """The scene that events alone tell: every AU among them is measured, and seconds are true seconds."""
    chosen = tuple(events)
    found = beats(chosen)
    return Scene(
        beats=found,
        measured=frozenset(e.au for e in chosen),
        sided=frozenset(e.au for e in chosen if e.side is not None),
        begin_s=min((b.onset_s for b in found), default=0.0),
        end_s=max((b.offset_s for b in found), default=0.0),
    )


def scene_of_prediction(prediction: Prediction) -> Scene:
    """The scene that a prediction for an event or clip carries with it, to check its course again."""
    told = scene_of_events(prediction.events)
    evidence = prediction.evidence
    span = prediction.span_s or (told.begin_s, told.end_s)
    return replace(
        told,
        measured=frozenset(reading.au for reading in evidence.readings),
        sided=frozenset(reading.au for reading in evidence.readings if reading.side is not None),
        clock="frames" if evidence.time_s is None else "time",
        step=_step(prediction.events),
        begin_s=span[0],
        end_s=span[1],
        apex_s=evidence.time_s,
        apex_frame=evidence.frame,
    )


def _step(events: Iterable[AUEvent]) -> float:
    """Seconds from frame to frame, as far as events tell; a recording of every second frame looks finer than it is."""
    for event in events:
        if event.onset_frame is not None and event.offset_frame is not None and event.offset_frame > event.onset_frame:
            return (event.offset_s - event.onset_s) / (event.offset_frame - event.onset_frame)
    return 1 / ASSUMED_FPS
