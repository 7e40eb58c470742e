"""Labels in anybody's words held against faces: which words can be scored, by which texts, and the scores. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fervlm.contrastive.calibrate import softmax
from fervlm.contrastive.class_prompts import PROMPT_SETS, templates
from fervlm.contrastive.unit_prompts import UNITS, Knows, describe_units, unit_texts
from fervlm.errors import FervlmError
from fervlm.facs.labels import canonical_label, shade_of
from fervlm.reasoning.verifier.claims import read_claims

Array = NDArray[np.float32]
Averaging = Literal["embeddings", "logits"]
SETS = (*PROMPT_SETS, UNITS)
"""Prompt sets by name."""
MOST_LABELS = 1000
"""More words than anybody's faces can be told apart by."""
LONGEST_LABEL = 100
"""Letters."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One label as the user wrote it.

    Attributes:
        label: the user's words.
        texts: what it is scored by; empty where it cannot be.
        way: `words`: by its own words; `described`: by the user's description; `table`: by the class of the FACS tables
            that it stands for; `movements`: by descriptions of that class's movements; `unknown`.
        canonical: class of the FACS tables that it stands for, where there is one.
        note: what the user should know of it, as a sentence without a full stop, or None.
    """

    label: str
    texts: tuple[str, ...]
    way: Literal["words", "described", "table", "movements", "unknown"]
    canonical: str | None
    note: str | None = None


def checked_labels(words: Sequence[str]) -> tuple[str, ...]:
    """The labels without blanks around them.

    Raises:
        FervlmError: none, too many, a blank, over-long or repeated one.
    """
    labels = tuple(" ".join(word.split()) for word in words)
    if not any(labels):
        raise FervlmError("the list of labels is empty", hint="Give words: --labels happy,sad,bored.")
    if len(labels) > MOST_LABELS:
        raise FervlmError(
            f"{len(labels):,} labels are more than can be told apart", hint=f"Give {MOST_LABELS:,} at most."
        )
    for place, label in enumerate(labels, start=1):
        if not label:
            raise FervlmError(f"label {place} of the list is blank", hint="Name every label.")
        if len(label) > LONGEST_LABEL:
            raise FervlmError(
                f"label {place} ('{label[:30]}...') is {len(label)} letters long",
                hint="A label is a word or two; longer texts go into --describe LABEL=TEXT.",
            )
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise FervlmError(f"the label '{twice}' stands twice in the list", hint="Name every label once.")
    return labels


def ask(
    label: str,
    unknown_words: Callable[[str], Sequence[str]],
    sets: Sequence[str] = PROMPT_SETS,
    description: str | None = None,
) -> Asked:
    """The texts for one label.

    A description of the user's comes first. A label whose words the text tower saw in training is filled into the
    prompts; another goes by its class of the FACS tables, by that class's name or its movements; what neither knows is
    `unknown`, and no score is made up for it.

    Args:
        label: in the user's words.
        unknown_words: words of a text that the text tower never saw.
        sets: names of `SETS`.
        description: the user's own, such as "one brow raised, lips pressed".

    Raises:
        FervlmError: there is no such prompt set.
    """
    for name in sets:
        if name not in SETS:
            raise FervlmError(f"there is no prompt set '{name}'", hint=f"Choose of {', '.join(SETS)}, or all.")

    def knows(text: str) -> bool:
        return not unknown_words(text)

    canonical = canonical_label(label)
    if description is not None:
        return _described(label, description, canonical, unknown_words, knows)
    plain = label.lower()
    filled = [name for name in sets if name != UNITS]
    moves = unit_texts(canonical, knows) if canonical is not None and UNITS in sets else ()
    if knows(plain) and (filled or moves):
        return Asked(label, (*_filled(plain, filled), *moves), "words", canonical)
    if canonical is not None:
        name = canonical.replace("_", " ")
        stands = f"the model never saw '{label}', so it is scored as {name}{_shade(label)}"
        if knows(name) and (filled or moves):
            return Asked(label, (*_filled(name, filled), *moves), "table", canonical, stands)
        moves = unit_texts(canonical, knows)
        if moves:
            return Asked(label, moves, "movements", canonical, f"{stands}, by its movements")
    return Asked(label, (), "unknown", canonical, f"'{label}' is not scored: {_why(plain, canonical, unknown_words)}")


