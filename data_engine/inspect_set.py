"""A finished set read again from its files alone: is it what its card says, and does every text hold?"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pydantic import Field, ValidationError

from data_engine.finished import batches, parts, stored
from data_engine.numbers import Counts, Numbers, count, ordered
from fervlm.errors import FervlmError
from fervlm.facs import label_set
from fervlm.facs.labels import LabelSet
from fervlm.reasoning.answers import parse
from fervlm.reasoning.observe import observe
from fervlm.reasoning.verify import Judge, verify
from fervlm.records import Record, Sample

_SHOWN = 20


class Fault(Record):
    """One thing that is not as it should be."""

    id: str
    what: str


class SetReport(Record):
    """A set's own numbers, and what a second look found. Counts are samples unless said otherwise."""

    numbers: Numbers
    card_agrees: bool | None = Field(description="The card's numbers are those of the tables; null: no card.")
    checked: int = 0
    sound: int = Field(0, description="Blind captions in which every claim is borne out.")
    sentences: int = 0
    verdicts: Counts = Field(default_factory=dict, description="Claims by verdict.")
    leaks: int = Field(0, description="Emotion words in overviews and observations.")
    read_back: int = Field(0, description="`blind` texts that parse into the caption they were made from.")
    anchored: int = 0
    anchored_faithful: int = Field(
        0, description="Anchored captions whose observations and interpretation are unchanged."
    )
    negatives: int = Field(0, description="Hard negatives that are about movements.")
    negatives_false: int = Field(0, description="Of these, negatives that the evidence contradicts.")
    pictures_missing: int = Field(0, description="Pictures by path that are not there.")
    subjects_shared: int = Field(0, description="Persons in more than one split.")
    faults: tuple[Fault, ...] = Field((), description=f"The first {_SHOWN}.")

    @property
    def ok(self) -> bool:
        """Nothing is wrong with the set itself; a missing picture is a fault of where it lies."""
        return (
            self.card_agrees is not False
            and self.sound == self.checked == self.read_back
            and self.anchored == self.anchored_faithful
            and self.negatives == self.negatives_false
            and not self.subjects_shared
        )


def inspect_set(folder: Path, *, limit: int | None = None) -> SetReport:
    """Read a finished set again; `limit` bounds how many captions are verified, the counts are of all."""
    numbers = count(folder)
    card = stored(folder, "numbers.json")
    look = _Look(_labels(folder), limit)
    for part in parts(folder, "data"):
        for batch in batches(part, ["sample", "blind", "image"]):
            for text, blind, image in zip(*(batch.column(k).to_pylist() for k in range(3)), strict=True):
                look.sample(_sample(text, part.path), blind)
                look.picture(image)
    return look.report(numbers, None if card is None else _agrees(card, numbers))


def _agrees(card: object, numbers: Numbers) -> bool:
    try:
        return Numbers.model_validate(card) == numbers
    except ValidationError:
        return False


def _sample(text: str, path: Path) -> Sample:
    try:
        return Sample.model_validate_json(text)
    except (ValidationError, TypeError) as error:
        raise FervlmError("a row holds no sample", file=path) from error


def _labels(folder: Path) -> LabelSet | None:
    """The label set of the run, where the card tells it."""
    from fervlm.facs import label_set_from_words  # noqa: PLC0415

    made = stored(folder, "made.json")
    if made is None:
        return None
    words = made["settings"].get("custom_labels")
    return label_set_from_words(tuple(words)) if words else label_set(made["settings"]["label_set"])


class _Look:
    def __init__(self, labels: LabelSet | None, limit: int | None) -> None:
        self._labels = labels
        self._limit = limit
        self._judge = Judge(cache_size=16384)
        self._n: Counter[str] = Counter()
        self._verdicts: Counter[str] = Counter()
        self._faults: list[Fault] = []

    def sample(self, sample: Sample, blind: str) -> None:
        if self._limit is not None and self._n["checked"] >= self._limit:
            return
        self._n["checked"] += 1
        evidence = observe(sample.evidence)
        found = verify(sample.caption, evidence, labels=self._labels, judge=self._judge)
        self._n["sound"] += found.ok
        self._n["sentences"] += len(found.sentences)
        self._n["leaks"] += found.scores.leaks
        self._verdicts.update(claim.verdict for check in found.sentences for claim in check.claims)
        for check in found.sentences:
            for claim in check.claims:
                if claim.verdict != "supported":
                    self._fault(sample, f"{claim.verdict}: {claim.text} ({claim.reason})")
        self._texts(sample, blind)
        for negative in sample.contrastive.negatives:
            if negative.edit != "class_negated":
                self._n["negatives"] += 1
                judged = verify(negative.text, evidence, judge=self._judge)
                false = judged.scores.contradicted > 0
                self._n["negatives_false"] += false
                if not false:
                    self._fault(sample, f"a hard negative is not false: {negative.text}")

    def _texts(self, sample: Sample, blind: str) -> None:
        caption = sample.caption.model_copy(update={"provenance": None})
        try:
            same = parse(blind) == caption
        except FervlmError as error:
            same = False
            self._fault(sample, f"the blind text cannot be read: {error.what}")
        else:
            if not same:
                self._fault(sample, "the blind text is not its caption")
        self._n["read_back"] += same
        if sample.anchored is not None:
            faithful = (
                sample.anchored.observations == sample.caption.observations
                and sample.anchored.interpretation == sample.caption.interpretation
            )
            self._n["anchored"] += 1
            self._n["anchored_faithful"] += faithful
            if not faithful:
                self._fault(sample, "the anchored caption changed an observation or the interpretation")

    def picture(self, image: dict[str, object] | None) -> None:
        if image is not None and image["bytes"] is None and not Path(str(image["path"])).exists():
            self._n["pictures_missing"] += 1

    def _fault(self, sample: Sample, what: str) -> None:
        if len(self._faults) < _SHOWN:
            self._faults.append(Fault(id=sample.id, what=what))

    def report(self, numbers: Numbers, card_agrees: bool | None) -> SetReport:
        counted = (
            *("checked", "sound", "sentences", "leaks", "read_back", "anchored", "anchored_faithful"),
            *("negatives", "negatives_false", "pictures_missing"),
        )
        return SetReport(
            numbers=numbers,
            card_agrees=card_agrees,
            verdicts=ordered(self._verdicts),
            subjects_shared=numbers.subjects_shared,
            faults=tuple(self._faults),
            **{key: self._n[key] for key in counted},
        )
