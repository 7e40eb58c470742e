"""Every default of the sequence analysis, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from fervlm.records import Scale
from fervlm.sequences.track import Key

Neutral = Literal["auto", "first", "median", "none"]
"""`auto`: lowest tenth of the clip; `first`: median of the first second; `median`: of the clip; `none`: subtract 0."""

QUICK_UNITS = frozenset({43, 45, 46})
"""Lid closures: over within a few frames, so never smoothed, and no movement of an expression by themselves."""

AMPLITUDES: frozenset[Scale] = frozenset({"intensity_0_5", "coefficient"})
"""Scales on which a neutral value may be subtracted; the difference of two probabilities or scores means nothing."""

ON: dict[Scale, float] = {
    "intensity_0_5": 1.0,
    "probability": 0.5,
    "score": 0.5,
    "coefficient": 0.2,
    "evidence_log10": 0.0,
    "presence": 0.5,
}
"""Upper threshold where the readings carry none of their own (facs/intensity.yaml: A begins at 1, bins at 0.5)."""


def off(scale: Scale, on: float) -> float:
    """Lower threshold of the hysteresis: a movement that reached `on` lasts until it falls below this.

    Intensities end below 0.5 of level A and coefficients below half their threshold; a probability below 0.3 of 0.5
    counts as not detected (facs/intensity.yaml); scores rank only, so the band is narrow; log-odds fall 0.3 (a factor
    of two).
    """
    if scale in AMPLITUDES:
        return on * 0.5
    if scale == "probability":
        return on * 0.6
    if scale == "score":
        return on * 0.8
    return on - 0.3 if scale == "evidence_log10" else on


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """How a recording becomes events. Times in seconds."""

    fps: float | None = None
    """Frame rate to use where the file has no time stamps (or wrong ones); given, it overrules them."""
    neutral: Neutral = "auto"
    given: dict[Key, float] = field(default_factory=dict)
    """Neutral values from a file or record; they overrule `neutral` for the keys they hold."""
    first_s: float = 1.0
    """Length of the stretch that `neutral="first"` takes for neutral."""
    smooth_s: float = 0.12
    """Half-width of the triangular window; at 25 frames/s it reaches two frames to either side."""
    spike_step_s: float = 0.07
    """Up to this distance of rows a lone outlying row is a slip of the tracker, beyond it may be a movement."""
    min_event_s: float = 0.12
    """Shorter events are dropped (three frames at 25/s); movements of the face take longer."""
    min_quick_s: float = 0.03
    """The same for lid closures, which one frame may hold."""
    merge_s: float = 0.15
    """A shorter dip below the lower threshold does not end an event."""
    gap: float = 1.5
    """Rows further apart than this many usual steps (90 % quantile) are a gap in tracking."""
    bridge_s: float = 10.0
    """An event longer than this is held, and does not join the episodes it spans into one."""
