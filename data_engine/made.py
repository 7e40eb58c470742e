"""How the set was made, in numbers that its tables no longer hold: checks before the gate, the teacher, rejects."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from pydantic import Field

from data_engine.config import AnnotateConfig
from data_engine.items import Checked, Reject
from data_engine.measure import Measured
from data_engine.numbers import Counts, ordered
from data_engine.shards import read_rows, shard_paths
from data_engine.support import Support
from fervlm import __version__
from fervlm.records import Record


class Teacher(Record):
    """What became of the faces that a language model was asked about."""

    asked: int = 0
    passed_at: dict[int, int] = Field(default_factory=dict, description="Attempt whose answer passed: faces.")
    kept_draft: int = 0
    dropped: int = 0
    findings: Counts = Field(default_factory=dict, description="Kind of finding on a last answer that did not pass.")
    tokens: int = 0
    label_met: tuple[int, int] | None = Field(
        None, description="label-check: faces whose description led a reader to the human label, and all of them."
    )


class Made(Record):
    """Settings and stages of the run that made a set."""

    engine: str
    fingerprint: str
    settings: dict[str, Any]
    drafts: int = Field(description="Faces that reached the gate.")
    clean: int = Field(description="Of these, faces whose first caption had no finding.")
    checked: Checked = Field(description="Sums over the first captions, before the gate.")
    leaking: int = Field(0, description="Faces with an emotion word in overview or observations, before the gate.")
    teacher: Teacher | None = None
    rejects: dict[str, Counts] = Field(description="Stage: reason: rejects.")
    support: Support | None = None


def made(config: AnnotateConfig, work: Path, out: Path) -> Made:
    """Read the stages of a run that has just been published."""
    rejects: dict[str, Counter[str]] = {}
    for reject in read_rows(out / "rejects.jsonl", Reject):
        rejects.setdefault(reject.stage, Counter())[reject.code] += 1
    sums: Counter[str] = Counter()
    drafts = clean = leaking = 0
    teacher = _TeacherTally() if config.teacher is not None else None
    for path in shard_paths(work / "measured"):
        for row in read_rows(path, Measured):
            drafts += 1
            clean += not row.findings
            if row.checked is not None:
                sums.update(row.checked.model_dump())
                leaking += row.checked.leaks > 0
            if teacher is not None:
                teacher.add(row)
    support = (out / "support.json").read_bytes().strip()
    return Made(
        engine=f"fervlm {__version__}",
        fingerprint=config.fingerprint(),
        settings=config.told(),
        drafts=drafts,
        clean=clean,
        checked=Checked(**sums),
        leaking=leaking,
        teacher=teacher and teacher.result(rejects.get("teacher", Counter())["teacher_failed"]),
        rejects={stage: ordered(codes) for stage, codes in sorted(rejects.items())},
        support=None if support == b"null" else Support.model_validate_json(support),
    )


class _TeacherTally:
    def __init__(self) -> None:
        self._passed: Counter[int] = Counter()
        self._findings: Counter[str] = Counter()
        self._kept = self._tokens = self._met = self._inferred = 0

    def add(self, row: Measured) -> None:
        trace = row.teacher
        if trace is None:
            return
        self._tokens += trace.tokens or 0
        if trace.passed:
            self._passed[trace.attempts] += 1
        else:
            self._kept += 1
            self._findings.update({finding_kind(finding) for finding in trace.findings})
        if trace.inferred_label is not None and row.label is not None:
            self._inferred += 1
            self._met += trace.inferred_label == row.label

    def result(self, dropped: int) -> Teacher:
        return Teacher(
            asked=sum(self._passed.values()) + self._kept + dropped,
            passed_at=ordered(self._passed),
            kept_draft=self._kept,
            dropped=dropped,
            findings=ordered(self._findings),
            tokens=self._tokens,
            label_met=(self._met, self._inferred) if self._inferred else None,
        )


def finding_kind(finding: str) -> str:
    """What a finding is about: a verdict, the format, a changed conclusion, or a failed call."""
    head = finding.partition(":")[0]
    if head in {"contradicted", "unmeasured", "forbidden", "format"}:
        return head
    return "call failed" if head.startswith("the call failed") else "conclusion"
