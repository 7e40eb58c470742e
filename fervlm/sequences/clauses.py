"""One movement as a clause, with the words of the rule engine's lexicon."""

from __future__ import annotations

from collections.abc import Sequence

from fervlm.reasoning.wording.choice import Choice
from fervlm.reasoning.wording.movements import movement, third
from fervlm.reasoning.wording.strength import AFTER, ON_SIDE, TOWARDS_SIDE
from fervlm.sequences.beats import BRIEF_S, Beat


def beat_clause(beat: Beat, choice: Choice, *, strength: bool = False, brief: bool = False, side: bool = True) -> str:
    """ "the left lip corner pulls up strongly": subject, verb, side where one side alone moved.

    `strength` adds the word of the beat's level, if it has one; `brief` lets a short, wholly seen movement be called
    so; `side` false leaves the side out.
    """
    subject, plural, tail = _subject(beat, choice, side)
    verb = choice.of(movement(beat.au).verbs)
    words = f"{subject} {verb if plural else third(verb)}"
    if strength and beat.level is not None:
        words += f" {choice.of([word for word in AFTER[beat.level] if ' ' not in word])}"
    elif brief and not (beat.open_start or beat.open_end) and beat.offset_s - beat.onset_s <= BRIEF_S:
        words += " briefly"
    return words + tail


def beat_state(beat: Beat, adverb: str, choice: Choice) -> str:
    """ "the brows are already lowered (AU4)": a movement that was under way before or after it could be seen."""
    subject, plural, tail = _subject(beat, choice, True)
    part = choice.of(movement(beat.au).parts)
    return f"{subject} {'are' if plural else 'is'} {adverb} {part}{tail} (AU{beat.au})"


def _subject(beat: Beat, choice: Choice, side: bool) -> tuple[str, bool, str]:
    """Subject, whether it is plural, and side words that follow the verb."""
    entry = movement(beat.au)
    if beat.side is None or not side:
        return choice.of(entry.many), entry.plural, ""
    if entry.one:
        return choice.of(entry.one).format(beat.side), False, ""
    towards = TOWARDS_SIDE if entry.directed else ON_SIDE
    return choice.of(entry.many), entry.plural, f" {towards[beat.side]}"


def joined(parts: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def capital(text: str) -> str:
    """The first letter in upper case."""
    return text[:1].upper() + text[1:]
