"""Evidence as numbers: how far each AU, and each condition on an AU, holds on one face (0 to 1), and as bit masks.

The grades are stated in `prototypes`. Bit `n` of a mask stands for AU `n`. AU43 and AU45 are left out: a still cannot
tell a blink from closed eyes. Head and gaze units (51 to 58, 61 to 64) count where a person coded them or where the
record gives angles of at least 15 degrees; without angles they are not measured.
"""

from __future__ import annotations

from functools import lru_cache

from fervlm.reasoning.observe import Evidence
from fervlm.reasoning.prototypes import Clause
from fervlm.records import AURecord

LEVEL_GRADES = (1.0, 0.3, 0.7, 0.9, 1.0, 1.0)
"""Grade by level, A to E at 1 to 5; index 0 is "present, no level"."""
UNCERTAIN = 0.6
UNMEASURED = 0.2
UNKNOWN_SIDE = 0.5
ANGLE = 15.0
"""Degrees from which a turned, lifted or tilted head (or gaze) is taken as its FACS code."""
NOT_IN_A_STILL = frozenset({43, 45})
LIPS_APART = (25, 26, 27)
_POSED = (51, 52, 53, 54, 55, 56, 61, 62, 63, 64)
_SIZE = 100


class Slots:
    """Where the grade of each clause stands in a face's list: AUs at their number, conditions from 100 on."""

    def __init__(self) -> None:
        self.conditions: list[Clause] = []
        self._found: dict[Clause, int] = {}

    def of(self, clause: Clause) -> int:
        """The slot of `clause`, made on first use."""
        if clause.plain:
            return clause.aus[0]
        if clause not in self._found:
            self._found[clause] = _SIZE + len(self.conditions)
            self.conditions.append(clause)
        return self._found[clause]


class Face:
    """One face's grades and masks. `grades[slot]` is 0 where absent and `UNMEASURED` where not measured."""

    __slots__ = ("absent", "firm", "grades", "levels", "measured", "one_sided", "present", "sided", "uneven")

    def __init__(self) -> None:
        self.grades: list[float] = []
        self.levels: dict[int, int] = {}
        self.present = self.absent = self.measured = self.firm = 0
        self.one_sided = self.sided = self.uneven = 0


@lru_cache(maxsize=4096)
def units_of(mask: int) -> tuple[int, ...]:
    """The AU numbers in a mask, ascending."""
    return tuple(au for au in range(mask.bit_length()) if mask >> au & 1)


def mask_of(aus: tuple[int, ...] | frozenset[int] | list[int]) -> int:
    """The mask of some AU numbers."""
    mask = 0
    for au in aus:
        mask |= 1 << au
    return mask


@lru_cache(maxsize=256)
def _blank(measured: int) -> tuple[float, ...]:
    return tuple(0.0 if measured >> au & 1 else UNMEASURED for au in range(_SIZE))


def read_face(evidence: Evidence, record: AURecord | None, slots: Slots) -> Face:
    """The grades of every AU and of every condition in `slots`."""
    face = Face()
    present = absent = firm = one_sided = sided = uneven = 0
    found: list[tuple[int, float]] = []
    for au, unit in evidence.units.items():
        if au in NOT_IN_A_STILL:
            continue
        bit = 1 << au
        if unit.state != "present":
            absent |= bit
            continue
        present |= bit
        level = unit.level
        if level is None:
            firm |= bit
            grade = 1.0
        else:
            face.levels[au] = level
            grade = LEVEL_GRADES[level]
            if level > 1:
                firm |= bit
        if unit.uncertain:
            grade *= UNCERTAIN
        if unit.side is not None:
            sided |= bit
            if unit.side != "both":
                one_sided |= bit
            elif unit.stronger is not None:
                uneven |= bit
        found.append((au, grade))
    if record is not None:
        angles = _posed(record)
        for au, here in angles:
            if not (present | absent) >> au & 1:
                if here:
                    present |= 1 << au
                    found.append((au, 1.0))
                else:
                    absent |= 1 << au
    face.present, face.absent, face.firm, face.measured = present, absent, firm, present | absent
    face.one_sided, face.sided, face.uneven = one_sided, sided, uneven
    grades = list(_blank(face.measured))
    for au, grade in found:
        grades[au] = grade
    face.grades = grades
    _adjust(face, evidence, record)
    for clause in slots.conditions:
        grades.append(_condition(clause, face))
    return face


