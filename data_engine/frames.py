"""The frame of a sentence: what is left when the movements, sides, strengths and labels are taken out of it.

Two sentences of one frame say different things in the same words; a set in which one frame stands too often teaches a
model the frame.
"""

from __future__ import annotations

from functools import lru_cache

from fervlm.reasoning.verifier.elements import elements
from fervlm.reasoning.verifier.lexicon import Kind
from fervlm.reasoning.verifier.tokens import sentences

_TOLD = frozenset((Kind.PART, Kind.QUAL, Kind.MOVE, Kind.UNIT, Kind.AU, Kind.SIDE, Kind.LEVEL, Kind.EMOTION))
_JOINED = frozenset((Kind.AND, Kind.OR, Kind.COMMA))
_SLOT = "_"


def sentence_frames(text: str) -> tuple[str, ...]:
    """The frame of each sentence of `text`, lower case, with `_` where something is told."""
    return tuple(_frame(sentence) for sentence in sentences(text))


@lru_cache(maxsize=65536)
def _frame(sentence: str) -> str:
    kept: list[str] = []
    at = 0
    for element in elements(sentence):
        if element.kind in _TOLD or element.kind in _JOINED:
            kept.append(sentence[at : element.start])
            kept.append(_SLOT if element.kind in _TOLD else ",")
            at = element.end
    kept.append(sentence[at:])
    words = "".join(kept).lower().translate(_SIGNS).split()
    return " ".join(word for k, word in enumerate(words) if word != _SLOT or k == 0 or words[k - 1] != _SLOT)


_SIGNS = str.maketrans(dict.fromkeys(".,;:()0123456789", " "))
