"""What each word of the lexicon may begin, looked up once per token."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from fervlm.reasoning.verifier.idioms import Turn, idioms
from fervlm.reasoning.verifier.inflection import SKIPPED
from fervlm.reasoning.verifier.kinds import Entry, Kind
from fervlm.reasoning.verifier.lexicon import lexicon
from fervlm.reasoning.verifier.scan import MERGING

Node = dict[str | None, Any]
LEVEL_WORDS = frozenset(("level", "levels", "intensity", "intensities", "strength", "grade", "degree"))
SINGLE = frozenset("abcdelr")
CAREFUL = frozenset((Kind.UNITS, Kind.SIMILE, Kind.LEVEL, Kind.MEAS, Kind.GONE, Kind.NO))
"""Kinds that depend on what stands around them."""


class Start(NamedTuple):
    """What a word may begin."""

    kind: Kind
    entry: Entry | None
    """None where it only begins longer phrases."""
    longer: Node | None
    """The tree of the longer phrases that begin with it, where there are any."""
    turn: Turn | None
    """The turns of phrase that begin with it."""
    merges: bool
    """Its kind may join what stands before."""


CLOSER = Start(Kind.NOISE, None, None, None, False)
"""A word that needs a closer look."""
_CLOSER = SINGLE | LEVEL_WORDS | {"-", "lower", "au"}


@cache
def starts() -> dict[str | None, Start]:
    """Every word that may begin something; by far the most of a sentence need no closer look, or are not here."""
    turns = idioms()
    tree = lexicon().tree
    found: dict[str | None, Start] = dict.fromkeys((*turns, *_CLOSER), CLOSER)
    for word, node in tree.items():
        if word is None or word in _CLOSER:
            continue
        entry: Entry | None = node.get(None)
        kind = Kind.NOISE if entry is None else entry.kind
        longer = node if len(node) > (entry is not None) else None
        plain = kind not in CAREFUL or kind in MERGING
        found[word] = Start(kind, entry, longer, turns.get(word), kind in MERGING) if plain else CLOSER
    for word in SKIPPED:
        if word not in tree and word not in _CLOSER:
            found[word] = Start(Kind.NOISE, None, None, turns.get(word), False)
    return found
