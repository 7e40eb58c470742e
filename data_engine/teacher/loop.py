"""Ask, parse, verify, send back the findings, at most N times; the outcome is a caption that holds, or none."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from data_engine.config import TeacherConfig
from data_engine.draft import checked, finding_sentences
from data_engine.items import Checked, Draft, TeacherTrace
from data_engine.teacher import requests
from data_engine.teacher.client import CallFailedError
from data_engine.teacher.desk import Desk
from data_engine.teacher.journal import Answer, Journal, request_key
from fervlm.errors import FervlmError
from fervlm.facs import canonical_label
from fervlm.facs.labels import LabelSet
from fervlm.reasoning.answers import parse, render
from fervlm.reasoning.observe import observe
from fervlm.reasoning.verify import Judge, verify
from fervlm.reasoning.wording.regions import REGION_UNITS
from fervlm.records import Alternative, Caption, Conclusion, Provenance

OPEN = "open"
"""What a reader answers where no label fits."""
LEFT_OPEN = "the movements leave it open"
"""Why there is no label, where a teacher gives none and no reason."""
_KEY_STEP = 16
"""More than the most attempts a face can take: every request of a run has a seed of its own."""


class Teacher(Protocol):
    """Whatever completes a chat: a server, or a batch engine in this process."""

    def ask(self, request: dict[str, Any]) -> Awaitable[Answer]:
        """The completion of a chat-completions body."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one draft."""

    draft: Draft | None
    """None: the draft is to be dropped."""
    reason: str | None = None
    """Why the teacher's text was not taken, if it was not."""


class _Held(NamedTuple):
    """An answer that is borne out."""

    caption: Caption
    checked: Checked | None


@dataclass(slots=True)
class _Course:
    """How the conversation about one face went so far."""

    attempt: int = 0
    tokens: int = 0
    findings: tuple[str, ...] = ()
    inferred: str | None = None
    held: _Held | None = None


@dataclass(slots=True)
class TeacherLoop:
    """One teacher, its journal, and the rules of a run."""

    config: TeacherConfig
    teacher: Teacher
    journal: Journal
    labels: LabelSet
    seed: int
    on_call: Callable[[Answer, bool], None]
    """Called with every answer used and whether it came from the journal."""
    judge: Judge
    slots: asyncio.Semaphore
    """As many as calls may be out at once."""
    desk: Desk = field(default_factory=Desk)
    """Where this stage does what is not waiting."""

    async def teach(self, draft: Draft, picture: bytes | None) -> Outcome:
        """The draft with the teacher's caption in front, or as `on_failure` says where none passed.

        Args:
            draft: a face with its captions.
            picture: an encoded picture for the mode `see`.
        """
        async with self.desk:
            messages = requests.first_messages(
                self.config.mode,
                observe(draft.joined.evidence),
                draft.joined.evidence.detector.name,
                render(draft.captions[0], details=False) if draft.captions else "",
                self.labels.labels,
                picture,
            )
        course = _Course()
        try:
            await self._converse(draft, messages, course)
        except CallFailedError as error:
            course.findings = (f"the call failed: {error}",)
        return self._outcome(draft, course)

    async def _converse(self, draft: Draft, messages: list[requests.Message], course: _Course) -> None:
        """Until an answer is borne out (and, in `label-check`, leads a reader to the human label) or tries are over."""
        for attempt in range(1, self.config.tries + 1):
            course.attempt = attempt
            answer = await self._ask(messages, draft.joined.n, attempt, course)
            async with self.desk:
                held, course.findings = self._judged(answer.text, draft)
            if held is None:
                messages = requests.answered(messages, answer.text, requests.repair(course.findings))
                continue
            course.held = held
            label = draft.joined.label
            if self.config.mode != "label-check" or label is None:
                return
            course.inferred = await self._infer(held.caption, draft.joined.n, attempt, course)
            if course.inferred == label:
                return
            messages = requests.answered(messages, answer.text, requests.feedback(course.inferred, label))

    async def _ask(self, messages: list[requests.Message], n: int, attempt: int, course: _Course) -> Answer:
        request = requests.body(self.config, messages, self.seed + _KEY_STEP * n + attempt)
        key = request_key(request)
        stored = self.journal.get(key)
        answer = stored
        if answer is None:
            async with self.slots:  # noted as asked only when it really goes out
                self.journal.ask(key)
                answer = await self.teacher.ask(request)
            self.journal.put(key, answer)
        self.on_call(answer, stored is not None)
        course.tokens += answer.tokens or 0
        return answer

    async def _infer(self, caption: Caption, n: int, attempt: int, course: _Course) -> str:
        """The label that the observations and interpretation alone lead a reader to."""
        description = " ".join(o.text for o in caption.observations) + " " + caption.interpretation
        answer = await self._ask(requests.infer_messages(description, self.labels.labels), n, attempt, course)
        return read_label(answer.text, self.labels)

    def _judged(self, text: str, draft: Draft) -> tuple[_Held | None, tuple[str, ...]]:
        try:
            caption = parse(_spoken(text))
        except FervlmError as error:
            return None, (f"format: {error.what}",)
        base = draft.captions[0].conclusion if draft.captions else None
        if self.config.mode == "label-check":
            caption, found = self._concluded(caption, base)
        else:
            caption, found = _kept_conclusion(caption, base)
        verification = verify(caption, draft.joined.evidence, labels=self.labels, judge=self.judge)
        found += (*_misplaced(caption), *finding_sentences(verification))
        return (None, found) if found else (_Held(caption, checked(verification)), ())

    def _concluded(self, caption: Caption, base: Conclusion | None) -> tuple[Caption, tuple[str, ...]]:
        """A conclusion of the teacher's own: a label of the set, or none with a reason."""
        own = caption.conclusion
        known = base.alternatives if base is not None else ()
        if own.label is None:
            rest = own.model_copy(update={"abstain": own.abstain or LEFT_OPEN, "alternatives": known})
            return caption.model_copy(update={"conclusion": rest}), ()
        label = next((label for label in self.labels.labels if label.lower() == own.label.lower()), None)
        if label is None:
            return caption, (f"the label '{own.label}' is not one of: {', '.join(self.labels.labels)}",)
        first = [row for row in known if row.label == label] or [Alternative(label=label)]
        rows = (*first[:1], *(row for row in known if row.label != label))
        conclusion = own.model_copy(update={"label": label, "abstain": None, "alternatives": rows})
        return caption.model_copy(update={"conclusion": conclusion}), ()

    def untaught(self, draft: Draft, why: str) -> Outcome:
        """The outcome for a face that the teacher cannot be asked about."""
        return self._outcome(draft, _Course(findings=(why,)))

    def _outcome(self, draft: Draft, course: _Course) -> Outcome:
        held = course.held
        trace = TeacherTrace(
            mode=self.config.mode,
            model=self.config.told_model(),
            prompt_digest=requests.prompt_digest(self.config.mode),
            attempts=course.attempt,
            passed=held is not None,
            findings=course.findings if held is None else (),
            tokens=course.tokens or None,
            inferred_label=course.inferred,
        )
        if held is not None:
            written = held.caption.model_copy(update={"provenance": self._provenance(draft)})
            # A draft that was not borne out itself is no second choice.
            rest = () if draft.findings else draft.captions
            changes = {"captions": (written, *rest), "findings": (), "checked": held.checked, "teacher": trace}
            return Outcome(draft.model_copy(update=changes))
        reason = "; ".join(course.findings)
        if self.config.on_failure == "drop":
            return Outcome(None, reason)
        return Outcome(draft.model_copy(update={"teacher": trace}), reason)

    def _provenance(self, draft: Draft) -> Provenance:
        told = draft.captions[0].provenance if draft.captions else None
        return Provenance(
            engine=f"teacher {self.config.mode}",
            detector=draft.joined.evidence.detector.name,
            scales=told.scales if told else (),
            label_set=self.labels.name,
            prompt_digest=requests.prompt_digest(self.config.mode),
            model=self.config.told_model(),
            seed=self.seed,
        )


