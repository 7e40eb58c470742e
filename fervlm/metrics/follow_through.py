"""Counterfactuals: one movement is changed, in the evidence or in the picture; does the explanation follow?

A change that matters should move the label, one that does not should leave it; which is which, the published prototypes
say, not the predictor. The sentence about a movement that is gone must go, one about a movement that came must come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trial:
    """One change and what followed.

    Attributes:
        au: that was changed.
        appeared: True where it was added, False where it was taken away.
        told_before, told_after: whether the text affirms it.
        label_before, label_after: the predictor's.
        should_before, should_after: what the prototypes say of the same evidence.
        score_change: change of the predictor's own number for this AU, where it has one.
        others_changed: how many other AUs the text gained or lost.
    """

    au: int
    appeared: bool
    told_before: bool
    told_after: bool
    label_before: str | None
    label_after: str | None
    should_before: str | None
    should_after: str | None
    score_change: float | None = None
    others_changed: int = 0


@dataclass(frozen=True, slots=True)
class FollowThrough:
    """Shares over trials; None where no trial could show it."""

    trials: int
    sentence: float | None
    """Gone where the movement went (of those told before), come where it came (of those not told before)."""
    moved_when_due: float | None
    """The label changed where it should."""
    stayed_when_due: float | None
    """The label stayed where it should."""
    direction: float | None
    """The predictor's number for the AU moved the right way."""
    side_effects: float
    """Mean number of other AUs that the text gained or lost."""
    by_unit: dict[int, float]
    """AU -> share of sentences that followed."""


def follow_through(trials: Sequence[Trial]) -> FollowThrough | None:
    """The shares; None without trials."""
    if not trials:
        return None
    able = [t for t in trials if t.told_before != t.appeared]
    followed = [(t.au, t.told_after == t.appeared) for t in able]
    due = [t for t in trials if t.should_before != t.should_after]
    still = [t for t in trials if t.should_before == t.should_after]
    numbers = [t for t in trials if t.score_change is not None]
    units: dict[int, list[bool]] = {}
    for au, ok in followed:
        units.setdefault(au, []).append(ok)
    return FollowThrough(
        trials=len(trials),
        sentence=_mean([ok for _, ok in followed]),
        moved_when_due=_mean([t.label_before != t.label_after for t in due]),
        stayed_when_due=_mean([t.label_before == t.label_after for t in still]),
        direction=_mean([((t.score_change or 0) > 0) == t.appeared and t.score_change != 0 for t in numbers]),
        side_effects=sum(t.others_changed for t in trials) / len(trials),
        by_unit={au: sum(oks) / len(oks) for au, oks in sorted(units.items())},
    )


def _mean(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None
