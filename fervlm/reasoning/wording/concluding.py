"""The conclusion: the label with its confidence and the runner-up with its reason, or why there is none."""

from __future__ import annotations

from fervlm.reasoning.findings import Candidate, Decision
from fervlm.reasoning.observe import Evidence
from fervlm.reasoning.wording import conclusions
from fervlm.reasoning.wording.arguments import REASONS
from fervlm.reasoning.wording.choice import Choice, Turns
from fervlm.reasoning.wording.interpreting import for_and_against
from fervlm.reasoning.wording.naming import agree, codes, joined, label_phrase
from fervlm.reasoning.wording.observing import sentence

CROWDED = -25
"""Words over the length from which on a text goes without its runner-up."""
RUNNER_UP_FROM = 0.15
"""Least support of a runner-up that is worth a sentence."""


def conclusion_text(evidence: Evidence, decision: Decision, told: tuple[str, ...], turns: Turns, room: int) -> str:
    """One to three sentences.

    `told` are the caveat codes that the interpretation already put into words; the runner-up's units are listed where
    the text still has `room` words for them.
    """
    if decision.label is None:
        parts = [_abstention(decision, turns)]
        parts += _runner_up(_closest(decision), evidence, conclusions.CLOSEST, turns, room)
    else:
        parts = [_label(decision, told, turns)]
        parts += _runner_up(_second(decision), evidence, conclusions.RUNNER_UP, turns, room)
    if decision.unknown_labels and decision.abstain not in {"not_tracked", "nothing_measured"}:
        words = joined([f'"{label}"' for label in decision.unknown_labels[:3]], "and")
        several = len(decision.unknown_labels) > 1
        grammar = (
            {"they": "they", "them": "them", "was": "were"} if several else {"they": "it", "them": "it", "was": "was"}
        )
        parts.append(turns.on(words).of(conclusions.UNKNOWN).format(W=words, **grammar))
    return " ".join(parts)


def _label(decision: Decision, told: tuple[str, ...], turns: Turns) -> str:
    top = decision.alternatives[0]
    why = ""
    reason = next((code for code in decision.lowered_by if code not in told and code in REASONS), None)
    choice = turns.on(f"{top.label} {decision.confidence} {reason}")
    if reason is not None and decision.confidence != "high":
        why = choice.of(conclusions.WHY).format(r=choice.of(REASONS[reason]))
    text = choice.of(conclusions.OPENINGS) + choice.of(conclusions.CONSISTENT)
    text += choice.of(conclusions.CONFIDENCE)
    return sentence(text.format(L=label_phrase(top.label, top.canonical), c=decision.confidence, why=why)) + "."


def _abstention(decision: Decision, turns: Turns) -> str:
    code = decision.abstain or "no_label_fits"
    text = turns.on(code).of(conclusions.ABSTENTIONS[code])
    if decision.abstain == "tie":
        first = decision.alternatives[0]
        second = next(c for c in decision.alternatives[1:] if c.canonical != first.canonical)
        a, b = label_phrase(first.label, first.canonical), label_phrase(second.label, second.canonical)
        text = sentence(text.format(a=a, b=b))
    return text


def _closest(decision: Decision) -> Candidate | None:
    """The candidate to name after an abstention; a tie has named its two already."""
    if decision.abstain not in {"ambiguous", "no_label_fits", "no_core"}:
        return None
    return next((c for c in decision.alternatives if c.canonical != "neutral"), None)


def _second(decision: Decision) -> Candidate | None:
    first = decision.alternatives[0]
    return next((c for c in decision.alternatives[1:] if c.canonical not in {first.canonical, "neutral"}), None)


def _runner_up(
    candidate: Candidate | None, evidence: Evidence, frames: tuple[str, ...], turns: Turns, room: int
) -> list[str]:
    if candidate is None or candidate.score < RUNNER_UP_FROM or room < CROWDED:
        return []
    mine, against, lacking = for_and_against(candidate, evidence)
    if not mine:
        return []
    choice = turns.on(f"{candidate.label} {mine} {against} {lacking}")
    but = ""
    if against:
        but = choice.of(conclusions.RUNNER_AGAINST).format(G=codes(against), **agree(against))
    elif lacking:
        but = choice.of(conclusions.RUNNER_LACKING).format(M=codes(lacking), **agree(lacking))
    phrase = label_phrase(candidate.label, candidate.canonical)
    words = {"r": phrase, "R": sentence(phrase), "F": codes(mine), "but": but, **agree(mine)}
    text = choice.of(frames).format(**words)
    if text.count(" ") >= room and but:
        text = text.replace(but, "")
    return [text]


def own_units(candidate: Candidate, evidence: Evidence, choice: Choice) -> list[str]:
    """What speaks for and against a human label, as at most one sentence."""
    mine, against, lacking = for_and_against(candidate, evidence)
    parts = [choice.of(conclusions.OWN_FOR).format(F=codes(mine), **agree(mine))] if mine else []
    if against:
        parts.append(choice.of(conclusions.OWN_AGAINST).format(G=codes(against), **agree(against)))
    elif lacking:
        parts.append(choice.of(conclusions.OWN_LACKING).format(M=codes(lacking), **agree(lacking)))
    return [sentence("; ".join(parts)) + "."] if parts else []
