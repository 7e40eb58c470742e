"""The overview: one sentence on the whole face, in plain words, without numbers of AUs and without emotion words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from operator import attrgetter

from fervlm.reasoning.observe import Evidence
from fervlm.reasoning.wording.choice import Choice
from fervlm.reasoning.wording.forms import Forms, Phrase
from fervlm.reasoning.wording.tokens import SENTENCE_LIMIT, clip_cost

_BUDGET = SENTENCE_LIMIT - 2

TWO = (
    "Across the face, {c} and {c}{more}.",
    "{c} while {c}{more}.",
    "{c}, and {c}{more}.",
    "{c}; {c}{more}.",
    "With {a}, {c}{more}.",
    "Overall, {c}, with {a}{more}.",
    "Seen as a whole, {c}, and {c}{more}.",
    "In this face {c}, and {c}{more}.",
    "In this face {c} while {c}{more}.",
    "On this face {c}, with {n}{more}.",
    "The face shows {n} and {n}{more}.",
    "The face shows {n}, together with {n}{more}.",
    "The face combines {n} with {n}{more}.",
    "Seen as a whole, the face pairs {n} with {n}{more}.",
    "Overall there is {n}, with {n}{more}.",
    "The movement of this face joins {n} and {n}{more}.",
    "The pattern is {n} with {n}{more}.",
    "As a whole, the face shows {n}, and with it {n}{more}.",
    "{n} and {n} are found on this face{more}.",
    "{n} goes with {n}{more}.",
    "{n} comes along with {n}{more}.",
    "In short, {c}, and {c}{more}.",
    "In short, {n} with {n}{more}.",
)
PARTLY = (
    "{Count} movements are recorded, among them {n} and {n}.",
    "{Count} movements are present, including {n} and {n}.",
    "{Count} movements are seen on this face, {n} and {n} among them.",
    "{Count} movements are found on this face; {n} and {n} are two of them.",
    "This face moves in {count} ways, {n} and {n} among them.",
    "The face shows {count} movements, {n} and {n} among them.",
    "The face shows {count} movements: {c} and {c}, for instance.",
    "There are {count} movements, such as {n} and {n}.",
    "{Count} movements are at work, {n} and {n} included.",
    "This face combines {count} movements, {n} and {n} included.",
)
"""Two of more units named."""
THREE = (
    "{c}, {c} and {c}{more}.",
    "{c}, {c}, and {c}{more}.",
    "{c} while {c}, and {c}{more}.",
    "{c} and {c}, with {a}{more}.",
    "With {a}, {c} and {c}{more}.",
    "Across the face, {c}, {c} and {c}{more}.",
    "Overall, {c}, with {a} and {a}{more}.",
    "Seen as a whole, {c}, {c} and {c}{more}.",
    "In short, {c}, {c} and {c}{more}.",
    "The face shows {n}, {n} and {n}{more}.",
    "The face combines {n}, {n} and {n}{more}.",
    "{n} comes with {n} and {n}{more}.",
    "{n} goes with {n} and {n}{more}.",
    "The pattern joins {n}, {n} and {n}{more}.",
    "On this face there is {n}, with {n} and {n}{more}.",
    "In this face {c}, {c} and {c}{more}.",
)
MORE = (
    ", {count} movements in all",
    ", plus {rest} more {movements}",
    ", and {rest} more {movements} {are} recorded",
    "; {rest} more {movements} {are} recorded",
    "; {count} movements are recorded in all",
    "; in all there are {count} movements",
)
"""What follows where not every present unit was named."""
MORE_AFTER_AND = tuple(more for more in MORE if ", and" not in more)
ZONED = (
    "In the {zone}, {c}; in the {other}, {c}{more}.",
    "The {zone} shows {n}; the {other} shows {n}{more}.",
    "In the {zone} there is {n}; in the {other}, {n}{more}.",
    "In the {zone} {c}, while in the {other} {c}{more}.",
    "The {zone} has {n}; the {other} has {n}{more}.",
)
"""For two units of different zones."""
SINGLE = (
    "{c}; no other movement was found.",
    "The only movement recorded on this face is {n}.",
    "A single movement is recorded: {n}.",
    "One movement stands alone on this face: {n}.",
    "The face shows one movement, {n}.",
    "Apart from {n}, no movement was found.",
    "This face shows {n} and no other movement.",
    "{c}, the only movement recorded on this face.",
    "Of everything measured, only {n} is present.",
)
STILL = (
    "None of the {measured} is present.",
    "The face is at rest as far as measured: none of the {measured} is present.",
    "As far as measured, the face is at rest.",
    "Of the {measured}, none is present.",
    "The face shows no measured movement.",
    "No measured movement is present on this face.",
    "All of the {measured} are absent.",
)
UNTRACKED = "The face was not tracked here, so what it shows is unknown."
UNMEASURED = "The face was found, but its movements were not measured."

NOUNS_OF_TWO = tuple(frame for frame in TWO if "{c}" not in frame)
NOUNS_OF_THREE = tuple(frame for frame in THREE if "{c}" not in frame)

_NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_BY_PLACE = attrgetter("place")
_HOLE = re.compile(r"\{([can])\}")


def number_word(number: int) -> str:
    """Small numbers in words."""
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


@cache
def _compiled(frame: str) -> tuple[str, str, int]:
    text = _HOLE.sub("%s", frame)
    return text, "".join(_HOLE.findall(frame)), clip_cost(_HOLE.sub("", frame).replace("{more}", ""))


def overview(evidence: Evidence, active: Sequence[Forms], choice: Choice) -> str:
    """The sentence. `active` are the present units of `evidence`, in any order."""
    if not active:
        return _nothing(evidence, choice)
    if len(active) == 1:
        return _fill(choice.of(SINGLE), active, choice)[0]
    leads = sorted(active, key=attrgetter("rank"))
    for _ in range(4):
        text, cost = _attempt(leads, choice)
        if cost <= _BUDGET:
            return text
    return _shortest(leads)


def _attempt(leads: list[Forms], choice: Choice) -> tuple[str, int]:
    count = len(leads)
    if count >= 3 and choice.number(3) == 0:
        three = sorted(leads[:3], key=_BY_PLACE)
        return _told(choice.of(NOUNS_OF_THREE if _repeats(three) else THREE), three, count, choice)
    first = leads[0]
    elsewhere = [form for form in leads[1:4] if form.zone != first.zone]
    pair = [first, choice.of(elsewhere) if elsewhere else leads[1]]
    pair.sort(key=_BY_PLACE)
    zone, other = pair[0].zone, pair[1].zone
    if zone != other and "head" not in {zone, other} and choice.number(4) == 0:
        frame = choice.of(ZONED).replace("{zone}", zone).replace("{other}", other)
    elif count > 2 and choice.number(3) == 0:
        frame = choice.of(PARTLY)
    else:
        frame = choice.of(NOUNS_OF_TWO if _repeats(pair) else TWO)
    return _told(frame, pair, count, choice)


def _repeats(active: Sequence[Forms]) -> bool:
    """Whether two of the units are told with the same subject ("the lips"), so that clauses would repeat it."""
    return len({form.subject for form in active}) < len(active)


def _told(frame: str, named: list[Forms], count: int, choice: Choice) -> tuple[str, int]:
    text, cost = _fill(frame, named, choice)
    rest = count - len(named)
    more = ""
    if rest and "{more}" in text:
        more = choice.of(MORE_AFTER_AND if ", and" in text or ", with" in text else MORE).replace(
            "{rest}", number_word(rest)
        )
        more = more.replace("{movements}", "movement" if rest == 1 else "movements")
        more = more.replace("{are}", "is" if rest == 1 else "are").replace("{count}", number_word(count))
    text = text.replace("{more}", more).replace("{count}", number_word(count))
    text = text.replace("{Count}", number_word(count).capitalize())
    return text, cost + clip_cost(more)


def _fill(frame: str, lexical: Sequence[Forms], choice: Choice) -> tuple[str, int]:
    pattern, kinds, cost = _compiled(frame)
    mode = choice.number(6)
    phrases: list[Phrase] = []
    for turn, (form, kind) in enumerate(zip(lexical, kinds, strict=True)):
        # Later nouns are compounds: after "a lift of the cheeks and", "lowering of" could be heard of the cheeks.
        nouns = form.bare_terse if turn else form.bare_nouns
        modes = form.bare_clauses if kind == "c" else nouns if kind == "n" else form.bare_absolutes
        phrases.append(choice.of(modes[(mode + turn) % len(modes)]))
    text = pattern % tuple([phrase.text for phrase in phrases])
    return text[0].upper() + text[1:], cost + sum([phrase.cost for phrase in phrases])


def _shortest(leads: list[Forms]) -> str:
    pair = sorted(leads[:2], key=_BY_PLACE)
    nouns = [min((p for mode in form.bare_nouns for p in mode), key=attrgetter("cost")).text for form in pair]
    return f"The face shows {nouns[0]} and {nouns[1]}."


def _nothing(evidence: Evidence, choice: Choice) -> str:
    if not evidence.tracked:
        return UNTRACKED
    if not evidence.units:
        return UNMEASURED
    count = len(evidence.units)
    return choice.of(STILL).replace("{measured}", f"{number_word(count)} measured movement{'s' if count > 1 else ''}")
