"""Events in clips: their order as a text tells it, and whether spotted spans are the true ones."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from fervlm.metrics.explanations import affirmed
from fervlm.reasoning.verifier.tokens import sentences

Movements = frozenset[int]


@dataclass(frozen=True, slots=True)
class Matched:
    """Things found against things wanted."""

    precision: float
    recall: float
    f1: float
    hits: int


def _matched(hits: int, found: int, wanted: int) -> Matched:
    precision = hits / found if found else 0.0
    recall = hits / wanted if wanted else 0.0
    f1 = 2 * hits / (found + wanted) if found + wanted else 0.0
    return Matched(precision, recall, f1, hits)


def told_events(text: str) -> list[Movements]:
    """The movements that each sentence (or clause after "then", ";") of a text affirms, in order; empty ones left out.

    Two that follow one another and name the same movements are one.
    """
    found: list[Movements] = []
    for sentence in sentences(text):
        for part in _clauses(sentence):
            aus = affirmed(part).aus
            if aus and (not found or found[-1] != aus):
                found.append(aus)
    return found


_BREAKS = (" and then ", ", then ", " then ", "; ", " before ", " followed by ")


def _clauses(sentence: str) -> list[str]:
    parts = [sentence]
    for mark in _BREAKS:
        parts = [piece for part in parts for piece in part.split(mark)]
    return parts


def order_score(reference: Sequence[Movements], told: Sequence[Movements], share: float = 0.5) -> Matched:
    """F1 of the longest run of events that both have in the same order; two empty lists match (F1 1).

    Two events are the same where the intersection of their AUs is at least `share` of their union. Made after the
    description of Temporal Event Matching in arXiv:2501.07978 (events taken from both captions, longest common
    subsequence between them); there a language model extracts the events, here the verifier's reader does, so the
    published TEM numbers do not compare.
    """
    if not reference and not told:
        return Matched(1.0, 1.0, 1.0, 0)
    best = [0] * (len(told) + 1)
    for wanted in reference:
        before = 0
        for k, got in enumerate(told, start=1):
            kept = best[k]
            alike = len(wanted & got) >= share * len(wanted | got)
            best[k] = before + 1 if alike else max(best[k], best[k - 1])
            before = kept
    return _matched(best[-1], len(told), len(reference))


@dataclass(frozen=True, slots=True)
class Span:
    """A spotted event; `kind` must be equal to match (a class, an AU, or None where only place counts)."""

    start: float
    end: float
    kind: Hashable = None


def iou(one: Span, other: Span) -> float:
    """Intersection over union of two spans in time, 0 to 1; spans of no length never overlap."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    union = max(one.end, other.end) - min(one.start, other.start)
    return max(shared, 0.0) / union if union > 0 else 0.0


def spotting_score(reference: Sequence[Sequence[Span]], found: Sequence[Sequence[Span]], least: float = 0.5) -> Matched:
    """F1 over all clips: a span counts where its IoU with a true one of its kind is at least `least`, each used once.

    Pairs are taken by falling IoU, as the micro-expression spotting challenges do.
    """
    if len(reference) != len(found):
        raise ValueError("need one list of spans per clip")
    hits = 0
    for wanted, got in zip(reference, found, strict=True):
        pairs = [(iou(w, g), i, k) for i, w in enumerate(wanted) for k, g in enumerate(got) if w.kind == g.kind]
        used: set[tuple[str, int]] = set()
        for value, i, k in sorted(pairs, key=lambda p: (-p[0], p[1], p[2])):
            if value >= least and not {("w", i), ("g", k)} & used:
                used |= {("w", i), ("g", k)}
                hits += 1
    return _matched(hits, sum(map(len, found)), sum(map(len, reference)))
