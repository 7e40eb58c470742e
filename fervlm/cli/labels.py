"""The labels a user chose: a named set, or words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from fervlm.facs import LabelSet

DEFAULT_LABELS = "basic8"


def chosen_labels(name: str | None, words: str | None) -> LabelSet:
    """The label set the user named, or made of the user's words, or the default.

    Raises:
        FervlmError: both were given, the name is unknown, or no word is known to the tables.
    """
    from fervlm.facs import label_set, label_set_from_words

    if name is not None and words is not None:
        raise FervlmError("--label-set and --labels cannot both be given")
    if words is not None:
        return label_set_from_words(tuple(words.split(",")))
    return label_set(name or DEFAULT_LABELS)
