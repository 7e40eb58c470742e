"""The words of the card: front matter, then what a person who wants to train on the set has to know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from data_engine.made import Made, Teacher
from data_engine.numbers import OPEN, Counts, Numbers
from fervlm.facs import tables
from fervlm.facs.units import action_unit
from fervlm.readers import FORMATS

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
REASONS = {
    "unreadable_picture": "the picture could not be decoded",
    "picture_without_evidence": "no detector output for this picture",
    "evidence_without_picture": "detector output without a picture",
    "label_without_picture": "a label row without a picture",
    "no_face": "the detector found no face",
    "tracking_failed": "the detector lost the face",
    "several_faces": "several faces where one was expected",
    "label_outside_set": "the label is not in the label set",
    "duplicate_id": "the name is already taken",
    "verifier_finding": "a sentence was not borne out by the evidence",
    "label_unsupported": "p(label | AUs) below the limit",
    "near_duplicate": "nearly the same picture as an earlier one",
    "too_short": "the caption is too short",
    "too_long": "the caption is too long",
    "frame_share": "a sentence frame would be too common",
    "balance": "its group is larger than the balance allows",
    "teacher_failed": "no answer of the teacher passed",
}
"""Reject code -> what it means."""


def card(numbers: Numbers, how: Made, plots: frozenset[str]) -> str:
    """The whole README.md."""
    blocks = [
        _front_matter(numbers, how),
        _opening(numbers, how),
        _columns(),
        _made(how),
        _counts(numbers, plots),
        _texts(numbers, plots),
        _units(numbers, plots),
        _labels(numbers, how, plots),
        _verification(how),
        *([_teacher(how.teacher)] if how.teacher else []),
        _rejects(how),
        _people(numbers),
        _licences(numbers, how),
        _limits(numbers),
    ]
    return "\n\n".join(block.strip("\n") for block in blocks) + "\n"


def _front_matter(numbers: Numbers, how: Made) -> str:
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


def _opening(numbers: Numbers, how: Made) -> str:
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

samples = load_dataset("DIR", split="train")          # one row a face
chats = load_dataset("DIR", "chat", split="train")    # one row a conversation
```

`page.html` shows some of the faces with their evidence and all their texts. Made by {how.engine}."""


def _columns() -> str:
    rows = [
        ("id, image", "name and picture (bytes inside the table, or the path on the machine that made the set)"),
        (
            "label",
            "what annotators said, as the label set writes it; null where nobody did. It never changes an observation",
        ),
        ("engine_label, confidence, abstain", "what the AUs alone lead to, how surely, or why no label is given"),
        ("support", "p(label \\| AUs) by a model fitted on this set's train split (`support.json`)"),
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
        + _table(("column", "meaning"), rows)
        + ("\n\nThe configuration `chat` holds `id, image, kind, view, messages`; join it with the samples by `id`.")
    )


def _made(how: Made) -> str:
    rows = [(key, _shown(value)) for key, value in how.settings.items() if key not in {"gate", "teacher", "licence"}]
    rows += [(f"gate.{key}", _shown(value)) for key, value in how.settings["gate"].items()]
    rows += [(f"teacher.{key}", _shown(value)) for key, value in (how.settings["teacher"] or {}).items()]
    return f"""
## How it was made

Engine {how.engine}, seed {how.settings["seed"]}, fingerprint of the settings `{how.fingerprint[:16]}`. Equal input
files and settings give this set byte for byte. Files are named without their folders.

<details><summary>All settings</summary>

{_table(("setting", "value"), rows)}

</details>"""


