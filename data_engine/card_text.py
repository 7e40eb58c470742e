"""The words of the card: front matter, then what a person who wants to train on the set has to know."""

from __future__ import annotations

from data_engine.card_counts import contents, labels, taught, texts, turned_away, units, verification
from data_engine.card_front import columns, front_matter, how_made, opening
from data_engine.card_terms import licences, limits, people
from data_engine.made import Made
from data_engine.numbers import Numbers


def card(numbers: Numbers, how: Made, plots: frozenset[str]) -> str:
    """The whole README.md."""
    blocks = [
        front_matter(numbers, how),
        opening(numbers, how),
        columns(),
        how_made(how),
        contents(numbers, plots),
        texts(numbers, plots),
        units(numbers, plots),
        labels(numbers, how, plots),
        verification(how),
        *([taught(how.teacher)] if how.teacher else []),
        turned_away(how),
        people(numbers),
        licences(numbers, how),
        limits(numbers),
    ]
    return "\n\n".join(block.strip("\n") for block in blocks) + "\n"
