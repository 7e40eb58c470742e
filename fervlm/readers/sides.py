"""Two one-sided numbers of one AU: a side may be called absent only where it clearly differs from the other.

Detectors measure left and right apart and noisily. Cutting each side alone would call a smile one-sided because one
corner reads 0.41 and the other 0.39. So once one side reaches the cut, the other counts as present too, unless it stays
below the cut and below `FOLLOW` times the stronger side.
"""

from __future__ import annotations

from fervlm.records import AUReading, Scale, Side

FOLLOW = 0.4
"""On MediaPipe's training faces (`eval/mediapipe_levels.py`), of those with a smile 2 % are one-sided then, not 7 %."""


def paired(au: int, left: float, right: float, cut: float, scale: Scale) -> tuple[AUReading, AUReading]:
    """The left and the right reading of one AU; each states the threshold that was used for it."""
    strongest = max(left, right)
    lower = min(cut, FOLLOW * strongest) if strongest >= cut else cut
    return (
        _one(au, "left", left, cut if left >= cut else lower, scale),
        _one(au, "right", right, cut if right >= cut else lower, scale),
    )


def _one(au: int, side: Side, value: float, cut: float, scale: Scale) -> AUReading:
    state = "present" if value >= cut else "absent"
    return AUReading(au=au, side=side, state=state, value=value, scale=scale, threshold=cut)
