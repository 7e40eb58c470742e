"""Label sets: the benchmarks' classes with their ids, and sets made of a user's own words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast

from fervlm.errors import FervlmError
from fervlm.facs import tables

BASIC7 = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
BASIC8 = (*BASIC7, "contempt")


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Labels in order, as they are to be written, each with the canonical emotion it stands for."""

    name: str
    labels: tuple[str, ...]
    canonical: dict[str, str]
    """Written label -> key of the prototype tables (lower case, underscores for compounds)."""
    ids: dict[str, int]
    """Written label -> id in the distributed label files; empty where ids are the loader's choice."""
    note: str | None = None


Relation = Literal["same", "near", "milder", "stronger"]
"""`milder` and `stronger` words are scored as their class; only a measured strength tells them apart."""


@dataclass(frozen=True, slots=True)
class Shade:
    """A word that stands for a class of the prototype tables, and how closely."""

    canonical: str
    relation: Relation
    note: str


@cache
def near_synonyms() -> dict[str, Shade]:
    """Everyday words by lower-case spelling (`tables/near_synonyms.csv`)."""
    return {
        row["word"]: Shade(row["canonical"], cast("Relation", row["relation"]), row["note"])
        for row in tables.rows("near_synonyms")
    }


@cache
def _synonyms() -> dict[str, str]:
    names: dict[str, list[str]] = tables.document("label_sets")["canonical_names"]
    table = {variant: name for name, variants in names.items() for variant in (*variants, name)}
    for row in tables.rows("au_emotion"):
        key = row["canonical"]
        table.setdefault(key.replace("_", " "), key)
        table.setdefault(row["emotion"].replace("_", " "), key)
    for word, shade in near_synonyms().items():
        table.setdefault(word, shade.canonical)
    return table


def _key(word: str) -> str:
    return " ".join(word.lower().replace("_", " ").replace("-", " ").split())


def canonical_label(word: str) -> str | None:
    """The prototype key a word stands for ("Happy" -> "happiness", "sadly angry" -> "sadly_angry"), or None.

    Known are the tables' own names, their variants, and `tables/near_synonyms.csv`. Words without a prototype or an
    honest neighbour (jealous, guilty, sceptical, determined, ...) give None: no movement table speaks of them.
    """
    key = _key(word)
    found = _synonyms().get(key)
    if found is None and key.startswith("in "):
        found = _synonyms().get(key[3:])
    return found


def shade_of(word: str) -> Relation:
    """How a label's word relates to the class it is scored as; `same` for the tables' own names."""
    shade = near_synonyms().get(_key(word))
    return "same" if shade is None else shade.relation


def _classes(entry: dict[str, Any]) -> list[tuple[str, int | None]]:
    if "classes" in entry:
        found = entry["classes"]
        return [(str(n), int(i)) for i, n in found.items()] if isinstance(found, dict) else [(n, None) for n in found]
    for key in ("classes_alphabetical", "paper_order", "raw_classes"):
        if key in entry:
            return [(str(name), None) for name in entry[key]]
    if "expr" in entry:
        return [(str(n), int(i)) for i, n in entry["expr"].items()]
    return []


@cache
def _sets() -> dict[str, LabelSet]:
    found = {
        "basic7": LabelSet("basic7", BASIC7, {n: n for n in BASIC7}, {}),
        "basic8": LabelSet("basic8", BASIC8, {n: n for n in BASIC8}, {}),
    }
    for name, entry in tables.document("label_sets").items():
        pairs = _classes(entry) if name != "canonical_names" else []
        if not pairs:
            continue
        labels = tuple(label for label, _ in pairs)
        canonical = {label: key for label in labels if (key := canonical_label(label)) is not None}
        ids = {label: number for label, number in pairs if number is not None}
        found[name] = LabelSet(name, labels, canonical, ids, entry.get("note"))
    # CK+ as its emotion files are used with peak frames: the seven expressions, no neutral.
    seven = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
    found["ck_plus7"] = LabelSet("ck_plus7", seven, {n: n for n in seven}, {}, "CK+ peak frames: no neutral class")
    compounds = tuple(sorted({r["canonical"] for r in tables.rows("au_emotion") if "_" in r["canonical"]}))
    written = tuple(c.replace("_", " ") for c in compounds)
    found["compound"] = LabelSet("compound", written, dict(zip(written, compounds, strict=True)), {})
    return found


def label_set_names() -> tuple[str, ...]:
    """Names that `label_set` takes."""
    return tuple(_sets())


def label_set(name: str) -> LabelSet:
    """The label set called `name`; `FervlmError` with the known names otherwise."""
    try:
        return _sets()[name]
    except KeyError:
        known = ", ".join(label_set_names())
        raise FervlmError(f"there is no label set '{name}'", hint=f"Known sets: {known}.") from None


def label_set_from_words(words: tuple[str, ...]) -> LabelSet:
    """A set of the user's own words; those the tables do not know stay in `labels` but not in `canonical`.

    Raises:
        FervlmError: the list is empty, holds a blank or a repeated word, or no word is known to the tables.
    """
    cleaned = tuple(" ".join(word.split()) for word in words)
    if not cleaned or any(not word for word in cleaned):
        raise FervlmError("the label list is empty or holds a blank", hint="Give words: --labels happy,sad,bored.")
    if len(set(cleaned)) < len(cleaned):
        twice = next(word for word in cleaned if cleaned.count(word) > 1)
        raise FervlmError(f"the label '{twice}' stands twice in the list", hint="Name every label once.")
    canonical = {word: key for word in cleaned if (key := canonical_label(word)) is not None}
    if not canonical:
        raise FervlmError(
            f"the FACS tables know none of the labels {', '.join(cleaned)}",
            hint="Use words such as happy, angry, in pain, confused, or a set from `fervlm explain --help`.",
        )
    return LabelSet("custom", cleaned, canonical, {})
