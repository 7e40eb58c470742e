"""The contrastive view of a sample: whole-caption, region and conclusion texts, the AU vector, the hard negatives."""

from __future__ import annotations

from data_engine.negatives import negated_class
from fervlm.facs.units import movement_units
from fervlm.reasoning.observe import Evidence
from fervlm.records import Caption, ContrastiveTexts, HardNegative, RegionText


def contrastive_texts(
    caption: Caption,
    anchored: Caption | None,
    evidence: Evidence,
    label: str | None,
    negatives: tuple[HardNegative, ...],
) -> ContrastiveTexts:
    """Texts of the blind caption; the human label, as a noun phrase, adds the anchored summary and a class negative."""
    if label is not None:
        negatives += (negated_class(label),)
    return ContrastiveTexts(
        overview=caption.overview,
        regions=tuple(RegionText(text=o.text, aus=tuple(unit.au for unit in o.units)) for o in caption.observations),
        summary=caption.conclusion.text,
        summary_anchored=anchored.conclusion.text if anchored else None,
        au_vector=au_vector(evidence),
        negatives=negatives,
    )


def au_vector(evidence: Evidence) -> tuple[int, ...]:
    """1 present, 0 absent, -1 not measured, in the order of `movement_units()`."""
    return tuple(-1 if not evidence.measured(au) else int(evidence.present(au)) for au in movement_units())