def _posed(record: AURecord) -> list[tuple[int, bool]]:
    found: list[tuple[int, bool]] = []
    head, gaze = record.head, record.gaze
    for angle, plus, minus in (
        (head.yaw if head else None, 51, 52),
        (head.pitch if head else None, 54, 53),
        (head.roll if head else None, 55, 56),
        (gaze.x if gaze else None, 61, 62),
        (gaze.y if gaze else None, 64, 63),
    ):
        if angle is not None:
            found += [(plus, angle >= ANGLE), (minus, angle <= -ANGLE)]
    return found


def _adjust(face: Face, evidence: Evidence, record: AURecord | None) -> None:
    """Discounts that rows of `au_interactions.csv` ask for before anything is scored."""
    grades, levels, present = face.grades, face.levels, face.present
    for one, other in evidence.conflicts:  # I12, I46, I47: exclusive pairs, the weaker one is dropped
        if one in NOT_IN_A_STILL or other in NOT_IN_A_STILL:
            continue
        first, second = levels.get(one, 0), levels.get(other, 0)
        if first == second:
            grades[one] *= UNCERTAIN
            grades[other] *= UNCERTAIN
        else:
            grades[one if first < second else other] = 0.0
    if present >> 4 & 1:
        # I10: a nose wrinkle already lowers the brow.
        if present >> 9 & 1 and levels.get(4, 0) <= levels.get(9, 0):
            grades[4] *= 0.5
        # I30: real laughter raises a rig's brow-lowering coefficient.
        if present >> 12 & 1 and evidence.trust == "low":
            grades[4] *= 0.5
    # I23: detectors see a lifted lip in laughter; disgust then needs 9 or 4.
    if present >> 10 & 1 and present >> 12 & 1 and not present >> 9 & 1 and not present >> 4 & 1:
        grades[10] *= 0.3
    # I63: a lowered head lowers brows and mouth corners in the picture, a lifted one raises the brows.
    pitch = record.head.pitch if record is not None and record.head is not None else None
    if pitch is not None and abs(pitch) >= 2 * ANGLE:
        for au in (4, 12, 15) if pitch > 0 else (1, 2):
            if present >> au & 1:
                grades[au] *= UNCERTAIN


def _condition(clause: Clause, face: Face) -> float:
    best = 0.0
    for au in clause.aus:
        if face.present >> au & 1:
            grade = _admitted(clause, au, face) * (1.0 if clause.limit else face.grades[au])
        elif face.absent >> au & 1:
            grade = 1.0 if clause.limit else 0.0
        elif clause.limit:
            grade = 1.0 - UNMEASURED * (5 - clause.high) / 5
        else:
            grade = UNMEASURED * (clause.high - clause.low + 1) / 5 * (UNKNOWN_SIDE if clause.one_sided else 1.0)
        best = max(best, grade)
    return best


def _admitted(clause: Clause, au: int, face: Face) -> float:
    """How far the level and side of a present AU satisfy the clause."""
    share = 1.0
    if clause.low > 1 or clause.high < 5:
        level = face.levels.get(au)
        if level is None:
            share = (clause.high - clause.low + 1) / 5
        elif not clause.low <= level <= clause.high:
            share = 0.0
    if clause.one_sided and not face.one_sided >> au & 1:
        # Both sides at clearly different levels stay open: the table asks for a difference of two levels.
        share *= UNKNOWN_SIDE if face.uneven >> au & 1 or not face.sided >> au & 1 else 0.0
    return share
