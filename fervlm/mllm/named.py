"""The labels that a recipe names: a set of the FACS tables, or a user's own words."""

from __future__ import annotations

from fervlm.facs.labels import LabelSet, label_set, label_set_from_words


def named_labels(text: str) -> LabelSet:
    """A set's name such as `basic8`, or words with commas between them such as `joy, rage, calm`.

    Raises:
        FervlmError: there is no such set.
    """
    if "," not in text:
        return label_set(text)
    return label_set_from_words(tuple(word.strip() for word in text.split(",") if word.strip()))
