"""Ask, parse, verify, send back the findings, at most N times; the outcome is a caption that holds, or none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from fervlm.reasoning.answers import parse, render
from fervlm.reasoning.verify import verify

from data_engine.config import TeacherConfig
from data_engine.draft import finding_sentences
from data_engine.items import Draft, TeacherTrace
from data_engine.teacher import requests
from data_engine.teacher.client import CallFailedError
from data_engine.teacher.journal import Answer, Journal, request_key
from fervlm.errors import FervlmError
from fervlm.facs import canonical_label
from fervlm.facs.labels import LabelSet
from fervlm.reasoning.observe import observe
from fervlm.records import Caption, Provenance


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

    async def teach(self, draft: Draft, picture: bytes | None) -> Outcome:
        """The draft with the teacher's caption in front, or as `on_failure` says where none passed."""
        evidence = observe(draft.joined.evidence)
        messages = requests.first_messages(
            self.config.mode,
            evidence,
            draft.joined.evidence.detector.name,
            render(draft.captions[0]) if draft.captions else "",
            self.labels.labels,
            picture if self.config.mode == "see" else None,
        )
        tokens = 0
        inferred: str | None = None
        findings: tuple[str, ...] = ()
        for attempt in range(1, self.config.tries + 1):
            try:
                answer = await self._ask(messages, draft.joined.n, attempt)
            except CallFailedError as error:
                return self._failed(draft, attempt, (f"the call failed: {error}",), tokens, inferred)
            tokens += answer.tokens or 0
            caption, findings = self._judge(answer.text, draft)
            if caption is None or findings:
                messages = requests.answered(messages, answer.text, requests.repair(findings))
                continue
            if self.config.mode == "label-check" and draft.joined.label is not None:
                try:
                    inferred, paid = await self._infer(caption, draft.joined.n, attempt)
                except CallFailedError as error:
                    return self._failed(draft, attempt, (f"the call failed: {error}",), tokens, inferred)
                tokens += paid
                if canonical_label(inferred) != draft.joined.label and attempt < self.config.tries:
                    reply = requests.feedback(inferred, draft.joined.label)
                    messages = requests.answered(messages, answer.text, reply)
                    continue
            return self._passed(draft, caption, attempt, tokens, inferred)
        return self._failed(draft, self.config.tries, findings, tokens, inferred)

    async def _ask(self, messages: list[dict[str, Any]], n: int, attempt: int) -> Answer:
        request = requests.body(self.config, messages, self.seed + 16 * n + attempt)
        key = request_key(request)
        stored = self.journal.get(key)
        if stored is None:
            self.journal.ask(key)
            answer = await self.teacher.ask(request)
            self.journal.put(key, answer)
            self.on_call(answer, False)
            return answer
        self.on_call(stored, True)
        return stored

    async def _infer(self, caption: Caption, n: int, attempt: int) -> tuple[str, int]:
        """The label that the observations and interpretation alone lead to."""
        description = " ".join(o.text for o in caption.observations) + " " + caption.interpretation
        answer = await self._ask(requests.infer_messages(description, self.labels.labels), n, attempt)
        return answer.text.strip().strip(".").lower()[:60], answer.tokens or 0

    def _judge(self, text: str, draft: Draft) -> tuple[Caption | None, tuple[str, ...]]:
        try:
            caption = parse(text)
        except FervlmError as error:
            return None, (f"format: {error.what}",)
        found = finding_sentences(verify(caption, draft.joined.evidence, labels=self.labels))
        base = draft.captions[0].conclusion.label if draft.captions else None
        if self.config.mode != "label-check" and caption.conclusion.label != base:
            found = (*found, f"the conclusion was {base or 'left open'} and must stay so")
        return caption, found

    def _passed(self, draft: Draft, caption: Caption, attempt: int, tokens: int, inferred: str | None) -> Outcome:
        provenance = Provenance(
            engine=f"teacher {self.config.mode}",
            detector=draft.joined.evidence.detector.name,
            scales=draft.captions[0].provenance.scales if draft.captions and draft.captions[0].provenance else (),
            label_set=self.labels.name,
            prompt_digest=requests.prompt_digest(self.config.mode),
            model=self.config.model,
            seed=self.seed,
        )
        written = caption.model_copy(update={"provenance": provenance})
        trace = self._trace(attempt, True, (), tokens, inferred)
        return Outcome(
            draft.model_copy(update={"captions": (written, *draft.captions), "findings": (), "teacher": trace})
        )

    def _failed(
        self, draft: Draft, attempt: int, findings: tuple[str, ...], tokens: int, inferred: str | None
    ) -> Outcome:
        reason = "; ".join(findings)
        if self.config.on_failure == "drop":
            return Outcome(None, reason)
        return Outcome(
            draft.model_copy(update={"teacher": self._trace(attempt, False, findings, tokens, inferred)}), reason
        )

    def _trace(
        self, attempts: int, passed: bool, findings: tuple[str, ...], tokens: int, inferred: str | None
    ) -> TeacherTrace:
        return TeacherTrace(
            mode=self.config.mode,
            model=self.config.model,
            prompt_digest=requests.prompt_digest(self.config.mode),
            attempts=attempts,
            passed=passed,
            findings=findings,
            tokens=tokens or None,
            inferred_label=inferred,
        )
