"""What limits the reading: how much it can be trusted, what was not measured, what contradicts itself."""

from __future__ import annotations

from fervlm.reasoning.findings import Candidate
from fervlm.reasoning.observe import Evidence
from fervlm.reasoning.wording import arguments
from fervlm.reasoning.wording.choice import Turns
from fervlm.reasoning.wording.naming import agree, codes, label_phrase

_CAVEATS = ("conflict", "occlusion", "pose", "low_trust", "core_not_measured", "uncertain", "speech", "asymmetry")
_TELLING = (12, 4, 1, 15, 9, 6, 5, 23, 20)
"""Units whose lack in a detector is worth telling."""


def caveats(
    found: tuple[str, ...], evidence: Evidence, top: Candidate | None, turns: Turns, most: int
) -> list[tuple[str, str]]:
    """What limits the reading, as code and sentence, most important first; low trust is always among it."""
    told = [code for code in _CAVEATS if code in found]
    if "low_trust" in told and told.index("low_trust") >= most:
        told = [*told[: most - 1], "low_trust"]
    parts: list[tuple[str, str]] = []
    for code in told:
        words = _caveat_words(code, evidence, top)
        if words is not None and len(parts) < most:
            frame = turns.on(f"{code} {words}").of(arguments.CAVEATS[code])
            parts.append((code, frame.format(**words)))
    return parts


def _caveat_words(code: str, evidence: Evidence, top: Candidate | None) -> dict[str, str] | None:
    if code == "core_not_measured":
        # What neutral cannot see is told by `left_open`: no single unit completes a face at rest.
        if top is None or top.canonical == "neutral":
            return None
        # AU43 may be measured and yet not count, since a still cannot tell closed eyes from a blink.
        aus = tuple([au for au in top.core_not_measured if not evidence.measured(au)][:4])
        if not aus:
            return None
        return {"U": codes(aus), "L": label_phrase(top.label, top.canonical), **agree(aus)}
    if code == "conflict":
        return {"X": codes(evidence.conflicts[0])} if evidence.conflicts else None
    if code == "uncertain":
        aus = tuple(u.au for u in evidence.units.values() if u.uncertain and u.state == "present")
        return {"X": codes(aus[:3]), **agree(aus[:3])} if aus else None
    return {}


def left_open(evidence: Evidence, told: tuple[int, ...], turns: Turns) -> list[str]:
    """Telling units that the detector does not measure, so that short texts say what they cannot know."""
    unseen = tuple(sorted([au for au in _TELLING if au not in evidence.units and au not in told][:4]))
    if not unseen:
        return []
    return [turns.on(f"open {unseen}").of(arguments.OPEN).format(U=codes(unseen), **agree(unseen))]
