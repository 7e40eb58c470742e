"""Numbers of one verification, from its judged sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fervlm.reasoning.observe import Evidence
from fervlm.records import Claim, Scores, SentenceCheck, assemble

STRONG = 4
"""Level D; an AU from here on, or one confidently detected where there are no levels, must not be left out."""
TELLING = frozenset(("overview", "observation", "text"))
"""Where mentions count: not in the interpretation, which may repeat or leave out."""
_FIELDS = frozenset(Scores.model_fields)


def mentions(claims: Iterable[Claim], evidence: Evidence) -> tuple[set[int], int]:
    """The present AUs that claims affirm, and how many affirmations fit none."""
    right: set[int] = set()
    wrong: set[tuple[int, ...]] = set()
    for claim in claims:
        if claim.kind not in ("au", "side", "intensity") or claim.negated or not claim.aus:
            continue
        here = [au for au in claim.aus if evidence.present(au)]
        if here:
            right.update(here)
        elif claim.verdict != "supported":
            wrong.add(claim.aus)
    return right, len(wrong)


def omitted(told: set[int], evidence: Evidence) -> tuple[int, ...]:
    """Strong or confident AUs that a text leaves out."""
    return tuple(
        unit.au
        for unit in evidence.units.values()
        if unit.state == "present" and unit.au not in told and ((unit.level or 0) >= STRONG or unit.confident)
    )


def score(
    checks: Sequence[SentenceCheck], told: set[int], wrong: int, evidence: Evidence, label: bool | None, form: bool
) -> Scores:
    """Precision, recall and F1 of AU mentions, and the counts of what went wrong.

    Precision is the share of affirmed AUs that are present, recall the share of present AUs that are affirmed; both
    are 1 where there is nothing to count. A word for several AUs ("raised brows") counts for those present.
    """
    present = sum(1 for unit in evidence.units.values() if unit.state == "present")
    hit = len(told)
    precision = hit / (hit + wrong) if hit + wrong else 1.0
    recall = hit / present if present else 1.0
    counts = {"contradicted": 0, "unmeasured": 0, "forbidden": 0}
    side = intensity = leaks = 0
    for check in checks:
        if check.ok:
            continue
        for claim in check.claims:
            verdict = claim.verdict
            if verdict == "supported":
                continue
            counts[verdict] += 1
            kind = claim.kind
            side += kind == "side"
            intensity += kind == "intensity"
            leaks += kind == "emotion_word"
    return assemble(
        Scores,
        _FIELDS,
        {
            "precision": precision,
            "recall": recall,
            "f1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
            "omitted_strong": omitted(told, evidence),
            "side_errors": side,
            "intensity_errors": intensity,
            "contradicted": counts["contradicted"],
            "unmeasured": counts["unmeasured"],
            "forbidden": counts["forbidden"],
            "leaks": leaks,
            "label_consistent": label,
            "format_ok": form,
        },
    )
