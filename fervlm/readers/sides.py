"""Two one-sided numbers of one AU: a side may be called absent only where it clearly differs from the other.

Detectors measure left and right apart and noisily. Cutting each side alone would call a smile one-sided because one
corner reads 0.41 and the other 0.39. So once one side reaches the cut, the other one counts as present too unless it
stays below `FOLLOW` times the cut.
"""

from __future__ import annotations

from fervlm.records import AUReading, Scale

FOLLOW = 0.4
"""On MediaPipe's 33,929 training faces this keeps one-sidedness to clear cases: of faces with mouthSmile present, 0.5 %
instead of 7 % are one-sided."""


def paired(au: int, left: float, right: float, cut: float, scale: Scale) -> tuple[AUReading, AUReading]:
    """The left and the right reading of one AU; each states the threshold that was used for it."""
    follows = max(left, right) >= cut
    return (
        _one(au, "left", left, cut if left >= cut or not follows else FOLLOW * cut, scale),
        _one(au, "right", right, cut if right >= cut or not follows else FOLLOW * cut, scale),
    )


def _one(au: int, side: str, value: float, cut: float, scale: Scale) -> AUReading:
    return AUReading(
        au=au,
        side="left" if side == "left" else "right",
        state="present" if value >= cut else "absent",
        value=value,
        scale=scale,
        threshold=cut,
    )
