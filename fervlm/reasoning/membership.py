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
UNKNOWN_SIDE_MACHINE = 0.2
"""What is left of "on one side only" where sides were not measured: by a person, by a machine (I27, I44)."""
ANGLE = 15.0
"""Degrees from which a turned, lifted or tilted head (or gaze) is taken as its FACS code."""
NOT_IN_A_STILL = frozenset({43, 45})
LIPS_APART = (25, 26, 27)
_UNREAD = 1 << 43 | 1 << 45
_SIZE = 100
_MOST_DETECTORS = 256
"""Sets of measured AUs remembered at once; human codes that list only what was seen may differ in every row."""


class Slots:
    """Where the grade of each clause stands in a face's list: AUs at their number, conditions from 100 on."""

    def __init__(self) -> None:
        self.conditions: list[tuple[int, int, Clause]] = []
        """(slot, AU mask, clause)."""
        self._found: dict[Clause, int] = {}
        self._blank: dict[int, list[float]] = {}

    def of(self, clause: Clause) -> int:
        """The slot of `clause`, made on first use."""
        if clause.plain:
            return clause.aus[0]
        if clause not in self._found:
            slot = self._found[clause] = _SIZE + len(self.conditions)
            self.conditions.append((slot, mask_of(clause.aus), clause))
            self._blank.clear()
        return self._found[clause]

    def blank(self, measured: int) -> list[float]:
        """Every grade of a face on which nothing is present, as a new list."""
        found = self._blank.get(measured)
        if found is None:
            if len(self._blank) >= _MOST_DETECTORS:
                self._blank.clear()
            found = [0.0 if measured >> au & 1 else UNMEASURED for au in range(_SIZE)]
            found += [_not_present(clause, measured) for _, _, clause in self.conditions]
            self._blank[measured] = found
        return found.copy()


class Face:
    """One face's grades and masks. `grades[slot]` is 0 where absent and `UNMEASURED` where not measured.

    `firm` are the present AUs at B or above, or without a level where the tool's readings do not disagree.
    """

    __slots__ = (
        "absent",
        "firm",
        "grades",
        "levels",
        "machine",
        "measured",
        "one_sided",
        "present",
        "sided",
        "uncertain",
        "uneven",
    )

    def __init__(self) -> None:
        self.grades: list[float] = []
        self.levels: dict[int, int] = {}
        self.present = self.absent = self.measured = self.firm = 0
        self.one_sided = self.sided = self.uneven = 0
        self.uncertain = self.machine = False


@lru_cache(maxsize=8192)
def units_of(mask: int) -> tuple[int, ...]:
    """The AU numbers in a mask, ascending."""
    found = _few(mask & _FIRST) + _few(mask & _SECOND) + _few(mask & _THIRD)
    return found + _few(mask & _BEYOND) if mask & _BEYOND else found


_FIRST, _SECOND, _THIRD, _BEYOND = 0x3FF, 0x3FF << 10, 0x3FF << 20, ~0x3FFFFFFF


@lru_cache(maxsize=8192)
def _few(mask: int) -> tuple[int, ...]:
    # Ten bits at a time: few values, so that faces never seen before cost three look-ups instead of a loop.
    return tuple(au for au in range(mask.bit_length()) if mask >> au & 1)


def mask_of(aus: tuple[int, ...] | frozenset[int] | list[int]) -> int:
    """The mask of some AU numbers."""
    mask = 0
    for au in aus:
        mask |= 1 << au
    return mask


def read_face(evidence: Evidence, record: AURecord | None, slots: Slots) -> Face:
    """The grades of every AU and of every condition in `slots`."""
    face = Face()
    face.machine = evidence.trust != "high"
    found = _units(evidence, face)
    if record is not None and (record.head is not None or record.gaze is not None):
        found += _posed(record, face)
    face.measured = face.present | face.absent
    grades = face.grades = slots.blank(face.measured)
    for au, grade in found:
        grades[au] = grade
    _adjust(face, evidence, record)
    present = face.present
    for slot, mask, clause in slots.conditions:
        if mask & present:
            grades[slot] = _condition(clause, face)
    return face


