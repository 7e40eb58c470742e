"""Moments, distances, counts and words of order, read out of one sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["moment", "until", "by", "range", "gap", "soon", "lasting", "count", "total", "again", "cue", "none"]
Cue = Literal[
    "first", "last", "then", "before", "after", "together", "while", "already", "still", "brief", "micro", "fade",
    "last_to_fade", "peak", "everything", "these", "longest",
]  # fmt: skip

RELATIONS: frozenset[Cue | None] = frozenset({"before", "after", "while"})
"""Cues that set one clause against another."""
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12,
}  # fmt: skip
_NUMBER = rf"(?:\d+(?:\.\d+)?|{'|'.join(_WORDS)})"
_SECONDS = r"(?:s|secs?|seconds?)\b"
_UNIT = rf"(?:{_SECONDS}|(?:ms|milliseconds?)\b|frames?\b)"
_ABOUT = r"(?:about |around |roughly |some |nearly |almost |approximately )?"
_LENGTH = (
    rf"(?:half a second|a quarter of a second|a second and a half|(?:a|one) second\b"
    rf"|{_NUMBER}(?: and a half)?[ -]?{_UNIT})"
)
_MOMENT = rf"(?:\d+(?:\.\d+)?[ -]?(?:{_SECONDS}|(?:ms|milliseconds?)\b)|(?:frame|second) \d+(?:\.\d+)?)"
_BARE = r"\d+(?:\.\d+)?"


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of seconds or frames."""

    value: float
    unit: Literal["s", "frame"]
    slack: float
    """Half of the last digit written; a quarter of what is written in words."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One expression of time, number or order, with its place in the sentence."""

    kind: Kind
    start: int
    end: int
    text: str
    cue: Cue | None = None
    amounts: tuple[Amount, ...] = ()
    numbers: tuple[int, int] | None = None
    """Least and largest count."""


_TIMED: tuple[tuple[Kind, str], ...] = (
    (
        "range",
        rf"\b(?:from|between) {_ABOUT}(?P<a>{_MOMENT}|{_BARE}) (?:to|and|until|till|through) {_ABOUT}(?P<b>{_MOMENT})",
    ),
    ("gap", rf"\b{_ABOUT}(?P<a>{_LENGTH}) (?P<relation>after|before)(?= (?:au|the|both|an?|its|his|her) ?)"),
    ("gap", rf"\b{_ABOUT}(?P<a>{_LENGTH})(?: later| after(?:wards?| that)?\b)"),
    ("gap", rf"\bafter {_ABOUT}(?P<a>{_LENGTH})"),
    ("lasting", rf"\b(?:for|lasts?|lasting|takes?|over)(?: for)? {_ABOUT}(?P<a>{_LENGTH})"),
    ("until", rf"\b(?:until|till|up to) {_ABOUT}(?P<a>{_MOMENT})"),
    ("by", rf"\b(?:by|before) {_ABOUT}(?P<a>{_MOMENT})"),
    ("moment", rf"(?P<a>{_MOMENT})"),
    ("soon", r"\b(?:shortly|soon|right|just) (?:after(?:wards?)?|later)\b|\b(?:a )?moments? later\b"),
)
_TRACKING = r"\bwhen (?:the )?(?:tracking|recording|clip|face tracking)"
_CUES: tuple[tuple[Cue, str], ...] = (
    ("last_to_fade", r"\b(?:the )?last to (?:fade|go|leave|relax|ease)\b|\b(?:fades?|relax(?:es)?|eases?) last\b"),
    ("micro", r"\bmicro[- ]?\w*"),
    ("longest", r"\b(?:the )?longest\b"),
    ("first", r"\b(?:first|(?:begins?|starts?|opens?) with|to begin with|initially|at first)\b"),
    ("last", r"\b(?:last of all|last|finally|lastly|in the end)\b"),
    ("together", r"(?<!press )(?<!presses )(?<!pressed )(?<!pressing )(?<!drawn )(?<!draw )(?<!brought )\btogether\b"),
    ("together", r"\b(?:at the same time|simultaneous(?:ly)?|in unison|all at once)\b"),
    ("while", r"\b(?:while|meanwhile)\b"),
    ("already", rf"\balready\b|\bfrom the (?:start|outset|beginning)\b|{_TRACKING} (?:begins|starts|resumes)\b"),
    ("still", rf"\bstill\b|{_TRACKING} (?:ends|stops|breaks off)\b"),
    ("brief", r"\bbrief(?:ly)?\b|\bfor a moment\b|\bmomentar(?:y|ily)\b"),
    ("peak", r"\b(?:peaks?|peaking|peaked|fullest|at (?:its|their) height|apex|culminat\w+)\b"),
    (
        "fade",
        r"\b(?:fad(?:e|es|ed|ing)|eas(?:e|es|ed) off|gone|relax(?:es|ed)?|subsid(?:e|es|ed)|at rest"
        r"|vanish(?:es|ed)?|let(?:s)? go|back to rest|(?:is|are) over)\b",
    ),
    ("these", r"\b(?:these movements?|all of (?:these|them)|they all|these)\b"),
    ("everything", r"\b(?:everything|all of (?:it|this)|it all|all movements?|the whole|the face)\b"),
    ("then", r"\b(?:then|next|after that|afterwards?|thereafter|later|subsequently|in turn)\b"),
    ("before", r"\b(?:before|precedes?|ahead of|(?:(?:is|are) )?followed by)\b"),
    ("after", r"\b(?:after|follows?(?= (?:au|the|both)\b| au))\b"),
    ("then", r"\bfollows?\b"),
)
_COUNT = re.compile(rf"\b(?P<word>once|twice|thrice)\b|\b(?P<n>\d+|{'|'.join(_WORDS)}) times\b")
_OFTEN = re.compile(r"\b(?:again|repeatedly|several times|many times|more than once|over and over)\b")
_TOTAL = re.compile(rf"\b(?P<n>\d+|{'|'.join(_WORDS)}) (?:distinct |separate |facial )?movements?\b")
_NONE = re.compile(r"\bno (?:facial |visible |further )?(?:movements?|events?)\b|\bnothing moves\b")
_TIMED_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in _TIMED)
_CUE_PATTERNS = tuple((cue, re.compile(pattern)) for cue, pattern in _CUES)


