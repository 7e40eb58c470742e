"""A foreign set through our verifier: form, emotion words among the observations, sides, persons, AUs, and evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import Field

from data_engine.evidence_index import EvidenceIndex
from data_engine.foreign import read_foreign
from data_engine.foreign_layouts import Foreign
from data_engine.markdown import percentile
from data_engine.names import picture_name
from data_engine.numbers import Counts, ordered
from fervlm.facs import canonical_label
from fervlm.readers import read
from fervlm.reasoning.observe import observe
from fervlm.reasoning.verifier.elements import elements
from fervlm.reasoning.verifier.lexicon import Kind
from fervlm.reasoning.verifier.sections import Passage, headings, passages
from fervlm.reasoning.verify import Judge, verify
from fervlm.records import AURecord, Record, Verification

_THREE_PARTS = ["observation", "interpretation", "conclusion"]
_WORST = 12


class AgainstEvidence(Record):
    """Texts against AU evidence. The evidence is a detector's or coder's word, not the truth about the face."""

    source: str = Field(description="Which evidence: the file's own AU values, or a file given.")
    checked: int = Field(0, description="Items that have evidence and text.")
    without: int = Field(0, description="Items for which the evidence holds nothing.")
    sound: int = Field(0, description="Items with no claim contradicted, unmeasured or forbidden.")
    contradicted_items: int = Field(0, description="Items with at least one contradicted claim.")
    verdicts: Counts = Field(default_factory=dict, description="Claims by verdict.")
    precision: float | None = Field(None, description="Mean over items: affirmed AUs that are present.")
    recall: float | None = Field(None, description="Mean over items: present AUs that are affirmed.")
    side_errors: int = 0
    quiet: int = Field(0, description="Items on whose face none of the measured AUs is present.")
    quiet_told: int = Field(0, description="Of these, items whose text affirms a movement all the same.")


class ForeignReport(Record):
    """What a foreign set's texts are like. Counts are items unless said otherwise."""

    format: str
    items: int = 0
    with_text: int = 0
    words_median: int = 0
    words_longest: int = 0
    three_parts: int = Field(0, description="Texts with observations, interpretation and conclusion, in this order.")
    observed: int = Field(0, description="Texts with a part that is marked as observations.")
    leaking: int = Field(0, description="Of these, texts with an emotion word in that part.")
    leaking_own_label: int = Field(0, description="Of these, texts whose own label stands there.")
    leaked_words: int = Field(0, description="Emotion words in observations, all together.")
    naming_emotion: int = Field(0, description="Texts that name an emotion anywhere.")
    naming_side: int = Field(0, description="Texts that say left or right of a movement.")
    side_claims: int = 0
    naming_person: int = Field(0, description="Texts that say who the person is or what they feel.")
    person_words: Counts = Field(default_factory=dict, description="The commonest of these wordings.")
    unit_numbers: int = Field(0, description="Texts that name an AU by its number.")
    without_movement: int = Field(0, description="Texts in which no movement is affirmed.")
    units: dict[int, int] = Field(default_factory=dict, description="AU affirmed (by number, name or words): texts.")
    listed_not_told: int | None = Field(None, description="AUs listed beside a text that it leaves out.")
    listed: int | None = Field(None, description="AUs listed beside the texts.")
    labels: Counts = Field(default_factory=dict)
    against: AgainstEvidence | None = None


def inspect_foreign(
    path: str,
    *,
    layout: str | None = None,
    evidence: str | None = None,
    input_format: str | None = None,
    limit: int | None = None,
) -> ForeignReport:
    """Read a foreign set and judge every text of it.

    Args:
        path: the file, or MER-Factory's output folder.
        layout: a name of `FOREIGN`, to overrule detection.
        evidence: AU file to judge against, joined by picture name; else the set's own AU values, where it has any.
        input_format: of the evidence.
        limit: only the first so many items.
    """
    chosen, found = read_foreign(path, layout)
    tally = _Tally(chosen.name)
    with TemporaryDirectory() as place:
        index = None
        if evidence is not None:
            index = EvidenceIndex.build(Path(place) / "evidence.sqlite", read(evidence, input_format))
        for k, item in enumerate(found):
            if limit is not None and k >= limit:
                break
            tally.add(item, item.evidence if index is None else _looked_up(index, item))
        if index is not None:
            index.close()
    return tally.report("the set's own AU values" if evidence is None else Path(evidence).name)


def _looked_up(index: EvidenceIndex, item: Foreign) -> AURecord | None:
    found = [face for face in index.find(picture_name(item.picture or item.id)) if face.tracking == "ok"]
    return AURecord.model_validate_json(found[0].record) if len(found) == 1 else None