def _shown(value: object) -> str:
    if value is None or value in ([], {}, ""):
        return "-"
    if isinstance(value, list):
        return ", ".join(f"`{item}`" for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    return f"`{value}`"


def _counts(numbers: Numbers, plots: frozenset[str]) -> str:
    splits = list(numbers.samples)
    rows = [("samples", *(f"{numbers.samples[split]:,}" for split in splits))]
    rows += [(f"label: {name}", *cells) for name, cells in _by_split(numbers.labels, splits)]
    rows += [(f"source: {name}", *cells) for name, cells in _by_split(numbers.sources, splits)]
    rows.append(("persons named", *(f"{numbers.subjects[split]:,}" for split in splits)))
    rows.append(("samples without a person", *(f"{numbers.without_subject.get(split, 0):,}" for split in splits)))
    text = "## What is in it\n\n" + _table(("", *splits), rows)
    if numbers.flipped:
        text += (
            f"\n\n{numbers.flipped:,} samples are mirror images; their texts were written anew for the mirrored sides."
        )
    kinds = [
        (kind, *(f"{views.get(view, 0):,}" for view in ("blind", "anchored")))
        for kind, views in numbers.conversations.items()
    ]
    text += "\n\n" + _table(("conversations", "blind", "anchored"), kinds)
    return text + _picture(plots, "labels.svg", "Samples by label and split")


def _by_split(counts: Mapping[str, Counts], splits: list[str]) -> Iterator[tuple[str, list[str]]]:
    names = sorted({name for found in counts.values() for name in found})
    for name in sorted(names, key=lambda name: -sum(found.get(name, 0) for found in counts.values())):
        yield name, [f"{counts.get(split, {}).get(name, 0):,}" for split in splits]


def _texts(numbers: Numbers, plots: frozenset[str]) -> str:
    rows = []
    for name, lengths in numbers.words.items():
        if lengths:
            total = sum(lengths.values())
            mean = sum(length * n for length, n in lengths.items()) / total
            ends = [percentile(lengths, share) for share in (0.0, 0.05, 0.5, 0.95, 1.0)]
            rows.append((name, f"{mean:.1f}", *(f"{end}" for end in ends)))
    regions = ", ".join(f"{region} {n:,}" for region, n in sorted(numbers.regions.items(), key=lambda item: -item[1]))
    edits = ", ".join(f"{edit.replace('_', ' ')} {n:,}" for edit, n in numbers.negatives.items()) or "none"
    head = ("words in", "mean", "shortest", "5 %", "median", "95 %", "longest")
    return (
        f"## The texts\n\n{_table(head, rows)}\n\nObservation sentences by region: {regions}.\n\n"
        f"Hard negatives by edit: {edits}." + _picture(plots, "words.svg", "Caption lengths")
    )


def percentile(counts: Mapping[int, int], share: float) -> int:
    """The smallest value at or below which at least `share` of a histogram lies; 0 of an empty one."""
    wanted, seen = share * sum(counts.values()), 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= wanted and seen > 0:
            return value
    return 0


def _units(numbers: Numbers, plots: frozenset[str]) -> str:
    rows, unseen = [], []
    for au, (present, absent, missing) in numbers.units.items():
        total = present + absent + missing
        if present + absent == 0:
            unseen.append(f"AU{au}")
            continue
        share = [f"{100 * n / total:.1f} %" for n in (present, absent, missing)]
        rows.append((f"AU{au} {action_unit(au).name.lower()}", *share))
    quiet = numbers.present_per_face.get(0, 0)
    total = sum(numbers.present_per_face.values())
    mean = sum(k * n for k, n in numbers.present_per_face.items()) / max(total, 1)
    return (
        "## Action units\n\n"
        f"{mean:.2f} present AUs a face on average; "
        f"{quiet:,} faces ({_percent(quiet, total)}) show none of the measured ones."
        f"\n\n{_table(('unit', 'present', 'absent', 'not measured'), rows)}\n\n"
        f"Measured on no face, so never spoken of: {', '.join(unseen) or 'none'}."
    ) + _picture(plots, "units.svg", "Share of samples by action unit")


def _labels(numbers: Numbers, how: Made, plots: frozenset[str]) -> str:
    total = sum(numbers.samples.values())
    left_open = sum(counts.get(OPEN, 0) for counts in numbers.engine_labels.values())
    why = ", ".join(f"{reason} {n:,}" for reason, n in sorted(numbers.abstained.items(), key=lambda item: -item[1]))
    sure = ", ".join(f"{word} {n:,}" for word, n in numbers.confidence.items())
    text = (
        "## Labels\n\nThe label concluded from the AUs is left open on "
        f"{left_open:,} of {total:,} samples ({_percent(left_open, total)}; {why or 'never'}). Confidence: {sure}."
    )
    if not numbers.confusion:
        return text + " The set has no human labels."
    asked = sum(sum(counts.values()) for counts in numbers.confusion.values())
    said = asked - sum(counts.get(OPEN, 0) for counts in numbers.confusion.values())
    equal = sum(counts.get(label, 0) for label, counts in numbers.confusion.items())
    text += (
        f"\n\nWhere both an annotator and the AUs name a label ({said:,} samples), they agree on {equal:,} "
        f"({_percent(equal, said)}). They answer different questions: annotators judge the picture, the conclusion "
        "only what was measured. Neither is bent to the other; `anchored` texts say where they part.\n\n"
    )
    rows = [_label_row(label, counts, numbers) for label, counts in numbers.confusion.items()]
    head = ("annotators' label", "samples", "concluded equal", "concluded other", "left open", "mean support")
    text += _table(head, rows)
    if how.support is not None:
        text += (
            f"\n\nSupport is p(label \\| AUs) by a softmax regression on AU presence, fitted on {how.support.n:,} "
            f"labelled train faces (it ranks {100 * how.support.accuracy:.1f} % of the labels first); a low value "
            "means that the measured movements speak for another label, not that the annotator was wrong."
        )
    return text + _picture(plots, "agreement.svg", "Agreement") + _picture(plots, "support.svg", "Support by label")


def _label_row(label: str, counts: Counts, numbers: Numbers) -> tuple[str, ...]:
    total, equal, left_open = sum(counts.values()), counts.get(label, 0), counts.get(OPEN, 0)
    mean = f"{numbers.support_mean[label]:.2f}" if label in numbers.support_mean else "-"
    other = total - equal - left_open
    return label, f"{total:,}", _percent(equal, total), _percent(other, total), _percent(left_open, total), mean


def _verification(how: Made) -> str:
    found = how.checked
    return f"""
## Verification

Each text is read back, sentence by sentence, into claims (an AU by number, name or plain words; its side, strength,
negation) and each claim is judged against the evidence: supported, contradicted, not measured, or forbidden (an emotion
word among the observations, a word on who the person is or what they feel).

{
        _table(
            ("before the gate", "faces", "share"),
            [
                (
                    "first caption without a finding",
                    f"{how.clean:,} of {how.drafts:,}",
                    _percent(how.clean, how.drafts),
                ),
                (
                    "leaking: an emotion word in overview or observations",
                    f"{how.leaking:,}",
                    _percent(how.leaking, how.drafts),
                ),
            ],
        )
    }

{found.claims:,} claims in {found.sentences:,} sentences: {found.contradicted:,} contradicted, {
        found.unmeasured:,} not measured,
{found.forbidden:,} forbidden, {
        found.leaks:,} leaks. A caption with any of these is not in the set, so inside it the rates are zero;
`fervlm inspect DIR` checks that again. It proves faithfulness to the evidence, not truth about the face."""


def _teacher(teacher: Teacher) -> str:
    rows = [
        (f"passed at answer {attempt}", f"{n:,}", _percent(n, teacher.asked))
        for attempt, n in teacher.passed_at.items()
    ]
    rows.append(
        ("kept the deterministic draft", f"{teacher.kept_draft:,}", _percent(teacher.kept_draft, teacher.asked))
    )
    rows.append(("dropped", f"{teacher.dropped:,}", _percent(teacher.dropped, teacher.asked)))
    text = (
        f"## Teacher\n\n{teacher.asked:,} faces, {teacher.tokens:,} tokens.\n\n{_table(('', 'faces', 'share'), rows)}"
    )
    if teacher.findings:
        kinds = ", ".join(f"{kind} {n:,}" for kind, n in sorted(teacher.findings.items(), key=lambda item: -item[1]))
        text += f"\n\nWhat was wrong with last answers that did not pass: {kinds}."
    if teacher.label_met is not None:
        met, judged = teacher.label_met
        share = f"{met:,} of {judged:,} ({_percent(met, judged)})"
        text += f"\n\nThe description alone led a reader to the annotators' label on {share}."
    return text


def _rejects(how: Made) -> str:
    rows = [
        (stage, code, REASONS.get(code, code), f"{n:,}")
        for stage, codes in how.rejects.items()
        for code, n in sorted(codes.items(), key=lambda item: -item[1])
    ]
    if not rows:
        return "## Turned away\n\nNothing."
    return "## Turned away\n\n" + _table(("stage", "code", "meaning", "count"), rows)


def _people(numbers: Numbers) -> str:
    named, unnamed = sum(numbers.subjects.values()) - numbers.subjects_shared, sum(numbers.without_subject.values())
    shared = f"{numbers.subjects_shared:,} of them stand in more than one split"
    text = f"## Persons\n\n{named:,} persons are named by pseudonyms; {shared}."
    if unnamed:
        text += (
            f" For {unnamed:,} samples the person is not known, so that the same person may stand in two splits; "
            "only near duplicates of a picture were removed."
        )
    return text


def _licences(numbers: Numbers, how: Made) -> str:
    rows = [("pictures and human labels", str(how.settings["licence"]) or "unknown")]
    rows += [(f"evidence by {_tool(name)}", _terms(name)) for name in numbers.detectors]
    rows.append(("captions, conversations, negatives", f"written by {how.engine} (Apache-2.0) from the evidence"))
    rows += [
        (f"texts by {engine}", "the terms of that model on its output")
        for engine in numbers.engines
        if engine.startswith("teacher")
    ]
    return (
        "## Terms\n\n"
        + _table(("part", "terms as stated"), rows)
        + "\n\nThe strictest of these governs the whole. Nothing here grants rights to a picture."
    )


def _tool(name: str) -> str:
    return FORMATS[name].tool if name in FORMATS else name


def _terms(name: str) -> str:
    if name in {"facs_codes", "facs_table"}:
        return "human codes: the terms of the set they were made for"
    notes = {row["licence_note"] for row in tables.rows("detectors") if _same_tool(row["detector_id"], name)}
    return "; ".join(sorted(notes)) or "see the tool's own licence"


def _same_tool(detector: str, name: str) -> bool:
    version = {"pyfeat": "pyfeat_v1", "pyfeat2": "pyfeat_v2"}.get(name, name)
    return detector.rstrip("0123456789").startswith(version.rstrip("0123456789")) and detector.startswith(version)


def _limits(numbers: Numbers) -> str:
    low = [_tool(name) for name in numbers.detectors if name in FORMATS and FORMATS[name].trust == "low"]
    notes = [f"- {_tool(name)}: {FORMATS[name].note}" for name in numbers.detectors if name in FORMATS]
    trust = (
        f" The evidence comes from {', '.join(low)}, whose numbers carry only so far: what it calls present may not "
        "be, and the texts are exactly as good as it is."
        if low
        else ""
    )
    return f"""
## Limits, and what it must not be used for

A caption repeats what its evidence says.{trust} Action units that were not measured are not spoken of, which is not the
same as their absence. Prototypes that link movements to emotion words are conventions from posed, mostly Western faces;
an expression shown does not tell what somebody feels. Human labels are what the sources give, with their noise.

{chr(10).join(notes)}

Not for judging a person's inner state, honesty, health, fitness or intent; not for hiring, policing, schooling, border
or workplace decisions (emotion recognition at work and in education is prohibited in the European Union); not for
identifying people or telling age, sex or race."""


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(cell.replace(chr(10), ' ') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _picture(plots: frozenset[str], name: str, alternative: str) -> str:
    return f"\n\n![{alternative}](card/{name})" if name in plots else ""
