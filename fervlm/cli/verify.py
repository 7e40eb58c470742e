"""`fervlm verify CAPTIONS --evidence FILE`: any caption's sentences checked against AU evidence."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from fervlm.cli.captions import Claimed, EvidenceById
    from fervlm.facs import LabelSet
    from fervlm.records import AURecord, Prediction, Verification

VERDICTS = ("supported", "contradicted", "unmeasured", "forbidden")
Form = Literal["text", "jsonl"]


def verify(
    captions: Annotated[
        str,
        typer.Argument(
            metavar="CAPTIONS", help="jsonl: predictions, captions with an id, or {id, text}; `-` is stdin."
        ),
    ],
    evidence: Annotated[
        str, typer.Option(metavar="FILE", help="AU file (or folder) the captions speak of, joined by id.")
    ],
    input_format: Annotated[
        str | None, typer.Option(metavar="NAME", help="Overrule detection; see `fervlm formats`.")
    ] = None,
    label_set: Annotated[str | None, typer.Option(metavar="NAME", help="Labels the captions choose from.")] = None,
    labels: Annotated[str | None, typer.Option(metavar="A,B,C", help="Your own labels instead.")] = None,
    form: Annotated[Form, typer.Option("--format", help="What to write.")] = "text",
    out: Annotated[str | None, typer.Option(metavar="PATH", help="A file instead of stdout.")] = None,
) -> None:
    """Check every sentence of captions against evidence. Exit code 1 where one is contradicted or forbidden."""
    from fervlm.cli.labels import chosen_labels
    from fervlm.cli.output import refuse_overwriting, text_target

    refuse_overwriting(out, [captions, evidence])
    chosen = chosen_labels(label_set, labels) if label_set or labels else None
    check = Checking(captions, evidence, input_format, chosen)
    with text_target(out) as stream:
        (_write_jsonl if form == "jsonl" else _write_text)(check.results(), stream)
    check.report()


@dataclass(frozen=True, slots=True)
class Result:
    """One checked line; `verification` is None where nothing was claimed (a frame without a face)."""

    id: str
    row: int
    verification: Verification | None


class Checking:
    """One `fervlm verify`: joins lines to evidence, judges them, counts what it finds."""

    def __init__(self, captions: str, evidence: str, input_format: str | None, labels: LabelSet | None) -> None:
        self._captions, self._evidence, self._input_format, self._labels = captions, evidence, input_format, labels
        self.captions = self.sentences = self.derived = 0
        self.verdicts: Counter[str] = Counter()
        self.unmatched: list[Claimed] = []

    def results(self) -> Iterator[Result]:
        """Judge every line that has evidence, in order."""
        from fervlm.cli.captions import read_captions
        from fervlm.cli.predictions import CACHED
        from fervlm.reasoning.verify import Judge, verify

        evidence = self._by_id()
        judge = Judge(CACHED)
        for claimed in read_captions(self._captions):
            record = self._record_for(claimed, evidence)
            if record is None:
                self.unmatched.append(claimed)
                continue
            self.captions += 1
            found = None
            if claimed.caption is not None:
                found = verify(claimed.caption, record, labels=self._labels, judge=judge)
                if claimed.prediction is not None and claimed.prediction.course:
                    found = _with_course(found, claimed.prediction)
                self._count(found)
            yield Result(claimed.id, claimed.row, found)

    def _by_id(self) -> EvidenceById:
        from fervlm.cli.captions import EvidenceById, read_captions
        from fervlm.cli.sources import STDIN, evidence_files
        from fervlm.readers import read

        if self._captions == STDIN == self._evidence:
            raise FervlmError("captions and evidence cannot both come from standard input")
        files = evidence_files(self._evidence)
        wanted = None if self._captions == STDIN else Counter(c.id for c in read_captions(self._captions))
        records = chain.from_iterable(read(file, self._input_format) for file in files)
        return EvidenceById(records, wanted, several_files=len(files) > 1)

    def _record_for(self, claimed: Claimed, evidence: EvidenceById) -> AURecord | None:
        if claimed.prediction is not None and claimed.prediction.evidence.derived is not None:
            self.derived += 1
            return claimed.prediction.evidence
        return evidence.find(claimed)

    def _count(self, found: Verification) -> None:
        self.sentences += len(found.sentences)
        self.verdicts.update(claim.verdict for sentence in found.sentences for claim in sentence.claims)

    def report(self) -> None:
        """The sum on standard error; exit code 1 where a claim is contradicted or forbidden, or a line has no evidence.

        Raises:
            FervlmError: no line at all could be joined to the evidence.
        """
        if self.unmatched and not self.captions:
            first = self.unmatched[0]
            raise FervlmError(
                f"none of its {len(self.unmatched)} ids is in {self._evidence}, for example '{first.id}'",
                file=self._captions,
                row=first.row,
                hint="Ids are those of `fervlm explain FILE --format jsonl`.",
            )
        counted = ", ".join(f"{self.verdicts[v]:,} {v}" for v in VERDICTS)
        told = f"{_many(self.captions, 'caption')}, {_many(self.sentences, 'sentence')}"
        print(f"fervlm: {told}; claims: {counted}.", file=sys.stderr)
        if self.derived:
            told = _many(self.derived, "caption")
            print(f"fervlm: {told} of clips or events checked against the evidence carried along.", file=sys.stderr)
        for claimed in self.unmatched:
            print(f"  {self._captions}, row {claimed.row}: no evidence has the id '{claimed.id}'.", file=sys.stderr)
        if self.unmatched or self.verdicts["contradicted"] or self.verdicts["forbidden"]:
            raise typer.Exit(1)


def _with_course(found: Verification, prediction: Prediction) -> Verification:
    """The check of a caption with that of the course over time, by the events the prediction carries."""
    from fervlm.predict.tracks import with_course
    from fervlm.sequences.check import check_course
    from fervlm.sequences.scene import scene_of_prediction

    checks = check_course(prediction.course or "", scene_of_prediction(prediction))
    return with_course(found, checks) or found


def _many(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' * (number != 1)}"


def _write_jsonl(results: Iterator[Result], stream: TextIO) -> None:
    for result in results:
        found = None if result.verification is None else result.verification.model_dump(mode="json")
        stream.write(json.dumps({"id": result.id, "verification": found}, ensure_ascii=False) + "\n")


def _write_text(results: Iterator[Result], stream: TextIO) -> None:
    from fervlm.cli.text import Style, verification_text

    style = Style(stream)
    for number, result in enumerate(results):
        stream.write(("\n" if number else "") + verification_text(result.id, result.verification, style))
