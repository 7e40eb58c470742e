"""The head of the card: front matter for the hub, what the set is, its columns, how it was made."""

from __future__ import annotations

from typing import Any

import yaml

from data_engine.made import Made
from data_engine.markdown import table
from data_engine.numbers import Numbers

_HUB_LICENCES = frozenset(
    {"apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0"}
)
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)


def front_matter(numbers: Numbers, how: Made) -> str:
    """YAML that the hub and `datasets` read: configurations, licence, tags."""
    licence = str(how.settings["licence"])
    known = licence.lower() in _HUB_LICENCES
    total = sum(numbers.samples.values())
    splits = sorted(numbers.samples, key=lambda split: (split != "train", split))
    front: dict[str, Any] = {
        "pretty_name": "Facial expressions explained from action units",
        "license": licence.lower() if known else "other",
        **({} if known else {"license_name": "see-the-section-terms"}),
        "language": ["en"],
        "task_categories": ["image-classification", "image-to-text", "visual-question-answering"],
        "tags": ["facial-expression", "action-units", "FACS", "chain-of-thought", "verified-captions", "fervlm"],
        "size_categories": [next((name for limit, name in _SIZES if total < limit), "10M<n<100M")],
        "configs": [
            {
                "config_name": name,
                **({"default": True} if name == "samples" else {}),
                "data_files": [{"split": split, "path": f"{folder}/{split}-*.parquet"} for split in splits],
            }
            for name, folder in (("samples", "data"), ("chat", "chat"))
        ],
    }
    return f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---"


def opening(numbers: Numbers, how: Made) -> str:
    """What it is, and how it is loaded."""
    total, talks = sum(numbers.samples.values()), sum(sum(views.values()) for views in numbers.conversations.values())
    splits = ", ".join(f"{n:,} {split}" for split, n in numbers.samples.items())
    return f"""
# Facial expressions explained from action units

{total:,} faces ({splits}), each with a caption in three parts (key observations, interpretation, conclusion) written
from the facial action units (AUs) that a detector or a human coder measured on it, and {talks:,} conversations about
them. Every sentence was read back into claims and checked against those AUs before it was let in; what was turned away
is in `rejects.jsonl` with its reason. The texts speak of the expression *shown*, never of what a person feels.

```python
from datasets import load_dataset

samples = load_dataset("DIR", split="train")  # one row a face
chats = load_dataset("DIR", "chat", split="train")  # one row a conversation
```

`page.html` shows some of the faces with their evidence and all their texts. Made by {how.engine}."""


def columns() -> str:
    """What each column holds."""
    rows = [
        ("id, image", "name and picture (bytes inside the table, or the path on the machine that made the set)"),
        (
            "label",
            "what annotators said, as the label set writes it; null where nobody did. It never changes an observation",
        ),
        ("engine_label, confidence, abstain", "what the AUs alone lead to, how surely, or why no label is given"),
        ("support", "p(label | AUs) by a model fitted on this set's train split (`support.json`)"),
        ("subject, source, flipped", "person (pseudonym), collection, whether picture and sides are mirrored"),
        ("detector, engine", "what measured the AUs, what wrote the text"),
        ("overview, regions, interpretation, summary", "the parts of the blind caption; a region names its AUs"),
        ("blind", "the whole caption as text, everything from the AUs"),
        ("anchored", "the same observations, with the annotators' label in overview and conclusion"),
        (
            "au_vector",
            "1 present, 0 absent, -1 not measured; the order is that of `fervlm.facs.units.movement_units()`",
        ),
        ("negatives", "texts made false by one minimal edit (`of` says which text, `edit` how)"),
        ("sample", "everything as one JSON record (schema: `fervlm schema Sample`)"),
    ]
    return (
        "## Columns\n\n"
        + table(("column", "meaning"), rows)
        + ("\n\nThe configuration `chat` holds `id, image, kind, view, messages`; join it with the samples by `id`.")
    )


def how_made(how: Made) -> str:
    """Engine, seed, fingerprint, all settings."""
    rows = [(key, _shown(value)) for key, value in how.settings.items() if key not in {"gate", "teacher", "licence"}]
    rows += [(f"gate.{key}", _shown(value)) for key, value in how.settings["gate"].items()]
    rows += [(f"teacher.{key}", _shown(value)) for key, value in (how.settings["teacher"] or {}).items()]
    return f"""
## How it was made

Engine {how.engine}, seed {how.settings["seed"]}, fingerprint of the settings `{how.fingerprint[:16]}`. Equal input
files and settings give this set byte for byte. Files are named without their folders.

<details><summary>All settings</summary>

{table(("setting", "value"), rows)}

</details>"""


def _shown(value: object) -> str:
    if value is None or value in ([], {}, ""):
        return "-"
    if isinstance(value, list):
        return ", ".join(f"`{item}`" for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    return f"`{value}`"