def _kept_conclusion(caption: Caption, base: Conclusion | None) -> tuple[Caption, tuple[str, ...]]:
    """The draft's label, confidence and candidates, which a rewriting teacher may not change; or what it changed."""
    own = caption.conclusion
    if base is None:
        return caption, ()
    found = []
    if (own.label or "").lower() != (base.label or "").lower():
        found.append(f"the label was {base.label or f'none ({base.abstain})'} and must stay so")
    if own.confidence != base.confidence:
        found.append(f"the confidence was {base.confidence} and must stay so")
    kept = base.model_copy(update={"text": own.text})
    return caption.model_copy(update={"conclusion": kept}), tuple(found)


def _misplaced(caption: Caption) -> Iterator[str]:
    """Observations under a region that does not exist, or that none of their units belongs to."""
    for seen in caption.observations:
        units = REGION_UNITS.get(seen.region)
        if units is None and seen.region != "quality":
            yield f"there is no region '{seen.region}'; write one of: {', '.join(REGION_UNITS)}, quality"
        elif units is not None and seen.units and not any(unit.au in units for unit in seen.units):
            yield f"'{seen.text}' is not about the region {seen.region}"


def _spoken(text: str) -> str:
    """The answer without what a reasoning model thought before it."""
    return text.rpartition("</think>")[2].strip()


def read_label(text: str, labels: LabelSet) -> str:
    """The one label that an answer names, as the set writes it; `open` where it names none or several."""
    answer = _spoken(text).lower()
    named = [label for label in labels.labels if re.search(rf"(?<!\w){re.escape(label.lower())}(?!\w)", answer)]
    # "happy surprise" names itself, not also "surprise".
    whole = [label for label in named if not any(label != other and label.lower() in other.lower() for other in named)]
    if not whole:
        known = canonical_label(answer.strip(" .!\"'"))
        whole = [label for label, canonical in labels.canonical.items() if known is not None and canonical == known]
    return whole[0] if len(whole) == 1 else OPEN
