"""The packaged example, from its curves: `python -m fervlm.examples.make > fervlm/examples/synthetic_smile.csv`.

Synthetic: nobody was filmed and no detector ran. Three seconds at 30 frames a second in the layout of OpenFace 2 (a
space before every header but the first, 17 intensities 0 to 5, 18 presence bits). A face at rest raises its brows and
opens its mouth, the brows come down while a smile builds, holds and fades. Two blinks; no tracking for four frames.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator

FRAMES = 90
RATE = 30.0
LOST = range(9, 13)
"""Frames (from 1) in which the face is lost; OpenFace writes zeros there."""
INTENSITIES = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
PRESENCES = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 28, 45)
PRESENT_FROM = 0.9
CURVES: dict[int, tuple[tuple[float, float, float, float, float], ...]] = {
    1: ((0.50, 0.85, 1.00, 1.50, 2.1),),
    2: ((0.50, 0.85, 1.00, 1.45, 1.8),),
    5: ((0.55, 0.85, 0.95, 1.30, 1.4),),
    26: ((0.65, 0.95, 1.05, 1.55, 1.5),),
    25: ((0.65, 1.60, 2.10, 2.65, 2.8),),
    12: ((1.00, 1.60, 2.10, 2.80, 3.9),),
    6: ((1.10, 1.65, 2.05, 2.65, 3.0),),
    45: ((0.06, 0.12, 0.13, 0.20, 3.5), (2.74, 2.80, 2.81, 2.88, 3.4)),
}
"""AU -> its movements: onset, start and end of the peak, offset (seconds), and the peak on the 0 to 5 scale."""


def _ramp(now: float, start: float, end: float) -> float:
    """0 before `start`, 1 after `end`, half a cosine between."""
    if now <= start:
        return 0.0
    return 1.0 if now >= end else 0.5 - 0.5 * math.cos(math.pi * (now - start) / (end - start))


def strength(au: int, now: float) -> float:
    """Noiseless intensity of `au` at `now` seconds."""
    return sum(
        peak * _ramp(now, onset, full) * (1.0 - _ramp(now, held, offset))
        for onset, full, held, offset, peak in CURVES.get(au, ())
    )


def header() -> str:
    """Column names, with OpenFace's leading spaces."""
    gaze = [f"gaze_{eye}_{axis}" for eye in (0, 1) for axis in "xyz"] + ["gaze_angle_x", "gaze_angle_y"]
    pose = [f"pose_{kind}{axis}" for kind in "TR" for axis in "xyz"]
    aus = [f"AU{au:02d}_r" for au in INTENSITIES] + [f"AU{au:02d}_c" for au in PRESENCES]
    return ", ".join(["frame", "face_id", "timestamp", "confidence", "success", *gaze, *pose, *aus])


def row(frame: int, dice: random.Random) -> str:
    """One line; all zeros after `success` where the face is lost."""
    now = (frame - 1) / RATE
    wide = 8 + 6 + len(INTENSITIES) + len(PRESENCES)
    if frame in LOST:
        return ", ".join([str(frame), "0", f"{now:.3f}", "0.03", "0", *["0"] * wide])
    angles = [0.01 * math.sin(2.0 * now), 0.06 + 0.01 * math.cos(1.5 * now)]
    eyes = [f"{value:.6f}" for value in (0.10, 0.06, -0.99, -0.10, 0.06, -0.99)]
    gaze = [*eyes, *[f"{angle:.3f}" for angle in angles]]
    place = [f"{value + dice.gauss(0, 0.2):.1f}" for value in (4.0, 18.0, 480.0)]
    turn = [f"{value:.3f}" for value in (0.06 + 0.01 * math.sin(now), 0.03 * math.sin(1.2 * now), -0.01)]
    levels = {au: min(5.0, max(0.0, strength(au, now) + dice.gauss(0.03, 0.04))) for au in INTENSITIES}
    written = [f"{levels[au]:.2f}" for au in INTENSITIES]
    bits = ["1" if levels.get(au, 0.0) >= PRESENT_FROM else "0" for au in PRESENCES]
    confidence = f"{0.98 - 0.001 * abs(dice.gauss(0, 3)):.2f}"
    return ", ".join([str(frame), "0", f"{now:.3f}", confidence, "1", *gaze, *place, *turn, *written, *bits])


def lines(seed: int = 7) -> Iterator[str]:
    """The whole file, header first."""
    dice = random.Random(seed)
    yield header()
    for frame in range(1, FRAMES + 1):
        yield row(frame, dice)


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in lines())
