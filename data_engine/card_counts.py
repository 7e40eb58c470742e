"""The middle of the card: what is in the set, counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from data_engine.made import Made, Teacher
from data_engine.markdown import percent, percentile, picture, table
from data_engine.numbers import OPEN, Counts, Numbers
from fervlm.facs.units import action_unit

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


def contents(numbers: Numbers, plots: frozenset[str]) -> str:
    """Samples by split, label, source and person; conversations by kind."""
    splits = list(numbers.samples)
    rows = [("samples", *(f"{numbers.samples[split]:,}" for split in splits))]
    rows += [(f"label: {name}", *cells) for name, cells in _by_split(numbers.labels, splits)]
    rows += [(f"source: {name}", *cells) for name, cells in _by_split(numbers.sources, splits)]
    rows.append(("persons named", *(f"{numbers.subjects[split]:,}" for split in splits)))
    rows.append(("samples without a person", *(f"{numbers.without_subject.get(split, 0):,}" for split in splits)))
    text = "## What is in it\n\n" + table(("", *splits), rows)
    if numbers.flipped:
        text += (
            f"\n\n{numbers.flipped:,} samples are mirror images; their texts were written anew for the mirrored sides."
        )
    kinds = [
        (kind, *(f"{views.get(view, 0):,}" for view in ("blind", "anchored")))
        for kind, views in numbers.conversations.items()
    ]
    text += "\n\n" + table(("conversations", "blind", "anchored"), kinds)
    return text + picture(plots, "labels.svg", "Samples by label and split")


def _by_split(counts: Mapping[str, Counts], splits: list[str]) -> Iterator[tuple[str, list[str]]]:
    names = sorted({name for found in counts.values() for name in found})
    for name in sorted(names, key=lambda name: -sum(found.get(name, 0) for found in counts.values())):
        yield name, [f"{counts.get(split, {}).get(name, 0):,}" for split in splits]


def texts(numbers: Numbers, plots: frozenset[str]) -> str:
    """Lengths, regions, hard negatives."""
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
        f"## The texts\n\n{table(head, rows)}\n\nObservation sentences by region: {regions}.\n\n"
        f"Hard negatives by edit: {edits}." + picture(plots, "words.svg", "Caption lengths")
    )


def units(numbers: Numbers, plots: frozenset[str]) -> str:
    """How often each AU is present, absent, not measured."""
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
        f"{quiet:,} faces ({percent(quiet, total)}) show none of the measured ones."
        f"\n\n{table(('unit', 'present', 'absent', 'not measured'), rows)}\n\n"
        f"Measured on no face, so never spoken of: {', '.join(unseen) or 'none'}."
    ) + picture(plots, "units.svg", "Share of samples by action unit")


def labels(numbers: Numbers, how: Made, plots: frozenset[str]) -> str:
    """Annotators' labels beside those concluded from the AUs; support."""
    total = sum(numbers.samples.values())
    left_open = sum(counts.get(OPEN, 0) for counts in numbers.engine_labels.values())
    why = ", ".join(f"{reason} {n:,}" for reason, n in sorted(numbers.abstained.items(), key=lambda item: -item[1]))
    sure = ", ".join(f"{word} {n:,}" for word, n in numbers.confidence.items())
    text = (
        "## Labels\n\nThe label concluded from the AUs is left open on "
        f"{left_open:,} of {total:,} samples ({percent(left_open, total)}; {why or 'never'}). Confidence: {sure}."
    )
    if not numbers.confusion:
        return text + " The set has no human labels."
    asked = sum(sum(counts.values()) for counts in numbers.confusion.values())
    said = asked - sum(counts.get(OPEN, 0) for counts in numbers.confusion.values())
    equal = sum(counts.get(label, 0) for label, counts in numbers.confusion.items())
    text += (
        f"\n\nWhere both an annotator and the AUs name a label ({said:,} samples), they agree on {equal:,} "
        f"({percent(equal, said)}). They answer different questions: annotators judge the picture, the conclusion "
        "only what was measured. Neither is bent to the other; `anchored` texts say where they part.\n\n"
    )
    rows = [_label_row(label, counts, numbers) for label, counts in numbers.confusion.items()]
    head = ("annotators' label", "samples", "concluded equal", "concluded other", "left open", "mean support")
    text += table(head, rows)
    if how.support is not None:
        text += (
            f"\n\nSupport is p(label | AUs) by a softmax regression on AU presence, fitted on {how.support.n:,} "
            f"labelled train faces (it ranks {100 * how.support.accuracy:.1f} % of the labels first); a low value "
            "means that the measured movements speak for another label, not that the annotator was wrong."
        )
    return text + picture(plots, "agreement.svg", "Agreement") + picture(plots, "support.svg", "Support by label")


