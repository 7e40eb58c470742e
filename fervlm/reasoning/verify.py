"""Text against evidence: every sentence read back into claims, every claim judged.

`verify` reads words, not our own structures, so it judges captions of this engine, of language models and of people
alike. A claim gets one of four verdicts:

* `supported`: the evidence bears it out;
* `contradicted`: the evidence says otherwise: the AU is absent (or present, where it is denied), on the other side, of
  another strength, or another label has clearly more support;
* `unmeasured`: the evidence cannot tell: the detector does not see this AU, did not measure sides, gives no strength;
* `forbidden`: not to be said at all: a feeling among the observations, or anything about the person.

What a caption is checked against is named in `Verification.against`. Against a detector's output the result proves
faithfulness to that output, not truth about the face. Words the lexicon does not know raise no alarm.
"""

from __future__ import annotations

from collections import OrderedDict

from fervlm.facs.labels import LabelSet
from fervlm.reasoning.findings import Interpretation
from fervlm.reasoning.observe import Evidence, observe
from fervlm.reasoning.verifier.claims import Reading, read_claims
from fervlm.reasoning.verifier.conclusions import annotators, hold_conclusion, is_field
from fervlm.reasoning.verifier.drafts import Draft
from fervlm.reasoning.verifier.elements import elements
from fervlm.reasoning.verifier.judge import (
    Judged,
    claim,
    forbidden,
    judge_rest,
    judge_units,
    sentence_check,
    speaks_of_measuring,
)
from fervlm.reasoning.verifier.kinds import Kind
from fervlm.reasoning.verifier.labels import Standing, judge_label
from fervlm.reasoning.verifier.lexicon import lexicon
from fervlm.reasoning.verifier.scores import TELLING, mentions, score
from fervlm.reasoning.verifier.sections import Passage, in_order, passages
from fervlm.reasoning.verifier.tokens import sentences
from fervlm.records import AURecord, Caption, Claim, Section, SentenceCheck, Verification, assemble

_FIELDS = frozenset(Verification.model_fields)
_WHOLE = frozenset(("all", "rest"))
_CONCLUDING = frozenset(("interpretation", "conclusion"))
_OBSERVED = frozenset(("overview", "observation"))


class Judge:
    """Keeps readings of sentences, and their checks against equal evidence, up to `cache_size` of each (0: none).

    Pass one judge for a whole stream. Not safe for concurrent use.
    """

    def __init__(self, cache_size: int = 0) -> None:
        self.cache_size = cache_size
        self._readings: OrderedDict[tuple[str, Section], Reading] = OrderedDict()

    def read(self, sentence: str, section: Section) -> Reading:
        """The claims of a sentence, from the cache where it is there."""
        if not self.cache_size:
            return read_claims(sentence, section)
        key = (sentence, section)
        found = self._readings.get(key)
        if found is None:
            found = read_claims(sentence, section)
            self._readings[key] = found
            if len(self._readings) > self.cache_size:
                self._readings.popitem(last=False)
        else:
            self._readings.move_to_end(key)
        return found


def verify(
    caption: Caption | str,
    record: AURecord | Evidence,
    *,
    labels: LabelSet | None = None,
    judge: Judge | None = None,
    against: str | None = None,
    section: Section = "text",
    interpretation: Interpretation | None = None,
) -> Verification:
    """Check a caption or any text on a face against the evidence for that face.

    Args:
        caption: a caption, or free text; headings such as "Key observations" tell its sections apart.
        record: what was measured.
        labels: the label set whose labels compete; the eight basic ones by default.
        judge: keeps what it read between calls.
        against: what the evidence is, in words; the record's detector and file by default.
        section: what a text without headings is; `observation` forbids emotion words, `text` takes them as labels.
        interpretation: of the same evidence and labels, where the caller has it; saves making it again.
    """
    evidence = record if isinstance(record, Evidence) else observe(record)
    if against is None:
        against = "evidence" if isinstance(record, Evidence) else f"{record.detector.name} in {record.source.file}"
    read = judge.read if judge is not None else read_claims
    if isinstance(caption, Caption):
        told, form, given = _of_caption(caption), _well_formed(caption), caption.conclusion.label
        quoted = caption.provenance is not None and caption.provenance.view == "anchored"
    else:
        whole = section == "text"
        told, form, given, quoted = passages(caption, section), not whole or in_order(caption), None, False
    readings = [read(passage.text, passage.section) for passage in told]
    standing = Standing(evidence, labels, interpretation)
    checker = _Checker(evidence, standing, told, readings)
    checks = tuple([checker.check(p, r) for p, r in zip(told, readings, strict=True)])
    checks, consistent = hold_conclusion(checks, readings, standing, given, quoted=quoted)
    affirmed, wrong = mentions([c for check in checks if check.section in TELLING for c in check.claims], evidence)
    scores = score(checks, affirmed, wrong, evidence, consistent, form)
    return assemble(
        Verification,
        _FIELDS,
        {
            "schema_version": "1",
            "sentences": checks,
            "scores": scores,
            "ok": form and not (scores.contradicted or scores.unmeasured or scores.forbidden),
            "against": against,
        },
    )


