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
    """A word that `run` takes without a closer look; by far the most of a sentence are such."""

    kind: Kind
    entry: Entry | None
    """None where it only begins longer phrases."""
    longer: Node | None
    """The tree of the longer phrases that begin with it, where there are any."""
    turn: Turn | None
    """The turns of phrase that begin with it."""
    merges: bool
    """Its kind may join what stands before."""


@cache
def starts() -> dict[str | None, Start]:
    """The words that need no closer look, by far the most of a sentence."""
    turns = idioms()
    tree = lexicon().tree
    found: dict[str | None, Start] = {}
    for word, node in tree.items():
        if word is None or word in SINGLE or word in LEVEL_WORDS or word in ("-", "lower"):
            continue
        entry: Entry | None = node.get(None)
        kind = Kind.NOISE if entry is None else entry.kind
        if kind not in CAREFUL or kind in MERGING:
            longer = node if len(node) > (entry is not None) else None
            found[word] = Start(kind, entry, longer, turns.get(word), kind in MERGING)
    for word in SKIPPED:
        if word not in tree and word not in SINGLE and word not in LEVEL_WORDS:
            found[word] = Start(Kind.NOISE, None, None, turns.get(word), False)
    return found