def _label_row(label: str, counts: Counts, numbers: Numbers) -> tuple[str, ...]:
    total, equal, left_open = sum(counts.values()), counts.get(label, 0), counts.get(OPEN, 0)
    mean = f"{numbers.support_mean[label]:.2f}" if label in numbers.support_mean else "-"
    other = total - equal - left_open
    return label, f"{total:,}", percent(equal, total), percent(other, total), percent(left_open, total), mean


def verification(how: Made) -> str:
    """How many captions and claims were borne out before the gate."""
    found = how.checked
    return f"""
## Verification

Each text is read back, sentence by sentence, into claims (an AU by number, name or plain words; its side, strength,
negation) and each claim is judged against the evidence: supported, contradicted, not measured, or forbidden (an emotion
word among the observations, a word on who the person is or what they feel).

{
        table(
            ("before the gate", "faces", "share"),
            [
                (
                    "first caption without a finding",
                    f"{how.clean:,} of {how.drafts:,}",
                    percent(how.clean, how.drafts),
                ),
                (
                    "leaking: an emotion word in overview or observations",
                    f"{how.leaking:,}",
                    percent(how.leaking, how.drafts),
                ),
            ],
        )
    }

{found.claims:,} claims in {found.sentences:,} sentences: {found.contradicted:,} contradicted, {
        found.unmeasured:,} not measured,
{found.forbidden:,} forbidden, {
        found.leaks:,} leaks. A caption with any of these is not in the set, so inside it the rates are zero;
`fervlm inspect DIR` checks that again. It proves faithfulness to the evidence, not truth about the face."""


def taught(teacher: Teacher) -> str:
    """What became of the faces a language model was asked about."""
    rows = [
        (f"passed at answer {attempt}", f"{n:,}", percent(n, teacher.asked)) for attempt, n in teacher.passed_at.items()
    ]
    rows.append(("kept the deterministic draft", f"{teacher.kept_draft:,}", percent(teacher.kept_draft, teacher.asked)))
    rows.append(("dropped", f"{teacher.dropped:,}", percent(teacher.dropped, teacher.asked)))
    text = f"## Teacher\n\n{teacher.asked:,} faces, {teacher.tokens:,} tokens.\n\n{table(('', 'faces', 'share'), rows)}"
    if teacher.findings:
        kinds = ", ".join(f"{kind} {n:,}" for kind, n in sorted(teacher.findings.items(), key=lambda item: -item[1]))
        text += f"\n\nWhat was wrong with last answers that did not pass: {kinds}."
    if teacher.label_met is not None:
        met, judged = teacher.label_met
        share = f"{met:,} of {judged:,} ({percent(met, judged)})"
        text += f"\n\nThe description alone led a reader to the annotators' label on {share}."
    return text


def turned_away(how: Made) -> str:
    """What left the set, stage by stage."""
    rows = [
        (stage, code, REASONS.get(code, code), f"{n:,}")
        for stage, codes in how.rejects.items()
        for code, n in sorted(codes.items(), key=lambda item: -item[1])
    ]
    if not rows:
        return "## Turned away\n\nNothing."
    return "## Turned away\n\n" + table(("stage", "code", "meaning", "count"), rows)
