"""FACS knowledge: action units, prototypes, interactions, detectors, label sets. Tables in `tables/`, with sources."""

from __future__ import annotations

from fervlm.facs.labels import LabelSet, canonical_label, label_set, label_set_from_words, label_set_names
from fervlm.facs.units import ActionUnit, action_unit, action_units, excluded_by

__all__ = [
    "ActionUnit",
    "LabelSet",
    "action_unit",
    "action_units",
    "canonical_label",
    "excluded_by",
    "label_set",
    "label_set_from_words",
    "label_set_names",
]
