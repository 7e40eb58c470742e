"""What the readers of a sentence hand to each other: drafts (claims before any evidence), subjects, waiting movements."""  # noqa: E501

from __future__ import annotations

from typing import Literal

from fervlm.reasoning.verifier.elements import Element
from fervlm.reasoning.verifier.kinds import AUSet

DraftKind = Literal["au", "rest", "all", "quality", "label"]
"""`all`: nothing moves; `rest`: nothing but what the text affirms; `quality`: not measured."""
DraftSide = Literal["left", "right", "both", "pair", "one", "even", "more_left", "more_right"]
"""`pair`: "both corners"; `one`: on one side, whichever; `even`: symmetric; `more_left`: on both, more on the left."""
NOTHING = AUSet(())


class Draft:
    """A claim as read, before any evidence."""

    __slots__ = (
        "at", "attributed", "chunk", "clause", "end", "hedged", "joint", "kind", "label", "level", "lower", "move",
        "negated", "opposed", "paired", "part", "rival", "side", "specified", "start", "typical", "units", "unreal",
        "weak",
    )  # fmt: skip

    side: DraftSide | None
    level: tuple[int, int] | None
    lower: bool
    """The strength itself is denied: absent or below `level`."""
    hedged: bool
    paired: bool
    """Each side is told with a strength of its own."""
    label: str | None
    attributed: bool
    """A label that annotators are said to give."""
    rival: bool
    """A label named as an alternative only."""
    opposed: bool
    """A label that something is said to speak against."""
    typical: bool
    """Named as the face's whole pattern, not as one reading of some units."""
    joint: bool
    """One of several labels named together."""
    clause: int
    chunk: int
    specified: bool
    """A number in parentheses told which AU a plain word means."""
    unreal: bool
    """Said of what would be, not of what is."""
    part: str | None
    move: tuple[str, ...]
    weak: bool
    at: int
    """Index of the element it was read from; drafts of one movement share it."""

    def __init__(self, kind: DraftKind, units: AUSet, start: int, end: int, negated: bool) -> None:
        self.kind: DraftKind = kind
        self.units = units
        self.start = start
        self.end = end
        self.negated = negated
        self.side = self.level = self.label = self.part = None
        self.lower = self.hedged = self.paired = self.attributed = self.rival = self.opposed = False
        self.typical = self.joint = self.specified = self.unreal = self.weak = False
        self.clause = self.chunk = self.at = 0
        self.move = ()


class Subject:
    """A part that has been named and may get a movement."""

    __slots__ = ("end", "part", "side", "start")

    def __init__(self, part: str, side: DraftSide | None, start: int, end: int) -> None:
        self.part, self.side, self.start, self.end = part, side, start, end


class Pending:
    """A movement that waits for its part."""

    __slots__ = ("at", "denied", "element", "level", "lower", "side")

    def __init__(self, element: Element, at: int, denied: bool) -> None:
        self.element, self.at, self.denied = element, at, denied
        self.level: tuple[int, int] | None = None
        self.side: DraftSide | None = None
        self.lower = False