def ask_all(
    labels: Sequence[str],
    unknown_words: Callable[[str], Sequence[str]],
    sets: Sequence[str] = PROMPT_SETS,
    descriptions: Mapping[str, str] | None = None,
) -> tuple[Asked, ...]:
    """`ask` for each label.

    Raises:
        FervlmError: a bad list (`checked_labels`), a description of no label, or nothing that can be scored.
    """
    given = {" ".join(name.split()).lower(): text for name, text in (descriptions or {}).items()}
    chosen = checked_labels(labels)
    odd = given.keys() - {label.lower() for label in chosen}
    if odd:
        raise FervlmError(f"'{min(odd)}' is described but is none of the labels", hint="Add it to --labels.")
    asked = tuple(ask(label, unknown_words, sets, given.get(label.lower())) for label in chosen)
    if not any(one.texts for one in asked):
        told = ", ".join(chosen[:5]) + (", ..." if len(chosen) > 5 else "")
        raise FervlmError(
            f"the model knows none of the labels ({told})",
            hint="Use English words such as happy or angry, or say what is seen: --describe 'LABEL=one brow raised'.",
        )
    return asked


class LabelTexts:
    """The texts of K labels, encoded once.

    Args:
        asked: the labels; those without texts are left out.
        encode: texts -> unit-length features [T, D].
        averaging: `embeddings`: one mean feature a label; `logits`: the mean of the similarities to its texts.
    """

    def __init__(
        self, asked: Sequence[Asked], encode: Callable[[Sequence[str]], Array], averaging: Averaging = "embeddings"
    ) -> None:
        scored = [one for one in asked if one.texts]
        self.labels = tuple(one.label for one in scored)
        owners = np.repeat(np.arange(len(scored)), [len(one.texts) for one in scored])
        features = encode([text for one in scored for text in one.texts])
        means = np.stack([features[owners == k].mean(axis=0) for k in range(len(scored))])
        if averaging == "embeddings":
            means = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        # The mean of similarities is the similarity to the mean feature, left at its own length.
        self.features: Array = means.astype(np.float32)

    def similarities(self, embedding: Array) -> Array:
        """[N, D] unit length -> [N, K]."""
        found: Array = embedding @ self.features.T
        return found

    def probabilities(self, embedding: Array, temperature: float) -> Array:
        """[N, K], rows sum to 1."""
        return softmax(self.similarities(embedding) / temperature).astype(np.float32)


def _why(plain: str, canonical: str | None, unknown_words: Callable[[str], Sequence[str]]) -> str:
    if canonical is not None:
        return f"the model has no words for the movements of {canonical.replace('_', ' ')}"
    missing = ", ".join(f"'{word}'" for word in unknown_words(plain))
    if not missing:
        return "no table describes its movements"
    return f"neither the model nor the FACS tables know {missing}"


def _filled(word: str, sets: Sequence[str]) -> tuple[str, ...]:
    return tuple(line.replace("$label", word) for name in sets for line in templates(name))


def _shade(label: str) -> str:
    shade = shade_of(label)
    return "" if shade == "same" else f" ({'a ' if shade != 'near' else ''}{_SHADES[shade]})"


_SHADES = {"near": "close to it, not the same", "milder": "milder form of it", "stronger": "stronger form of it"}


def _described(
    label: str,
    description: str,
    canonical: str | None,
    unknown_words: Callable[[str], Sequence[str]],
    knows: Knows,
) -> Asked:
    """By the description's own words where all are known, else by the movements it names in the captions' words."""
    text = " ".join(description.split())
    if not text:
        raise FervlmError(f"the description of '{label}' is empty", hint="Write --describe 'LABEL=what is seen'.")
    missing = unknown_words(text.lower())
    if not missing:
        return Asked(label, (text.lower(),), "described", canonical)
    moves = describe_units(_units_in(text), knows)
    words = ", ".join(f"'{word}'" for word in missing)
    if moves is None:
        note = f"'{label}' is not scored: of its description the model does not know {words}"
        return Asked(label, (), "unknown", canonical, note)
    note = f"of the description of '{label}' the model does not know {words}, so it is scored by: {moves}"
    return Asked(label, (moves,), "described", canonical, note)


def _units_in(text: str) -> tuple[int, ...]:
    """AUs that a description affirms, ascending; of a movement that several AUs make, such as an open mouth, the first.

    Raised brows are both their ends.
    """
    found = [d.units.aus for d in read_claims(text).drafts if d.kind == "au" and not d.negated]
    return tuple(sorted({au for aus in found for au in (aus if set(aus) == {1, 2} else aus[:1])}))
