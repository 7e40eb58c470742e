"""Likeness of words: ROUGE-L, and REGE as the sum that EmoLA reports. Legacy columns: they do not see what is true.

A caption that swaps left and right, or denies what it should state, keeps nearly all of its ROUGE-L.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"[a-z0-9]+")


def rouge_l(reference: str, text: str) -> float:
    """F1 of the longest common subsequence of words (Lin 2004), 0 to 1; lower case, letters and digits only.

    Without stemming; as the `rouge_score` package's `rougeL` with `use_stemmer=False`.
    """
    wanted, got = _WORD.findall(reference.lower()), _WORD.findall(text.lower())
    if not wanted or not got:
        return 0.0
    common = common_length(wanted, got)
    return 2 * common / (len(wanted) + len(got)) if common else 0.0


def common_length(one: list[str], other: list[str]) -> int:
    """Length of the longest common subsequence."""
    best = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for k, against in enumerate(other, start=1):
            kept = best[k]
            best[k] = before + 1 if word == against else max(best[k], best[k - 1])
            before = kept
    return best[-1]


def rege(recognition: float, rouge: float) -> float:
    """Recognition (accuracy or AU F1) plus generation (ROUGE), both in percent: 0 to 200 (arXiv:2404.05052)."""
    return recognition + rouge
