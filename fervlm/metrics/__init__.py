"""Every measure as a pure function; conventions stand in each file's docstring.

The names of `classes` are here as well: WAR, UAR, F1, confusion, bootstrap.
"""

from fervlm.metrics.classes import (
    ABSTAINED,
    ClassScore,
    Confusion,
    Guesses,
    Interval,
    Labels,
    Metric,
    bootstrap,
    class_recall,
    confusion,
    macro_f1,
    per_class,
    uar,
    war,
)

__all__ = [
    "ABSTAINED",
    "ClassScore",
    "Confusion",
    "Guesses",
    "Interval",
    "Labels",
    "Metric",
    "bootstrap",
    "class_recall",
    "confusion",
    "macro_f1",
    "per_class",
    "uar",
    "war",
]
