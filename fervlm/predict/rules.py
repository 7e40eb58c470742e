"""The backend without a model: published FACS prototypes, words from the evidence, every sentence checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice

from fervlm.facs.labels import LabelSet, label_set
from fervlm.reasoning.affect import pain_score
from fervlm.reasoning.conclude import conclude
from fervlm.reasoning.findings import Decision, Interpretation
from fervlm.reasoning.interpret import interpret, interpretation_key
from fervlm.reasoning.observe import Evidence, observe
from fervlm.reasoning.verify import Judge, verify
from fervlm.reasoning.wording.observing import Kept
from fervlm.reasoning.write import ENGINE, scales_of, write
from fervlm.records import AURecord, Caption, Prediction, Verification, Versions, assemble

BACKEND = "rules"
TOGETHER = 16
"""Records that go through the stages together: a stage's code and tables then stay in the processor's caches, which
takes a quarter less time than one record after the other; more of them gain nothing."""


_VERIFICATION, _PREDICTION = frozenset(Verification.model_fields), frozenset(Prediction.model_fields)
_BLANK = {name: field.default for name, field in Prediction.model_fields.items()}


class _Told:
    """All of a prediction that equal evidence shares."""

    __slots__ = ("caption", "decision", "unread", "verification")

    def __init__(self, caption: Caption, decision: Decision, unread: tuple[Evidence, Interpretation] | None) -> None:
        self.caption, self.decision = caption, decision
        self.unread = unread
        """What the caption is still to be checked against; None once it was, or where nothing is checked."""
        self.verification: Verification | None = None
        """`against` is still to be filled in."""


class Explainer:
    """Explains records of a stream; equal evidence is explained and checked once, as far as the cache reaches.

    Args:
        labels: a label set or the name of one.
        seed: picks among wordings.
        observe_only: movements only, no label.
        cache_size: how many faces and how many judged sentences are kept (beside a bounded number of written ones); 0
            keeps nothing.
        judge: a judge to share with others; its own, of `cache_size`, otherwise.
        check: whether captions are verified.
        named: what the evidence of a record is called, in words; `evidence_name` by default.

    Raises:
        FervlmError: there is no such label set.
    """

    def __init__(
        self,
        labels: LabelSet | str = "basic8",
        seed: int = 0,
        observe_only: bool = False,
        cache_size: int = 0,
        *,
        judge: Judge | None = None,
        check: bool = True,
        named: Callable[[AURecord], str] | None = None,
    ) -> None:
        self._named = named or evidence_name
        self.labels = label_set(labels) if isinstance(labels, str) else labels
        self.seed = seed
        self.observe_only = observe_only
        self.cache_size = cache_size
        self.check = check
        self._judge = Judge(cache_size) if judge is None else judge
        self._kept: dict[tuple[object, ...], _Told] = {}
        self._sentences: Kept | None = {} if cache_size > 0 else None

    def explain(self, record: AURecord) -> Prediction:
        """The prediction for one record. Where no face was found its caption is None; a lost one gets a short text."""
        return self._together((record,))[0]

    def explain_all(self, records: Iterable[AURecord]) -> Iterator[Prediction]:
        """The prediction for each record of a stream, in its order.

        The first comes as soon as its record was read; later up to `TOGETHER` records are read ahead. Where reading
        fails, what was read before is explained first.
        """
        source = iter(records)
        failed: Exception | None = None
        size = 1
        while failed is None:
            batch: list[AURecord] = []
            try:
                batch.extend(islice(source, size))
            except Exception as error:  # raised below, when its turn comes
                failed = error
            if not batch:
                break
            yield from self._together(batch)
            size = min(2 * size, TOGETHER)
        if failed is not None:
            raise failed

    def _together(self, records: Sequence[AURecord]) -> list[Prediction]:
        """Some records stage by stage: every text is written, then every text is checked."""
        told = [None if record.quality.tracking == "no_face" else self._told(record) for record in records]
        for one in told:
            if one is not None and one.unread is not None:
                evidence, interpretation = one.unread
                one.verification = verify(
                    one.caption, evidence, labels=self.labels, judge=self._judge, interpretation=interpretation
                )
                one.unread = None
        return [
            _prediction(record, one, self._named, observe_only=self.observe_only)
            for record, one in zip(records, told, strict=True)
        ]

    def _told(self, record: AURecord) -> _Told:
        evidence = observe(record)
        if self.cache_size <= 0:
            return self._tell(record, evidence)
        key = (interpretation_key(evidence, self.labels, record), record.detector, scales_of(record))
        kept = self._kept.pop(key, None)
        if kept is None:
            kept = self._tell(record, evidence)
            if len(self._kept) >= self.cache_size:
                del self._kept[next(iter(self._kept))]
        self._kept[key] = kept
        return kept

    def _tell(self, record: AURecord, evidence: Evidence) -> _Told:
        interpretation = interpret(evidence, self.labels, record)
        decision = conclude(evidence, interpretation, self.labels)
        caption = write(
            record,
            evidence,
            interpretation,
            decision,
            labels=self.labels,
            seed=self.seed,
            observe_only=self.observe_only,
            kept=self._sentences,
        )
        return _Told(caption, decision, (evidence, interpretation) if self.check else None)


def explain(
    record: AURecord,
    *,
    labels: LabelSet | str = "basic8",
    seed: int = 0,
    observe_only: bool = False,
    judge: Judge | None = None,
    check: bool = True,
) -> Prediction:
    """One record explained from its own evidence.

    Args:
        record: what a detector measured on one face.
        labels: a label set or the name of one.
        seed: picks among wordings; equal evidence and seed give equal words.
        observe_only: movements only; no label and no emotion word.
        judge: keeps judged sentences between calls.
        check: whether the caption is verified against the record.

    Raises:
        FervlmError: there is no such label set.
    """
    return Explainer(labels, seed, observe_only, judge=judge, check=check).explain(record)


def evidence_name(record: AURecord) -> str:
    """What a caption of this record was checked against, in words: tool, file and row."""
    from fervlm.readers import FORMATS  # noqa: PLC0415 - a tenth of a second that pictures do without

    known = FORMATS.get(record.detector.name)
    tool = known.tool if known is not None else record.detector.name
    row = f" row {record.source.row}" if record.source.row is not None else ""
    return f"{tool} action units in {record.source.file}{row}"


def _prediction(
    record: AURecord, told: _Told | None, named: Callable[[AURecord], str], *, observe_only: bool
) -> Prediction:
    decision = told.decision if told is not None and not observe_only else None
    pain = pain_score(record) if decision is not None else None
    return assemble(
        Prediction,
        _PREDICTION,
        {
            **_BLANK,  # all fields, in their order
            "id": record.id,
            "source": record.source,
            "face_id": record.face_id,
            "frame": record.frame,
            "box": record.box,
            "label": decision.label if decision is not None else None,
            "valence": decision.valence if decision is not None else None,
            "arousal": decision.arousal if decision is not None else None,
            "affect_source": decision.affect_source if decision is not None else None,
            "pain": pain.score if pain is not None else None,
            "pain_ceiling": pain.ceiling if pain is not None else None,
            "caption": told.caption if told is not None else None,
            "evidence": record,
            "verification": _against(told.verification, named(record)) if told is not None else None,
            "backend": BACKEND,
            "versions": _versions(record.detector.version),
        },
    )


def _against(verification: Verification | None, against: str) -> Verification | None:
    if verification is None:
        return None
    return assemble(Verification, _VERIFICATION, {**verification.__dict__, "against": against})


@lru_cache(maxsize=256)
def _versions(detector: str | None) -> Versions:
    return Versions(engine=ENGINE, detector=detector)
