"""A sentence of a course, cut into steps: what moves, and what is said of its time and place in the order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from fervlm.sequences.mentions import Mention
from fervlm.sequences.moments import RELATIONS, Cue, Sign

_PARENTHESES = re.compile(r"\([^()]*\)")
_AND = re.compile(r",? and ")
_ORDER: frozenset[Cue] = frozenset({"first", "last", "then"})
_OWN: frozenset[Cue] = frozenset({"fade", "everything", "these", "peak", "last_to_fade"})
_OWN_KINDS = frozenset({"total", "none", "range"})
Relation = Literal["before", "after", "while"]


@dataclass(frozen=True, slots=True)
class Step:
    """One clause of the story."""

    start: int
    mentions: tuple[Mention, ...] = ()
    signs: tuple[Sign, ...] = ()
    relation: Relation | None = None
    """How it stands to the step before it in the text."""
    relation_sign: Sign | None = None
    mismatch: tuple[Mention, Mention] | None = field(default=None)
    """Words and a number beside them that name different AUs."""

    def has(self, *cues: Cue) -> bool:
        """Whether one of these words stands in the step."""
        return any(sign.cue in cues for sign in self.signs)

    def of(self, *kinds: str) -> list[Sign]:
        """The signs of these kinds."""
        return [sign for sign in self.signs if sign.kind in kinds]


def read_steps(sentence: str, mentions: list[Mention], signs: tuple[Sign, ...]) -> list[Step]:
    """The steps of one sentence in the order of the text.

    Steps are parted by semicolons where there are any, else by commas, by "before", "after" and "while", and by "and"
    where both sides tell their own time or place in the order. What stands in parentheses belongs to the step around
    it.
    """
    masked = _PARENTHESES.sub(lambda m: "\0" * len(m[0]), sentence)
    mark = ";" if ";" in masked else ","
    cuts: list[tuple[int, Sign | None]] = [(m.start(), None) for m in re.finditer(rf"[{mark}:—–]", masked)]
    cuts += [(s.start, s) for s in signs if s.cue in RELATIONS and masked[: s.start].strip()]
    pieces = _cut(sentence, sorted(cuts, key=lambda cut: cut[0]), mentions, signs)
    leading = next((s for s in signs if s.cue in RELATIONS and not masked[: s.start].strip()), None)
    if leading is not None:
        pieces = _turned(pieces, leading)
    steps = [step for piece in pieces for step in _part_at_and(masked, piece)]
    return [_match_numbers(step) for step in _carry(_gather(steps))]


def _cut(
    sentence: str, cuts: list[tuple[int, Sign | None]], mentions: list[Mention], signs: tuple[Sign, ...]
) -> list[tuple[int, int, Step]]:
    edges = [(0, None), *cuts, (len(sentence), None)]
    found = []
    for (start, sign), (end, _) in pairwise(edges):
        inside = tuple(s for s in signs if start <= s.start < end and s is not sign)
        step = Step(
            start,
            tuple(m for m in mentions if start <= m.start < end),
            inside,
            _relation(sign),
            sign,
        )
        found.append((start, end, step))
    return found


def _relation(sign: Sign | None) -> Relation | None:
    cue = sign.cue if sign is not None else None
    return cue if cue == "before" or cue == "after" or cue == "while" else None  # noqa: PLR1714


def _turned(pieces: list[tuple[int, int, Step]], leading: Sign) -> list[tuple[int, int, Step]]:
    """ "After A, B" is B after A: what stands before the first clause is said of the second, the other way round."""
    if len(pieces) < 2:
        return pieces
    turned: Relation = {"before": "after", "after": "before"}.get(leading.cue or "", "while")  # type: ignore[assignment]
    start, end, step = pieces[1]
    return [pieces[0], (start, end, replace(step, relation=turned, relation_sign=leading)), *pieces[2:]]


def _part_at_and(masked: str, piece: tuple[int, int, Step]) -> list[Step]:
    start, end, step = piece
    parts: list[Step] = []
    for match in _AND.finditer(masked, start, end):
        left, right = _split(step, match.start())
        if _stands_alone(left) and _stands_alone(right) and not right.has("together"):
            parts.append(left)
            step = right
    return [*parts, step]


def _split(step: Step, at: int) -> tuple[Step, Step]:
    left = replace(
        step,
        mentions=tuple(m for m in step.mentions if m.start < at),
        signs=tuple(s for s in step.signs if s.start < at),
    )
    right = Step(at, tuple(m for m in step.mentions if m.start >= at), tuple(s for s in step.signs if s.start >= at))
    return left, right


def _stands_alone(step: Step) -> bool:
    """Whether a part tells its own time or place: it keeps to itself at an "and"."""
    if step.has(*_OWN):
        return True
    if step.of("again") and step.of("moment"):
        return True
    timed = step.of("moment", "gap", "soon", "until", "by", "range", "lasting", "count", "again")
    return bool(step.mentions) and bool(timed or step.has(*_ORDER, "already", "still"))


def _gather(steps: list[Step]) -> list[Step]:
    """Steps of a list such as "the brows lower, the lids tighten and the lips part together" are one."""
    found: list[Step] = []
    for step in steps:
        if step.has("together") and step.relation is None:
            while found and found[-1].mentions and not found[-1].signs and found[-1].relation is None:
                step = _merged(found.pop(), step)  # noqa: PLW2901
        found.append(step)
    return found


def _carry(steps: list[Step]) -> list[Step]:
    """A part without movement ("First,", "By 2.1 s,") belongs to the next one, or to the last."""
    found: list[Step] = []
    waiting: Step | None = None
    for step in steps:
        here = step if waiting is None else _merged(waiting, step)
        waiting = None
        if here.of("again") and here.of("moment") and not here.mentions and found:
            # "... and again at 4.0 s": the movements of the step before.
            here = replace(here, mentions=found[-1].mentions)
        bare = not here.mentions and not here.has(*_OWN) and not here.of(*_OWN_KINDS)
        if bare:
            waiting = here
        else:
            found.append(here)
    if waiting is not None and waiting.signs:
        if found:
            found[-1] = _merged(found[-1], waiting)
        else:
            found.append(waiting)
    return found


def _merged(one: Step, other: Step) -> Step:
    return Step(
        one.start,
        one.mentions + other.mentions,
        one.signs + other.signs,
        one.relation or other.relation,
        one.relation_sign or other.relation_sign,
    )


def _match_numbers(step: Step) -> Step:
    """Words and the AU numbers beside them are one mention; a number that no words fit is held against them."""
    numbers = [m for m in step.mentions if m.numbered]
    words = [m for m in step.mentions if not m.numbered]
    if not numbers or not words:
        return step
    loose_numbers = list(numbers)
    matched: list[Mention] = []
    loose_words: list[Mention] = []
    for word in words:
        fitting = [n for n in numbers if n.aus[0] in word.aus]
        if not fitting:
            loose_words.append(word)
            continue
        following = next((n for n in fitting if n.start >= word.end), fitting[0])
        matched.append(replace(word, aus=following.aus, negated=word.negated or following.negated))
        loose_numbers = [n for n in loose_numbers if n not in fitting]
    mismatch = (loose_words[0], loose_numbers[0]) if loose_words and loose_numbers else None
    mentions = sorted([*matched, *loose_words, *loose_numbers], key=lambda m: m.start)
    return replace(step, mentions=tuple(mentions), mismatch=mismatch)
