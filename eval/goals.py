"""What the project wants of its own predictors; a report says where a goal is missed."""

from __future__ import annotations

GOALS: dict[tuple[str, str, str, str], float] = {
    ("pack_val", "contrastive", "fer2013", "WAR"): 0.66,
    ("pack_val", "contrastive", "fer2013", "UAR"): 0.62,
    ("pack_val", "contrastive", "muxspace", "WAR"): 0.85,
    ("human_codes", "rules", "", "WAR"): 0.88,
    ("human_codes", "rules", "", "UAR"): 0.85,
}
"""(benchmark, predictor's kind, subset or empty for all, measure) -> least value."""


def goals_for(benchmark: str, predictor: str) -> dict[tuple[str, str], float]:
    """(subset, measure) -> goal for the predictor that ships; another checkpoint of its kind has none."""
    kind, _, rest = predictor.partition(" ")
    own = not rest or rest.startswith("fervlm")
    return {(s, m): goal for (b, k, s, m), goal in GOALS.items() if own and (b, k) == (benchmark, kind)}
