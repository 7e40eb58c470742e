"""Which action units a sentence of a course speaks of, and what it may not say: read by the verifier's own reader."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from fervlm.reasoning.verifier.claims import read_claims
from fervlm.reasoning.verifier.drafts import Draft
from fervlm.sequences.moments import RELATIONS, Sign

_SIDES: dict[str | None, Literal["left", "right", "both"]] = {
    "left": "left",
    "right": "right",
    "both": "both",
    "pair": "both",
    "more_left": "left",
    "more_right": "right",
}
_CLAUSE_END = re.compile(r"\)\s*(?:,\s*(?:and\b)?|and\b)")


@dataclass(frozen=True, slots=True)
class Mention:
    """One movement named by number or in plain words."""

    start: int
    end: int
    text: str
    aus: tuple[int, ...]
    """Any of these is meant (plain words may fit several)."""
    numbered: bool
    side: Literal["left", "right", "both"] | None = None
    loose: bool = False
    """ "Both brows": says nothing of sides where they are not measured."""
    level: tuple[int, int] | None = None
    """FACS levels that the strength word allows."""
    negated: bool = False


class Offence(NamedTuple):
    """Words that no evidence could allow: an emotion, or anything about the person."""

    kind: Literal["emotion_word", "person"]
    start: int
    text: str
    reason: str


def read_mentions(sentence: str, signs: Iterable[Sign]) -> tuple[list[Mention], list[Offence]]:
    """Every movement a sentence names and every forbidden wording in it, left to right.

    Expressions of time and order are blanked first, since "together" would else be heard as a movement; "while",
    "before" and "after" become the clause breaks they are.
    """
    blanked = sentence
    for sign in signs:
        mark = ";" if sign.cue in RELATIONS and sign.start else " "
        blanked = blanked[: sign.start] + mark.ljust(sign.end - sign.start) + blanked[sign.end :]
    # A code in parentheses ends its clause, so the side or strength of the next one does not reach back over it.
    blanked = _CLAUSE_END.sub(lambda m: ");" + " " * (len(m[0]) - 2), blanked)
    reading = read_claims(blanked, "observation")
    mentions = [_mention(sentence, draft) for draft in reading.drafts if draft.kind == "au" and not draft.units.vague]
    offences = [Offence(o.kind, o.start, sentence[o.start : o.end], o.reason) for o in reading.offences]
    return [m for m in mentions if m.aus], offences


def _mention(sentence: str, draft: Draft) -> Mention:
    text = sentence[draft.start : draft.end]
    return Mention(
        start=draft.start,
        end=draft.end,
        text=text,
        aus=draft.units.aus + draft.units.also,
        numbered=text.upper().removeprefix("AU").strip(" -0").isdigit(),
        side=_SIDES.get(draft.side),
        loose=draft.side == "pair",
        level=None if draft.lower else draft.level,
        negated=draft.negated,
    )
