"""Before and after: the same faces captioned by two models, their rewards compared with an interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fervlm.mllm.ask import caption_question, user
from fervlm.mllm.generate import generate
from fervlm.mllm.measure import BATCH, picture_of, spread
from fervlm.mllm.named import named_labels
from fervlm.mllm.reward import PARTS, parts_of, total
from fervlm.mllm.settings import Rewards
from fervlm.mllm.talks import Talks
from fervlm.reasoning.verify import Judge

Say = Callable[[str], None]
_DRAWS = 2000


def rewards_of(
    model: Any, processor: Any, talks: Talks, *, labels: str, weights: Rewards, faces: int, most: int
) -> list[dict[str, float]]:
    """The parts and the `total` of each face's likeliest caption, against what was measured on it."""
    chosen = spread(talks, faces, named_labels(labels).labels)
    question = [user(caption_question(), pictures=1)]
    judge, found = Judge(4096), []
    was = model.training
    model.eval()
    for start in range(0, len(chosen), BATCH):
        part = chosen[start : start + BATCH]
        shown = [[picture_of(talks, face)] for face in part]
        for face, text in zip(part, generate(model, processor, [question] * len(part), shown, most=most), strict=True):
            parts = parts_of(text, talks.evidence(face), talks.labels[face], named_labels(labels), judge)
            found.append({**parts, "total": total(parts, weights)})
    model.train(was)
    return found


def change(
    before: Sequence[dict[str, float]], after: Sequence[dict[str, float]], seed: int = 0
) -> dict[str, list[float]]:
    """Part -> [before, after, difference, lower, upper]: means over faces, 95 % interval of paired bootstrap draws."""
    draws = np.random.default_rng(seed).integers(0, len(before), (_DRAWS, len(before)))
    told = {}
    for name in (*PARTS, "total"):
        one, other = (np.array([row[name] for row in rows]) for rows in (before, after))
        gaps = (other - one)[draws].mean(1)
        low, high = np.quantile(gaps, [0.025, 0.975])
        numbers = (one.mean(), other.mean(), (other - one).mean(), low, high)
        told[name] = [round(float(number), 4) for number in numbers]
    return told


def tell(found: dict[str, list[float]], say: Say) -> None:
    """One line a part; an interval that holds 0 is called what it is."""
    for name, (one, other, gap, low, high) in found.items():
        verdict = "no effect shown" if low <= 0 <= high else "better" if gap > 0 else "worse"
        say(f"{name}: {one:.3f} before, {other:.3f} after, difference {gap:+.3f} [{low:+.3f}, {high:+.3f}]: {verdict}")