def read_signs(sentence: str) -> tuple[Sign, ...]:
    """Every expression of time, number and order, left to right; none overlaps another, the longer reading wins."""
    text = sentence.lower()
    taken = bytearray(len(text))
    found: list[Sign] = []

    def add(match: re.Match[str], kind: Kind, **more: object) -> None:
        start, end = match.span()
        if any(taken[start:end]):
            return
        taken[start:end] = b"\x01" * (end - start)
        found.append(Sign(kind, start, end, sentence[start:end], **more))  # type: ignore[arg-type]

    for match in _NONE.finditer(text):
        add(match, "none")
    for kind, pattern in _TIMED_PATTERNS:
        for match in pattern.finditer(text):
            amounts = tuple(_amounts(match))
            relation = match.groupdict().get("relation")
            add(match, kind, amounts=amounts, cue="then" if kind == "soon" else relation)
    for match in _COUNT.finditer(text):
        number = {"once": 1, "twice": 2, "thrice": 3}.get(match["word"] or "") or _whole(match["n"])
        add(match, "count", numbers=(number, number))
    for match in _TOTAL.finditer(text):
        add(match, "total", numbers=(_whole(match["n"]), _whole(match["n"])))
    for match in _OFTEN.finditer(text):
        add(match, "again", numbers=(2, 1_000_000))
    for cue, pattern in _CUE_PATTERNS:
        for match in pattern.finditer(text):
            add(match, "cue", cue=cue)
    return tuple(sorted(found, key=lambda sign: sign.start))


def _whole(word: str) -> int:
    return _WORDS[word] if word in _WORDS else int(word)


def _amounts(match: re.Match[str]) -> list[Amount]:
    groups = match.groupdict()
    found = [_amount(groups[name]) for name in ("a", "b") if groups.get(name)]
    if len(found) == 2 and re.fullmatch(_BARE, groups["a"]):
        # "from 0.4 to 2.1 s": the unit stands once.
        value = found[0].value
        found[0] = Amount(value, found[1].unit, _slack(groups["a"]))
    return found


def _amount(words: str) -> Amount:
    unit: Literal["s", "frame"] = "frame" if "frame" in words else "s"
    digits = re.search(_BARE, words)
    if digits:
        value, slack = float(digits[0]), _slack(digits[0])
        if "and a half" in words:
            value, slack = value + 0.5, 0.2
        if re.search(r"\bms\b|milli", words[digits.end() :].lstrip(" -")):
            value, slack = value / 1000, slack / 1000
        return Amount(value, unit, slack if unit == "s" else 0.0)
    if "half a second" in words:
        value = 0.5
    elif "quarter" in words:
        value = 0.25
    elif "second and a half" in words:
        value = 1.5
    else:
        value = next((float(n) for word, n in _WORDS.items() if words.startswith(word)), 1.0)
        value += 0.5 if "and a half" in words else 0.0
    return Amount(value, unit, 0.25 * value if unit == "s" else 0.0)


def _slack(digits: str) -> float:
    """Half of the last place: 0.05 for "0.4", 0.5 for "3"."""
    return float(0.5 * 10.0 ** -len(digits.partition(".")[2]))
