"""Text to sentences, sentences to tokens with their offsets."""

from __future__ import annotations

import re
from itertools import accumulate

_TOKEN = re.compile(
    r"([a-mo-vx-z][a-z]*(?:'[a-z]+)*|w/o|w/|n/a|[nw][a-z]*(?:'[a-z]+)*|\d+(?:\.\d+)?"
    r"|\[\s*[x✓✔]?\s*\]|\(\s*[+\-–]\s*\)|[^\sa-z\d])"
)
"""A word, a number or a sign, in lower case."""
_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "‑": "-", "−": "-"})
_FULL_STOP = re.compile(r"[.!?]+(?=[\s\"')\]*]|$)|\n")
_ABBREVIATIONS = ("e.g", "i.e", "vs", "cf", "resp", "approx", "etc", "fig", "ca", "dr", "mr", "mrs", "ms", "st", "no")
_NO_END = re.compile(rf"(?:\b(?:{'|'.join(_ABBREVIATIONS).replace('.', '[.]')})|^\s*\(?\d{{1,2}})$", re.I)
_PLAIN = re.compile(r"[A-Z][^.!?\n*]*(?:\. [A-Z][^.!?\n*]*)*\.?")
"""Sentences that no abbreviation or decimal can confuse; `_ABBREVIATIONS` are checked apart."""
_CARRIED = re.compile(
    r"\s*(?:(?:level|intensity|strength|degree|side)\s*[:=]"
    r"|(?:it|this) (?:is|was) (?:on )?(?:the |its )?(?:subject's |person's )?(?:left|right)\b"
    r"|(?:they|both|neither|nor|so|likewise|ditto|(?:but |and )?not)\b"
    r"|(?:but |and )?(?:the|its|their|his|her) [^.!?:;,]{1,40}\b(?:is|are|was|were|do|does|did|has|have|had)"
    r"(?: not|n't)(?: (?:so|either|at all))?[.!]?$"
    r"|(?:but |and )?(?:the|its|their|his|her) [^.!?:;,]{1,40}\b(?:do|does|did|is|are)"
    r"(?: too| so| likewise| the same| as well)[.!]?$)",
    re.I,
)
"""A sentence that says nothing without the one before it."""
_CARRIED_FIRST = frozenset(
    (
        "level", "intensity", "strength", "degree", "side", "it", "this", "they", "both", "neither", "nor", "so",
        "likewise", "ditto", "but", "and", "not",
    )
)  # fmt: skip
_CARRIED_LAST = ("not", "n't", "so", "either", "at all", "too", "likewise", "the same", "as well")
_ANSWER = re.compile(
    r"\s*(?:yes|no|none|absent|present|not|nope|nah|yep|yeah"
    r"|(?:it|they|he|she) (?:do|does|did|is|are|has|have)(?: not|n't)?[.,;!])(?!\w)",
    re.I,
)
_BULLET = re.compile(r"^[\s\-*•·–#>|]*(?:\(?\d{1,2}[.)]\s+)?")


def lowered(text: str) -> str:
    """Lower case with plain quotes and hyphens, of the same length as `text`."""
    if not text.isascii():
        text = text.translate(_QUOTES)
    low = text.lower()
    return low if len(low) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


_CAMEL = re.compile("[a-z][A-Z]")


def spans(text: str) -> tuple[list[str], list[int], list[int]]:
    """The tokens of a sentence, their starts and their ends; `(+)` and `(-)` are one token each, `lipPress` is two."""
    if _CAMEL.search(text):
        return _of_humps(text)
    pieces = _TOKEN.split(lowered(text))  # what lies between, a token, what lies between, ...
    ends = list(accumulate(map(len, pieces)))
    return pieces[1::2], ends[:-1:2], ends[1::2]


def _of_humps(text: str) -> tuple[list[str], list[int], list[int]]:
    humps = [m.start() + 1 for m in _CAMEL.finditer(text)]
    words: list[str] = []
    starts: list[int] = []
    stops: list[int] = []
    for shift, piece in zip([0, *humps], _pieces(text, humps), strict=True):
        found = spans(piece)
        words += found[0]
        starts += [shift + at for at in found[1]]
        stops += [shift + at for at in found[2]]
    return words, starts, stops


def _pieces(text: str, cuts: list[int]) -> list[str]:
    return [text[a:b].lower() for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def sentences(text: str) -> list[str]:
    """Split at full stops, exclamation and question marks and line ends; bullets and numbers in front are dropped.

    Abbreviations, decimals and list numbers end nothing, and a remark such as "Level: marked." stays with the
    sentence it is about.
    """
    if ":" not in text and _PLAIN.fullmatch(text):
        pieces = text.split(". ")
        carried = len(pieces) > 1 and any(map(_is_carried, pieces[1:]))
        if not carried and not any(piece.lower().endswith(_ABBREVIATIONS) for piece in pieces[:-1]):
            return [*[f"{piece}." for piece in pieces[:-1]], pieces[-1]]
    found: list[str] = []
    start = 0
    for stop in _FULL_STOP.finditer(text):
        if text[stop.start()] == "?" and _ANSWER.match(text, stop.end()):
            continue
        if text[stop.start()] == "." and _NO_END.search(text[start : stop.start()]):
            continue
        _append(found, text[start : stop.end()])
        start = stop.end()
    _append(found, text[start:])
    return found


def _is_carried(piece: str) -> bool:
    """Whether a sentence belongs to the one before; its first and last words tell for most that it does not."""
    first = piece.split(None, 1)[0].rstrip(":,=").lower()
    if first not in _CARRIED_FIRST and not piece.rstrip(".!").lower().endswith(_CARRIED_LAST):
        return False
    return _CARRIED.match(piece) is not None


def _append(found: list[str], piece: str) -> None:
    bullet = _BULLET.match(piece)
    kept = piece[bullet.end() if bullet else 0 :].strip().strip("*").strip()
    if not any(c.isalnum() for c in kept):
        return
    asked = bool(found) and found[-1].endswith("?") and found[-1].count(" ") <= 2  # "Next? Anger."
    if found and (asked or _is_carried(kept)):
        found[-1] = f"{found[-1]} {kept}"
    else:
        found.append(kept)
