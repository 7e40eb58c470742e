"""Descriptions of classes by their movements, from the published AU prototypes, in the words of the captions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from fervlm.reasoning.prototypes import BASIC, Clause, patterns, profile, prototypes
from fervlm.reasoning.wording.movements import in_lexicon, movement

UNITS = "units"
"""Name of this prompt set, beside those of `prompts/zero_shot_*.txt`."""
MOST = 8
"""Descriptions of one class."""
STILL = ("the face is at rest", "there is no movement of the face")
"""A neutral face, said in the words of the captions."""

Knows = Callable[[str], bool]
"""Whether the text tower has seen every word of a text."""


def movement_words(au: int) -> tuple[str, ...]:
    """Ways to say that an AU is present: "the inner brows are raised"; none where the captions have no words for it."""
    if not in_lexicon(au):
        return ()
    words = movement(au)
    return tuple(f"{many} {'are' if words.plural else 'is'} {part}" for part in words.parts for many in words.many)


def describe_units(aus: tuple[int, ...], knows: Knows) -> str | None:
    """One phrase with the movements of `aus`; None where the text tower has words for no more than half of them."""
    told = [next((way for way in movement_words(au) if knows(way)), None) for au in aus]
    found = [way for way in told if way is not None]
    if 2 * len(found) <= len(aus):
        return None
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"


@cache
def combinations(canonical: str) -> tuple[tuple[int, ...], ...]:
    """AU combinations of a class, the most typical first; empty where no table speaks of it.

    Of the seven basic expressions the published prototypes (S20, S21), of other classes the core and common AUs of
    each pattern. Of alternatives ("23 or 24") the first counts.
    """
    if canonical in BASIC:
        found = [_first_of(p.clauses) for p in prototypes(canonical)]
        core = _first_of(tuple(w.clause for w in profile(canonical) if w.role in {"core", "common"} and w.weight > 0))
        found.insert(0, core)
    else:
        found = [
            _first_of(tuple(w.clause for w in pattern.clauses if w.role in {"core", "common"} and w.weight > 0))
            for pattern in patterns(canonical)
        ]
    return tuple(dict.fromkeys(aus for aus in found if aus))[:MOST]


def unit_texts(canonical: str, knows: Knows) -> tuple[str, ...]:
    """Descriptions of a class by its movements, in words that the text tower knows; empty where there are none."""
    if canonical == "neutral":
        return tuple(text for text in STILL if knows(text))
    told = (describe_units(aus, knows) for aus in combinations(canonical))
    return tuple(dict.fromkeys(text for text in told if text is not None))


def _first_of(clauses: tuple[Clause, ...]) -> tuple[int, ...]:
    """Ascending, which is from the brows down to the jaw."""
    return tuple(sorted({clause.aus[0] for clause in clauses if not clause.limit}))
