"""An upper bound on the CLIP tokens of our own sentences, without CLIP.

CLIP's byte-pair vocabulary holds nearly every word the writer uses as one token; the others stand here with their
count. Digits are one token each, so is every run of punctuation. `tests/reasoning/clip_counts.json` holds the counts
of the real tokenizer for the whole vocabulary, and a test compares the two.
"""

from __future__ import annotations

WORD_TOKENS: dict[str, int] = {}

SENTENCE_LIMIT = 40
"""Tokens a region sentence may have, its start and end token included."""


def clip_cost(text: str) -> int:
    """Tokens of `text` (words, AU numbers, punctuation), not less than CLIP's own count without start and end."""
    total = 0
    for piece in text.split():
        word = piece.strip("(),.;:")
        total += len(piece) - len(word)
        if word.startswith("AU") and word[2:].isdigit():
            total += len(word) - 1
        elif word:
            for part in word.lower().split("-"):
                total += WORD_TOKENS.get(part, 1)
            total += word.count("-")
    return total
