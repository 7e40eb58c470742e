"""From sources to predictions: one job per file or picture, bad ones noted, the rest goes on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fervlm.cli.sources import Found, evidence_files, join
from fervlm.errors import FervlmError

if TYPE_CHECKING:
    from fervlm.facs import LabelSet
    from fervlm.predict.rules import Explainer
    from fervlm.records import AURecord, Prediction

Per = Literal["frame", "event", "clip"]
CACHED_SENTENCES = 65_536
"""Judged sentences kept: a bound on memory (a few dozen MB), far above what one recording needs."""

PEEKED = 32
"""Records looked at to tell a recording from stills; more than the faces of most frames."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user chose, beyond the sources."""

    labels: LabelSet
    per: Per | None = None
    observe_only: bool = False
    seed: int = 0
    input_format: str | None = None
    read_options: dict[str, object] = field(default_factory=dict)
    neutral: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One source with its predictions still to be made."""

    name: str
    """The evidence file, or the picture."""
    predictions: Iterator[Prediction]
    picture: Path | None = None


class Run:
    """One `fervlm explain`: hands out jobs, remembers what went wrong."""

    def __init__(self, found: Found, settings: Settings, evidence: str | None = None) -> None:
        """Args: `found` the sources; `evidence` the `--au` file or folder that goes with pictures."""
        self.found, self.settings, self.evidence = found, settings, evidence
        self.bad: list[FervlmError] = list(found.unreadable)
        self.made = 0
        self._explainer: Explainer | None = None

    def jobs(self) -> Iterator[Job]:
        """Every source in order. A job's predictions must be used up before the next job is asked for."""
        if self.evidence is not None:
            yield from self._picture_jobs(self.evidence)
            return
        for name in self.found.evidence:
            yield Job(name, self._guarded(self._read(name), name))

    def _read(self, name: str) -> Iterator[AURecord]:
        from fervlm.readers import read

        records = read(name, self.settings.input_format, **self.settings.read_options)
        return records if self.settings.limit is None else islice(records, self.settings.limit)

    def _picture_jobs(self, evidence: str) -> Iterator[Job]:
        records = chain.from_iterable(self._read(name) for name in evidence_files(evidence))
        for picture, found in join(self.found.pictures, records, evidence):
            if found:
                yield Job(str(picture), self._guarded(iter(found), str(picture), still=True), picture)
            else:
                self._note(FervlmError(f"nothing in {evidence} was measured on this picture", file=picture))

    def _guarded(self, records: Iterator[AURecord], name: str, *, still: bool = False) -> Iterator[Prediction]:
        try:
            for prediction in self._explain(records, still):
                self.made += 1
                yield prediction
        except FervlmError as error:
            if error.file is None:
                error.file = name
            self._note(error)

    def _note(self, error: FervlmError) -> None:
        if not self.found.many:
            raise error
        self.bad.append(error)

    def _explain(self, records: Iterator[AURecord], still: bool) -> Iterator[Prediction]:
        first = list(islice(records, PEEKED))
        per = self.settings.per or ("frame" if still or not is_recording(first) else "clip")
        stream = chain(first, records)
        if per == "frame" and self.settings.neutral is None:
            return map(self._engine().explain, stream)
        return self._clips(stream, per)

    def _engine(self) -> Explainer:
        from fervlm.predict.rules import Explainer

        if self._explainer is None:
            chosen = self.settings
            self._explainer = Explainer(chosen.labels, chosen.seed, chosen.observe_only, CACHED_SENTENCES)
        return self._explainer

    def _clips(self, records: Iterable[AURecord], per: Per) -> Iterator[Prediction]:
        from fervlm.predict.clips import explain_clip

        chosen = self.settings
        return explain_clip(
            records,
            per=per,
            neutral=chosen.neutral,
            labels=chosen.labels,
            seed=chosen.seed,
            observe_only=chosen.observe_only,
        )


def is_recording(first: list[AURecord]) -> bool:
    """Whether the first records look like frames of one video: not of several pictures, and not all of one moment."""
    if len({record.picture for record in first}) > 1:
        return False
    moments = {(record.frame, record.time_s) for record in first} - {(None, None)}
    return len(moments) > 1