def _of_caption(caption: Caption) -> list[Passage]:
    found = [Passage("overview", None, sentence) for sentence in sentences(caption.overview)]
    for seen in caption.observations:
        found += [Passage("observation", seen.region, sentence) for sentence in sentences(seen.text)]
    found += [Passage("interpretation", None, sentence) for sentence in sentences(caption.interpretation)]
    found += [Passage("conclusion", None, sentence) for sentence in sentences(caption.conclusion.text)]
    return found


def _well_formed(caption: Caption) -> bool:
    """All parts there, and either a label or a reason for none."""
    conclusion = caption.conclusion
    parts = (caption.overview, caption.interpretation, conclusion.text, *[seen.text for seen in caption.observations])
    named = (conclusion.label is None) == (conclusion.abstain is not None)
    return named and bool(caption.observations) and all(map(str.strip, parts))


class _Checker:
    """Judges the sentences of one text."""

    def __init__(self, evidence: Evidence, standing: Standing, told: list[Passage], readings: list[Reading]) -> None:
        self.evidence = evidence
        self.standing = standing
        self.told = told
        self.readings = readings
        self._affirmed: frozenset[int] | None = None

    def affirmed(self) -> frozenset[int]:
        """Every AU that the text says is present; what "nothing else moves" leaves aside."""
        if self._affirmed is None:
            drafts = [d for reading in self.readings for d in reading.drafts if d.kind == "au" and not d.negated]
            self._affirmed = frozenset(au for d in drafts for au in d.units.aus + d.units.also)
        return self._affirmed

    def touched(self) -> frozenset[int]:
        """With them the AUs of parts that are named in a way not understood; "nothing else" may leave them aside."""
        regions = lexicon().regions
        found = set(self.affirmed())
        for passage, reading in zip(self.told, self.readings, strict=True):
            spans = [(d.start, d.end) for d in reading.drafts if d.kind == "au"]
            for element in elements(passage.text):
                read = any(start <= element.start < end for start, end in spans)
                if (
                    element.kind is Kind.PART
                    and not read
                    and element.entry.value in regions
                    and "face" not in element.entry.value
                ):
                    region = regions[element.entry.value]
                    found.update(region.aus + region.also)
        return frozenset(found)

    def check(self, passage: Passage, reading: Reading) -> SentenceCheck:
        """One sentence with its claims judged."""
        section, text = passage.section, passage.text
        claims: list[Claim] = []
        for draft in reading.drafts:
            judged = self._judge(draft, reading, passage)
            if judged is not None:
                claims.append(claim(draft, text, judged))
        for bad in reading.offences:
            claims.append(forbidden(bad.kind, text, bad.start, bad.end, bad.reason))
        ok = True
        for made in claims:
            if made.verdict != "supported":
                ok = False
                break
        return sentence_check(section, passage.region, text, tuple(claims), ok)

    def _judge(self, draft: Draft, reading: Reading, passage: Passage) -> Judged | None:
        kind, text = draft.kind, passage.text
        if kind == "label":
            return self._judge_label(draft, reading, passage)
        if kind in _WHOLE:
            if passage.section in _CONCLUDING and text[draft.start : draft.end].lower() == "nothing":
                return None  # "and nothing else comes into question"
            judged = judge_rest(draft, self.evidence, self.affirmed())
            return judged if judged[1] != "contradicted" else judge_rest(draft, self.evidence, self.touched())
        judged = judge_units(draft, self.evidence)
        if judged[1] == "unmeasured" and judged[0] == "au" and speaks_of_measuring(text):
            return "quality", "supported", None
        return judged

    def _judge_label(self, draft: Draft, reading: Reading, passage: Passage) -> Judged | None:
        section = passage.section
        if section == "conclusion" and is_field(passage.text) and draft.label in annotators(self.readings):
            return None
        if section in _OBSERVED:
            neutral = draft.label == "neutral" and not draft.negated and not draft.attributed
            return self._neutral(draft) if neutral else None
        near = [d for d in reading.drafts if d.kind == "au" and not d.negated and not d.units.vague]
        told = self.readings if section == "interpretation" else [reading]
        drafts = [d for other in told for d in other.drafts if d.label and not d.negated]
        others = frozenset([d.label for d in drafts if d.label and d.label != draft.label])
        return judge_label(draft, [d for d in near if d.clause == draft.clause], section, self.standing, others)

    def _neutral(self, draft: Draft) -> Judged:
        """ "The face is neutral" among observations: nothing above a trace."""
        moving = [u.au for u in self.evidence.active if u.level is None or u.level > 1]
        if moving:
            return "au", "contradicted", f"AU{moving[0]} is present"
        return "au", "supported" if self.evidence.units else "unmeasured", None