class _Tally:
    def __init__(self, name: str) -> None:
        self._name = name
        self._judge = Judge(cache_size=4096)
        self._n: Counter[str] = Counter()
        self._words: Counter[int] = Counter()
        self._person: Counter[str] = Counter()
        self._units: Counter[int] = Counter()
        self._labels: Counter[str] = Counter()
        self._verdicts: Counter[str] = Counter()
        self._precision = self._recall = 0.0

    def add(self, item: Foreign, evidence: AURecord | None) -> None:
        self._n["items"] += 1
        if item.label is not None:
            self._labels[item.label] += 1
        if not item.text.strip():
            return
        self._n["with_text"] += 1
        self._words[len(item.text.split())] += 1
        told = passages(item.text)
        parts = [part for part in headings(item.text) if part != "overview"]
        self._n["three_parts"] += parts == _THREE_PARTS
        affirmed = self._claims(told)
        self._leaks(told, item.label)
        self._units.update(affirmed)
        self._n["without_movement"] += not affirmed
        if item.units is not None:
            self._n["listed"] += len(item.units)
            self._n["listed_not_told"] += len(set(item.units) - affirmed)
            self._n["with_list"] += 1
        if evidence is None:
            self._n["without"] += 1
        else:
            self._check(verify(item.text, evidence, judge=self._judge), evidence, affirmed)

    def _claims(self, told: list[Passage]) -> set[int]:
        """Counts what the sentences claim; returns the AUs they affirm."""
        affirmed: set[int] = set()
        seen: Counter[str] = Counter()
        for passage in told:
            reading = self._judge.read(passage.text, passage.section)
            for draft in reading.drafts:
                seen["label"] += draft.kind == "label"
                if draft.kind == "au":
                    seen["side"] += draft.side in {"left", "right", "more_left", "more_right"}
                    if not draft.negated:
                        affirmed.update(draft.units.aus)
            for offence in reading.offences:
                seen[offence.kind] += 1
                if offence.kind == "person":
                    self._person[passage.text[offence.start : offence.end].lower()] += 1
            seen["number"] += any(e.kind is Kind.AU for e in elements(passage.text))
        self._n["naming_emotion"] += bool(seen["label"] or seen["emotion_word"])
        self._n["naming_side"] += bool(seen["side"])
        self._n["side_claims"] += seen["side"]
        self._n["naming_person"] += bool(seen["person"])
        self._n["unit_numbers"] += bool(seen["number"])
        return affirmed

    def _leaks(self, told: list[Passage], label: str | None) -> None:
        observed = [passage for passage in told if passage.section in {"overview", "observation"}]
        if not observed:
            return
        words = [word for passage in observed for word in self._emotion_words(passage)]
        own = canonical_label(label) if label else None
        self._n["observed"] += 1
        self._n["leaking"] += bool(words)
        self._n["leaking_own_label"] += own is not None and any(canonical_label(word) == own for word in words)
        self._n["leaked_words"] += len(words)

    def _emotion_words(self, passage: Passage) -> Iterator[str]:
        for offence in self._judge.read(passage.text, passage.section).offences:
            if offence.kind == "emotion_word":
                yield passage.text[offence.start : offence.end]

    def _check(self, found: Verification, evidence: AURecord, affirmed: set[int]) -> None:
        self._n["checked"] += 1
        self._n["sound"] += found.ok
        self._n["contradicted_items"] += found.scores.contradicted > 0
        self._n["side_errors"] += found.scores.side_errors
        self._verdicts.update(claim.verdict for check in found.sentences for claim in check.claims)
        self._precision += found.scores.precision
        self._recall += found.scores.recall
        quiet = not observe(evidence).active
        self._n["quiet"] += quiet
        self._n["quiet_told"] += quiet and bool(affirmed)

    def report(self, source: str) -> ForeignReport:
        n, checked = self._n, self._n["checked"]
        against = None
        if checked:
            against = AgainstEvidence(
                source=source,
                verdicts=ordered(self._verdicts),
                precision=round(self._precision / checked, 4),
                recall=round(self._recall / checked, 4),
                **{
                    key: n[key]
                    for key in (
                        "checked",
                        "without",
                        "sound",
                        "contradicted_items",
                        "side_errors",
                        "quiet",
                        "quiet_told",
                    )
                },
            )
        counted = (
            *("items", "with_text", "three_parts", "observed", "leaking", "leaking_own_label", "leaked_words"),
            *("naming_emotion", "naming_side", "side_claims", "naming_person", "unit_numbers", "without_movement"),
        )
        return ForeignReport(
            format=self._name,
            words_median=percentile(self._words, 0.5),
            words_longest=max(self._words, default=0),
            person_words=dict(self._person.most_common(_WORST)),
            units=ordered(self._units),
            listed=n["listed"] if n["with_list"] else None,
            listed_not_told=n["listed_not_told"] if n["with_list"] else None,
            labels=ordered(self._labels),
            against=against,
            **{key: n[key] for key in counted},
        )
