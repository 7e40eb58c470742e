"""AU combinations that mean more, or something else, than their parts: `au_interactions.csv` as predicates.

`tables/au_interaction_patterns.csv` restates the `aus` column of each row that one picture can decide, in a small
grammar: clauses joined by `+`; `4` present, `!4` measured and absent, `~4` not seen (absent or not measured: "alone"
means alone among what was measured), `23/24` any of these; `@one` on one side only, `@both` on both, `@uneven` on both
at different levels; `12>=D`, `5<=B` a level. Sides and levels that were not measured leave a clause unknown, and a cue
fires only where every clause is true. Traces and readings that the tool itself disputes do not make a combination: what
must be present must be firm (`membership.Face`), except in rows on traces and on detector conflicts. The first true
pattern of a row counts.

Left out are rows that need time (I58, I59, I60), that speak of observers (I61) or of pairs that are no news (I56), and
those that act elsewhere: I57 in `interpret`, I63 and I64 as caveats. I18, I19 and I48 need AU43 and stay unknown in a
still.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from fervlm.facs import tables
from fervlm.reasoning.findings import Cue
from fervlm.reasoning.membership import Face, mask_of, units_of

_CLAUSE = re.compile(r"^([!~]?)(\d+(?:/\d+)*)(?:@(one|both|uneven)|(<=|>=)([A-E]))?$")
_TELLING = {
    "masking": 0,
    "synergy": 1,
    "contrast": 2,
    "differs_from_parts": 2,
    "dominance": 3,
    "threshold": 3,
    "ambiguous": 4,
    "modifier": 5,
    "quality": 6,
    "detector_confusion": 6,
    "exclusive": 7,
    "ordinal": 8,
}


@dataclass(frozen=True, slots=True)
class CuePattern:
    """One pattern of one row, as masks and conditions; `choices` holds masks of which one AU must be present."""

    id: str
    kind: str
    leans: tuple[str, ...]
    must: int
    absent: int
    unseen: int
    choices: tuple[int, ...]
    sides: tuple[tuple[int, str], ...]
    levels: tuple[tuple[int, int, int], ...]
    """(AU, lowest, highest) of its level."""

    def fits(self, firm: int, present: int, absent: int) -> bool:
        """Whether the clauses on presence and absence are true of faces with these AUs."""
        seen = self.seen(firm, present)
        return (
            self.must & seen == self.must
            and self.absent & absent == self.absent
            and not self.unseen & present
            and all(choice & seen for choice in self.choices)
        )

    def seen(self, firm: int, present: int) -> int:
        """The AUs that it may rest on: the firm ones, or all present ones where the row is about weak readings."""
        weak = self.kind == "exclusive" or any(high == 1 for _, _, high in self.levels)
        return present if weak else firm

    def holds(self, face: Face) -> bool:
        """Whether every clause is known to be true of `face`."""
        return (
            self.fits(face.firm, face.present, face.absent)
            and all(_on_side(face, au, side) for au, side in self.sides)
            and all(low <= face.levels.get(au, 0) <= high for au, low, high in self.levels)
        )

    def rests_on(self, seen: int) -> tuple[int, ...]:
        """The AUs among `seen` that its clauses name."""
        named = self.must
        for choice in self.choices:
            named |= choice & seen
        return units_of(named)

    @property
    def specificity(self) -> int:
        """Number of clauses; more is more telling."""
        wanted = self.must | self.absent | self.unseen
        return wanted.bit_count() + len(self.choices) + len(self.sides) + len(self.levels)


def _on_side(face: Face, au: int, side: str) -> bool:
    bit = 1 << au
    if side == "one":
        return bool(face.one_sided & bit)
    if side == "uneven":
        return bool(face.uneven & bit)
    return bool(face.sided & bit and not face.one_sided & bit)


def compile_pattern(row: str, kind: str, text: str, leans: tuple[str, ...] = ()) -> CuePattern:
    """A pattern of the grammar above; `ValueError` on anything else."""
    must = absent = unseen = 0
    choices: list[int] = []
    sides: list[tuple[int, str]] = []
    levels: list[tuple[int, int, int]] = []
    for part in text.split("+"):
        found = _CLAUSE.match(part)
        if found is None:
            raise ValueError(f"'{part}' is no clause of a cue pattern")
        sign, numbers, side, operator, letter = found.groups()
        aus = [int(number) for number in numbers.split("/")]
        mask = mask_of(aus)
        if sign == "!":
            absent |= mask
        elif sign == "~":
            unseen |= mask
        elif len(aus) > 1:
            choices.append(mask)
        else:
            must |= mask
        if side:
            sides.append((aus[0], side))
        if letter:
            level = "ABCDE".index(letter) + 1
            levels.append((aus[0], level, 5) if operator == ">=" else (aus[0], 1, level))
    return CuePattern(row, kind, leans, must, absent, unseen, tuple(choices), tuple(sides), tuple(levels))


@cache
def interaction_kinds() -> dict[str, str]:
    """Row id -> kind, for every row of `au_interactions.csv`."""
    return {row["id"]: row["kind"] for row in tables.rows("au_interactions")}


@cache
def cue_patterns() -> tuple[CuePattern, ...]:
    """Every pattern in the order of its table: rows by id, and within a row the first true one counts."""
    kinds = interaction_kinds()
    return tuple(
        compile_pattern(r["id"], kinds[r["id"]], r["pattern"], tuple(filter(None, r["leans"].split(";"))))
        for r in tables.rows("au_interaction_patterns")
    )


_FREQUENT = (25, 12, 4, 7, 10, 17, 6, 14, 26, 1, 23, 15, 2, 5, 24, 20, 9)
"""AUs from often to seldom seen: patterns are looked up under their rarest AU, which saves tests."""


def _rarity(au: int) -> int:
    return _FREQUENT.index(au) if au in _FREQUENT else len(_FREQUENT)


_Place = tuple[int, int, str]
"""Where a fired cue stands: how telling its kind is, how specific it is (negative), its id."""


class _Found(NamedTuple):
    """A pattern whose AUs fit a face; its sides and levels must still be looked at."""

    rank: int
    """Its place in the table: of one row, the first true pattern counts."""
    place: _Place
    cue: Cue
    pattern: CuePattern


@cache
def _by_unit() -> dict[int, tuple[tuple[int, _Place, CuePattern], ...]]:
    """AU -> the patterns that can only hold where it is present, with rank and place."""
    found: dict[int, list[tuple[int, _Place, CuePattern]]] = {}
    for rank, pattern in enumerate(cue_patterns()):
        entry = (rank, (_TELLING[pattern.kind], -pattern.specificity, pattern.id), pattern)
        rarest = max(units_of(pattern.must), key=_rarity) if pattern.must else None
        for au in units_of(pattern.choices[0]) if rarest is None else (rarest,):
            found.setdefault(au, []).append(entry)
    return {au: tuple(entries) for au, entries in found.items()}


@lru_cache(maxsize=1024)
def _fitting(firm: int, present: int, absent: int) -> tuple[tuple[Cue, ...], tuple[_Found, ...], tuple[_Found, ...]]:
    """For faces with these AUs: the cues that sides and levels cannot change, those patterns, and the open ones."""
    by_unit = _by_unit()
    closed: dict[int, _Found] = {}
    still_open: dict[int, _Found] = {}
    for au in units_of(present):
        for rank, place, pattern in by_unit.get(au, ()):
            if pattern.fits(firm, present, absent):
                cue = Cue(pattern.id, pattern.rests_on(pattern.seen(firm, present)), pattern.kind, pattern.leans)
                is_open = bool(pattern.sides or pattern.levels)
                (still_open if is_open else closed)[rank] = _Found(rank, place, cue, pattern)
    return _winners([*closed.values()]), tuple(closed.values()), tuple(still_open.values())


def _winners(found: list[_Found]) -> tuple[Cue, ...]:
    first: dict[str, _Found] = {}
    for one in sorted(found, key=lambda f: f.rank):
        first.setdefault(one.cue.id, one)
    return tuple(one.cue for one in sorted(first.values(), key=lambda f: f.place))


def fired_cues(face: Face) -> tuple[Cue, ...]:
    """The rows that are true of `face`, each once, most telling first, then most specific."""
    cues, closed, still_open = _fitting(face.firm, face.present, face.absent)
    held = [one for one in still_open if one.pattern.holds(face)] if still_open else []
    return _winners([*closed, *held]) if held else cues
