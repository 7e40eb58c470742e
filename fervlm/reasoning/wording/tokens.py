"""An upper bound on the CLIP tokens of our own sentences, without CLIP.

CLIP's byte-pair vocabulary holds nearly every word the writer uses as one token; the others stand here with their
count. Digits are one token each, so is every run of punctuation. `tests/reasoning/clip_counts.json` holds the counts
of the real tokenizer for the whole vocabulary, and a test compares the two.
"""

from __future__ import annotations

from functools import lru_cache

_WORDS = {
    2: (
        "bends bites blinking blinks bulges bulging clench clenched clenches clenching compress compresses "
        "confidently converge deepen deepened deepening deepens dilate dilated dilates dimple dimpled dimples "
        "dimpling diverge diverging downturn eyelid flared flaring funnels furrow furrows markedly maximal "
        "maximally midface narrowed narrowing narrows nineteen nodding nods outward parted pucker puckers "
        "puffed puffing puller shrug shrugged shrugs sniffing sniffs suck sucked sucking sucks swallowing "
        "tensed tenses thrusts tightened tightening tightens tilted tilts tucks winking winks wiping wrinkled "
        "wrinkling"
    ),
    3: "crinkle crinkled crinkles eyelids faintly funneled funneling nostril nostrils puckered puckering",
    4: "nasolabial",
}
WORD_TOKENS: dict[str, int] = {word: count for count, words in _WORDS.items() for word in words.split()}

SENTENCE_LIMIT = 40
"""Tokens a region sentence may have, its start and end token included."""


def clip_cost(text: str) -> int:
    """Tokens of `text` (words, AU numbers, punctuation), not less than CLIP's own count without start and end."""
    return sum(map(_piece_cost, text.split()))


@lru_cache(maxsize=4096)
def _piece_cost(piece: str) -> int:
    """Tokens of what stands between two blanks; our own sentences are made of a few hundred of these."""
    word = piece.strip("(),.;:")
    marks = len(piece) - len(word)
    if word.startswith("AU") and word[2:].isdigit():
        return marks + len(word) - 1
    if not word:
        return marks
    parts = word.lower().split("-")
    tokens = [len(part) if part.isdigit() else WORD_TOKENS.get(part, 1) for part in parts]
    return marks + sum(tokens) + len(parts) - 1
