"""Faces that fit no label: scores beyond the top probability, and how well they tell. Numpy only.

All scores grow with strangeness. `probability` is the baseline (Hendrycks & Gimpel 2017, arXiv:1610.02136), `energy`
follows Liu et al. 2020 (arXiv:2010.03759); the others compare what the model says of a face and of its mirror image,
which show the same expression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from fervlm.checkpoint import UnknownRule
from fervlm.contrastive.calibrate import Array, softmax

PARTS = ("probability", "energy", "distance", "flip", "attention")
_KEPT = 0.95
"""Share of labelled faces that the threshold lets pass."""


@dataclass(frozen=True, slots=True)
class Looks:
    """N faces looked at twice, as they are and in the mirror (told by place turned back).

    Attributes:
        similarities, other: [N, K] to the labels.
        looked, other_looked: [N, A, P] where each action unit was sought; A = 0 where the model has none.
    """

    similarities: Array
    other: Array
    looked: Array
    other_looked: Array

    def take(self, index: NDArray[np.bool_] | NDArray[np.int64]) -> Looks:
        """Some of the faces."""
        return Looks(self.similarities[index], self.other[index], self.looked[index], self.other_looked[index])


def strangeness(looks: Looks, temperature: float) -> dict[str, Array]:
    """Each of `PARTS` as [N]; `attention` is left out where the model has no attention.

    * probability: 1 - the top probability;
    * energy: -t log sum exp(similarity / t);
    * distance: 1 - the similarity to the nearest label;
    * flip: Jensen-Shannon divergence (0..1) between the label distributions of the two looks;
    * attention: the same between where the action units were sought, mean over units.
    """
    mean = (looks.similarities + looks.other) / 2
    scaled = mean / temperature
    top = scaled.max(axis=1)
    p, q = softmax(looks.similarities / temperature), softmax(looks.other / temperature)
    found = {
        "probability": 1 - softmax(scaled).max(axis=1),
        "energy": -temperature * (top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))),
        "distance": 1 - mean.max(axis=1),
        "flip": _divergence(p, q),
    }
    if looks.looked.shape[1]:
        found["attention"] = _divergence(looks.looked, looks.other_looked).mean(axis=1)
    return found


def unknown_score(parts: Mapping[str, Array], rule: UnknownRule) -> Array:
    """[N]: mean of the rule's parts, each less its mean on labelled faces and over its deviation there."""
    scaled = [(parts[name] - mean) / max(deviation, 1e-12) for name, (mean, deviation) in rule.parts.items()]
    found: Array = np.mean(scaled, axis=0)
    return found


def make_rule(parts: Mapping[str, Array], names: Sequence[str]) -> UnknownRule:
    """The rule of `names`, scaled on labelled faces, with the threshold that 95 % of them pass."""
    scales = {name: (float(parts[name].mean()), float(parts[name].std())) for name in names}
    rule = UnknownRule(parts=scales, threshold=0.0)
    return rule.model_copy(update={"threshold": float(np.quantile(unknown_score(parts, rule), _KEPT))})


@dataclass(frozen=True, slots=True)
class Told:
    """How well a score tells labelled faces from those of held-out classes.

    Attributes:
        auroc: probability that a held-out face scores higher than a labelled one, ties half.
        fpr95: share of held-out faces that pass where 95 % of the labelled ones do.
    """

    auroc: float
    fpr95: float


def told_apart(known: Array, held_out: Array) -> Told:
    """Both numbers for scores [N] of labelled and [M] of held-out faces."""
    ordered = np.sort(known)
    ranks = np.searchsorted(ordered, held_out, "left") + np.searchsorted(ordered, held_out, "right")
    passed = held_out <= np.quantile(known, _KEPT)
    return Told(float(ranks.mean() / (2 * len(known))), float(passed.mean()))


def measure_unknown(
    known: Looks, held_out: Looks, temperature: float, *, seed: int = 0
) -> tuple[UnknownRule, dict[str, Told]]:
    """Which parts, alone or together, tell best; rules are scaled and chosen on one half and measured on the other.

    Args:
        known: faces of the labels trained on.
        held_out: faces of classes that training never saw, against the same labels.
        temperature: of the labels.
        seed: of the halves.

    Returns:
        the best rule with its numbers on the second half, and the numbers there of every part and of that rule.
    """
    rng = np.random.default_rng(seed)
    first, second = (_halves(n, rng) for n in (len(known.similarities), len(held_out.similarities)))
    chosen = strangeness(known.take(first[0]), temperature), strangeness(held_out.take(second[0]), temperature)
    judged = strangeness(known.take(first[1]), temperature), strangeness(held_out.take(second[1]), temperature)
    names = tuple(chosen[0])
    best: tuple[float, UnknownRule] | None = None
    for count in range(1, len(names) + 1):
        for group in combinations(names, count):
            rule = make_rule(chosen[0], group)
            auroc = told_apart(unknown_score(chosen[0], rule), unknown_score(chosen[1], rule)).auroc
            if best is None or auroc > best[0] + 1e-3:  # a further part must earn its place
                best = auroc, rule
    assert best is not None  # there are always four parts
    numbers = {name: told_apart(judged[0][name], judged[1][name]) for name in names}
    together = told_apart(unknown_score(judged[0], best[1]), unknown_score(judged[1], best[1]))
    numbers["+".join(best[1].parts)] = together
    return best[1].model_copy(update={"auroc": together.auroc, "fpr95": together.fpr95}), numbers


def _halves(count: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = rng.permutation(count)
    return order[: count // 2], order[count // 2 :]


def _divergence(p: Array, q: Array) -> Array:
    """Jensen-Shannon divergence in bits over the last axis."""
    mean = (p + q) / 2

    def relative(x: Array) -> Array:
        found: Array = (x * np.log2(np.maximum(x, 1e-12) / np.maximum(mean, 1e-12))).sum(axis=-1)
        return found

    return np.maximum((relative(p) + relative(q)) / 2, 0.0)