def _units(evidence: Evidence, face: Face) -> list[tuple[int, float]]:
    """Fill the masks from the units; the present ones with their grades."""
    present = absent = firm = one_sided = sided = uneven = 0
    levels = face.levels
    found: list[tuple[int, float]] = []
    for au, unit in evidence.units.items():
        bit = 1 << au
        if bit & _UNREAD:
            continue
        if unit.state != "present":
            absent |= bit
            continue
        present |= bit
        level = unit.level or 0
        if level:
            levels[au] = level
        grade = LEVEL_GRADES[level]
        if unit.uncertain:
            grade *= UNCERTAIN
            face.uncertain = True
        if level > 1 or (level == 0 and not unit.uncertain):
            firm |= bit
        if unit.side is not None:
            sided |= bit
            if unit.side != "both":
                one_sided |= bit
            elif unit.stronger is not None:
                uneven |= bit
        found.append((au, grade))
    face.present, face.absent, face.firm = present, absent, firm
    face.one_sided, face.sided, face.uneven = one_sided, sided, uneven
    return found


def _posed(record: AURecord, face: Face) -> list[tuple[int, float]]:
    """Head and gaze codes from the record's angles, where nobody coded them."""
    head, gaze = record.head, record.gaze
    found = []
    for angle, plus, minus in (
        (head.yaw if head else None, 51, 52),
        (head.pitch if head else None, 54, 53),
        (head.roll if head else None, 55, 56),
        (gaze.x if gaze else None, 61, 62),
        (gaze.y if gaze else None, 64, 63),
    ):
        if angle is None or (face.present | face.absent) >> plus & 1 or (face.present | face.absent) >> minus & 1:
            continue
        for au, here in ((plus, angle >= ANGLE), (minus, angle <= -ANGLE)):
            if here:
                face.present |= 1 << au
                face.firm |= 1 << au
                found.append((au, 1.0))
            else:
                face.absent |= 1 << au
    return found


def posture(record: AURecord) -> tuple[int | None, ...]:
    """Head and gaze angles as far as they matter here: in whole steps of `ANGLE`, two at most; None: not measured."""
    head, gaze = record.head, record.gaze
    if head is None and gaze is None:
        return ()
    angles = (head.yaw, head.pitch, head.roll) if head is not None else (None, None, None)
    looks = (gaze.x, gaze.y) if gaze is not None else (None, None)
    return tuple([None if a is None else max(-2, min(2, int(a / ANGLE))) for a in (*angles, *looks)])


def _adjust(face: Face, evidence: Evidence, record: AURecord | None) -> None:
    """Discounts that rows of `au_interactions.csv` ask for before anything is scored."""
    grades, levels, present = face.grades, face.levels, face.present
    for one, other in evidence.conflicts:  # I12, I46, I47: exclusive pairs, the weaker one is dropped
        if one in NOT_IN_A_STILL or other in NOT_IN_A_STILL:
            continue
        first, second = levels.get(one, 0), levels.get(other, 0)
        if first and second and first != second:
            grades[one if first < second else other] = 0.0
        else:  # nobody can say which is the weaker one
            grades[one] *= UNCERTAIN
            grades[other] *= UNCERTAIN
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


def _not_present(clause: Clause, measured: int) -> float:
    """The grade of a condition on AUs that are absent or not measured."""
    unseen = any(not measured >> au & 1 for au in clause.aus)
    if clause.limit:
        return 1.0 - UNMEASURED * (5 - clause.high) / 5 if unseen else 1.0
    if not unseen:
        return 0.0
    return UNMEASURED * (clause.high - clause.low + 1) / 5 * (UNKNOWN_SIDE if clause.one_sided else 1.0)


def _condition(clause: Clause, face: Face) -> float:
    """The grade of a condition of which at least one AU is present; the others cannot raise it."""
    grades, present = face.grades, face.present
    if clause.limit:
        return _admitted(clause, clause.aus[0], face)
    if len(clause.aus) > 1:
        return max([grades[au] for au in clause.aus if present >> au & 1])
    au = clause.aus[0]
    return _admitted(clause, au, face) * grades[au]


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
        if not face.sided >> au & 1:
            share *= UNKNOWN_SIDE_MACHINE if face.machine else UNKNOWN_SIDE
        else:  # both sides; at different levels it stays open, since the table asks for two levels of difference
            share *= UNKNOWN_SIDE if face.uneven >> au & 1 else 0.0
    return share
