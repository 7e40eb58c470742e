"""MediaPipe's 52 face blendshapes as AUs: a mapping of our own (`facs/au_from_blendshapes.csv`), low trust by rule.

Blendshapes are rig coefficients, 0 to 1, whose resting face is not zero. Presence is a cut against faces labelled
neutral (`facs/tables/presence_mediapipe.csv`); a level exists only where a neutral face of the same person was
subtracted (`levels_mediapipe.csv`, the calibration called `mediapipe`). `python -m eval.mediapipe_levels` fits both
tables.

Where the mapping leaves the table, it is to say less:
- AU6 and AU9 are never measured: their channels stay at zero.
- AU5 (eyeWide) hardly moves, so a low value is no evidence: it is present or not measured, never absent.
- AU7 and AU6 share eyeSquint; with a smile it may be either, so AU7 is then not measured.
- AU5, AU7, AU10, AU14 and AU20 are read as the mean of both sides. The tool's sides disagree there for reasons of its
  own (of one-sided AU7 four in five are left, of AU10 four in five right; AU14's sides correlate at 0.4), and a
  one-sided AU10 or AU14 would read as contempt.
- Closed eyes are AU43: one frame cannot tell a blink (AU45).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from statistics import median

from fervlm.facs import tables
from fervlm.facs.calibration import level_cuts
from fervlm.facs.units import not_measured_by
from fervlm.readers.sides import paired
from fervlm.records import AUReading

CALIBRATION = "mediapipe"
SMILE = 0.3
"""mouthSmile above which eyeSquint may be the cheek raise (AU6)."""
WIDE_JAW = 0.6
"""jawOpen from which the mouth is stretched (AU27) rather than the jaw dropped (AU26)."""
MEASURED = (1, 2, 4, 5, 7, 10, 12, 14, 15, 16, 17, 18, 20, 22, 24, 25, 26, 27, 28, 43)
SIDED = {2: "browOuterUp", 12: "mouthSmile", 15: "mouthFrown", 16: "mouthLowerDown", 43: "eyeBlink"}
WHOLE = {1: "browInnerUp", 17: "mouthShrugLower", 18: "mouthPucker", 22: "mouthFunnel"}
MEAN = {5: "eyeWide", 7: "eyeSquint", 10: "mouthUpperUp", 14: "mouthDimple", 20: "mouthStretch", 24: "mouthPress"}

Value = float | tuple[float, float]
"""One number for the face, or (left, right)."""


@cache
def names() -> tuple[str, ...]:
    """The 52 names in MediaPipe's order; the first is `_neutral`."""
    rows = [row for row in tables.rows("blendshape_to_au") if row["mediapipe_index"]]
    return tuple(row["blendshape"] for row in sorted(rows, key=lambda row: int(row["mediapipe_index"])))


@cache
def used() -> tuple[str, ...]:
    """The names the mapping needs, in MediaPipe's order."""
    pairs = [*SIDED.values(), *MEAN.values(), "browDown"]
    needed = {*WHOLE.values(), *(p + s for p in pairs for s in ("Left", "Right"))}
    needed |= {"jawOpen", "mouthClose", "mouthRollLower", "mouthRollUpper"}
    return tuple(name for name in names() if name in needed)


@cache
def presence_cuts() -> dict[int, float]:
    """AU -> lowest raw coefficient that means present."""
    return {int(row["au"]): float(row["cut"]) for row in tables.rows("presence_mediapipe")}


def subtracted(face: Mapping[str, float], neutral: Mapping[str, float]) -> dict[str, float]:
    """Every coefficient as its share of the way from the neutral face to full travel, 0 where below neutral."""
    return {
        name: max(0.0, (value - neutral[name]) / (1.0 - neutral[name])) if neutral[name] < 1.0 else 0.0
        for name, value in face.items()
    }


def neutral_of(faces: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The median of each coefficient over some resting faces of one person."""
    held = list(faces)
    return {name: median(face[name] for face in held) for name in used()}


def au_values(face: Mapping[str, float]) -> dict[int, Value]:
    """AU -> its number, or its (left, right), on the coefficients' scale; AU7 is left out where a smile hides it."""
    values: dict[int, Value] = {au: (face[n + "Left"], face[n + "Right"]) for au, n in SIDED.items()}
    values.update((au, face[n]) for au, n in WHOLE.items())
    values.update((au, (face[n + "Left"] + face[n + "Right"]) / 2) for au, n in MEAN.items())
    smile = face["mouthSmileLeft"], face["mouthSmileRight"]
    values[4] = (max(0.0, face["browDownLeft"] - 0.3 * smile[0]), max(0.0, face["browDownRight"] - 0.3 * smile[1]))
    if max(smile) > SMILE:
        del values[7]
    jaw = face["jawOpen"]
    upper = (face["mouthUpperUpLeft"] + face["mouthUpperUpRight"]) / 2
    lower = (face["mouthLowerDownLeft"] + face["mouthLowerDownRight"]) / 2
    values[25] = max(upper, lower, jaw - face["mouthClose"])
    values[26] = jaw if jaw < WIDE_JAW else 0.0
    values[27] = jaw if jaw >= WIDE_JAW else 0.0
    values[28] = (face["mouthRollLower"] + face["mouthRollUpper"]) / 2
    return dict(sorted(values.items()))


class Mapper:
    """Blendshapes of one face at a time to readings."""

    def __init__(self, neutral: Mapping[str, float] | None) -> None:
        """Args: `neutral` the person's resting face, subtracted from all others; None leaves them as they are."""
        self._neutral = neutral
        self._cuts = presence_cuts() if neutral is None else {au: c[0] for au, c in level_cuts(CALIBRATION).items()}

    def readings(self, face: Mapping[str, float]) -> tuple[AUReading, ...]:
        """Readings of one face, AUs ascending."""
        if self._neutral is not None:
            face = subtracted(face, self._neutral)
        found: list[AUReading] = []
        for au, value in au_values(face).items():
            cut = self._cuts[au]
            if isinstance(value, tuple):
                found += paired(au, round(value[0], 6), round(value[1], 6), cut, "coefficient")
            elif au != 5 or value >= cut:
                found.append(_whole(au, round(value, 6), cut))
        return tuple(found)


def _whole(au: int, value: float, cut: float) -> AUReading:
    return AUReading(
        au=au, state="present" if value >= cut else "absent", value=value, scale="coefficient", threshold=cut
    )


def unmeasured(readings: tuple[AUReading, ...]) -> tuple[int, ...]:
    """What this face's readings say nothing about (AU5 and AU7 come and go)."""
    return not_measured_by(tuple(sorted({reading.au for reading in readings})))
