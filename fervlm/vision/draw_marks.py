"""First stage of a drawing: evidence becomes one mark per action unit and side of the face.

A mark says what may be drawn: a strength where a level is known, presence and nothing more elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fervlm.facs.units import action_unit
from fervlm.reasoning.observe import LEVEL_LETTERS, Evidence, Level, Unit, observe
from fervlm.records import AURecord

Hand = Literal["left", "right"]
"""The subject's side."""

STRENGTH_WORDS = ("trace", "slight", "marked", "strong", "maximum")
_AMOUNT = (0.24, 0.43, 0.62, 0.81, 1.0)
PRESENCE_AMOUNT = 0.6
"""How far a feature moves where only presence is known: far enough to be seen, and drawn in the other style."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One present action unit on one side."""

    au: int
    level: Level | None = None
    """None: presence only."""
    uncertain: bool = False
    confident: bool = False

    @property
    def amount(self) -> float:
        """How far the feature moves, 0 to 1."""
        return PRESENCE_AMOUNT if self.level is None else _AMOUNT[self.level - 1]

    @property
    def name(self) -> str:
        """The action unit's FACS name."""
        return action_unit(self.au).name

    @property
    def strength(self) -> str:
        """What may be said of its strength, in a few words."""
        if self.uncertain:
            doubt = "readings disagree"
            return doubt if self.level is None else f"{LEVEL_LETTERS[self.level - 1]}, {doubt}"
        if self.level is not None:
            return f"{LEVEL_LETTERS[self.level - 1]}, {STRENGTH_WORDS[self.level - 1]}"
        return "present, confident" if self.confident else "present"


@dataclass(frozen=True, slots=True)
class Marks:
    """Every present action unit by the subject's side; one not measured by side stands in both."""

    left: dict[int, Mark]
    right: dict[int, Mark]
    sided: frozenset[int]
    """Action units whose sides were measured; all others are drawn alike on both sides without claiming it."""

    def on(self, hand: Hand) -> dict[int, Mark]:
        """The marks of one side."""
        return self.left if hand == "left" else self.right

    @property
    def all(self) -> tuple[Mark, ...]:
        """Every mark, right side first."""
        return (*self.right.values(), *self.left.values())


def _mark(unit: Unit, level: Level | None) -> Mark:
    return Mark(unit.au, level, unit.uncertain, unit.confident)


def _one_side(record: AURecord, hand: Hand) -> dict[int, Unit]:
    """What the record says of one side alone, by the same rules as the whole."""
    readings = tuple(reading for reading in record.readings if reading.side in {hand, "both"})
    return observe(AURecord(id=record.id, source=record.source, detector=record.detector, readings=readings)).units


def marks_of(evidence: Evidence, record: AURecord | None = None) -> Marks:
    """The marks to draw. With the `record` each side has its own level; evidence alone knows the stronger side's only,
    so the weaker side is then drawn as presence.
    """
    sides: dict[Hand, dict[int, Mark]] = {"left": {}, "right": {}}
    measured: dict[Hand, dict[int, Unit]] = {"left": {}, "right": {}}
    if record is not None and evidence.tracked and any(reading.side for reading in record.readings):
        measured = {"left": _one_side(record, "left"), "right": _one_side(record, "right")}
    for unit in evidence.active:
        for hand, marks in sides.items():
            if unit.side not in {None, "both", hand}:
                continue
            level = unit.level
            own = measured[hand].get(unit.au)
            if own is not None:
                level = own.level
            elif unit.stronger not in {None, hand}:
                level = None
            marks[unit.au] = _mark(unit, level)
    sided = frozenset(unit.au for unit in evidence.active if unit.side is not None)
    return Marks(sides["left"], sides["right"], sided)
