"""The kinds of phrases, and what a phrase means: action units, or what it does in a sentence."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple


class Kind(IntEnum):
    """What a phrase does in a sentence; the lower-case names are the keys of `grammar.yaml`."""

    NOISE = 0
    PART = 1
    QUAL = 2
    MOVE = 3
    UNIT = 4
    AU = 5
    SIDE = 6
    LEVEL = 7
    NO = 8
    NOT = 9
    NOR = 10
    GONE = 11
    PRED = 12
    ACT = 13
    MEAS = 14
    UNKNOWN = 15
    HEDGE = 16
    HYP = 17
    GENERIC = 18
    SIMILE = 19
    COP = 20
    COLON = 21
    PREP = 22
    OF = 23
    AND = 24
    OR = 25
    COMMA = 26
    OPEN = 27
    CLOSE = 28
    RELATIVE = 29
    BREAK = 30
    ONLY = 31
    MORE = 32
    LESS = 33
    ELSE = 34
    UNITS = 35
    NOTHING = 36
    ALL = 37
    PLUS = 38
    MINUS = 39
    PAIRED = 40
    THAN = 41
    EMOTION = 42
    PERSON = 43
    POSSESSIVE = 44
    IDENTITY = 45
    SINCERITY = 46
    STATE = 47
    MENTAL = 48
    AGAINST = 49
    WEAK = 50
    RIVAL = 51
    ONE = 52
    WITH = 53
    WHETHER = 54
    EXCEPT = 55
    SOLE = 56
    ABOUT = 57
    TYPICAL = 58
    ATTRIBUTED = 59


class AUSet(NamedTuple):
    """What a phrase means in action units.

    A statement is true where any of `aus` or `also` is present. Its denial is false where any of `aus` is present, and
    supported where all of `aus` (with `either`: one of them) were measured and none is present.
    """

    aus: tuple[int, ...]
    also: tuple[int, ...] = ()
    either: bool = False
    vague: bool = False
    absent: bool = False
    """The phrase itself is the denial ("the lips touch")."""
    near: tuple[int, ...] = ()
    """Make a statement true as well, but are no part of what a denial denies ("movement around the mouth")."""
    yields: bool = False
    """Gives way to another movement of the same part in the clause ("pressed together", "open wide")."""


class Loose(tuple[int, int]):
    """A span of levels from a word that need not speak of strength ("broad", "small", "distinct").

    Judged where strength was measured; where it was not, the word claims none.
    """

    __slots__ = ()


class Entry(NamedTuple):
    """The meaning of one phrase."""

    kind: Kind
    value: Any = None
    """PART: name; MOVE: names of movements; UNIT: AUSet; SIDE: side; LEVEL: (low, high); EMOTION: (label, form)."""
    unit: AUSet | None = None
    """For a movement word that also means something by itself ("pucker")."""
    noun: bool = False
    """A movement named as a thing ("raising", "raise"), so that its predicate may still follow."""
