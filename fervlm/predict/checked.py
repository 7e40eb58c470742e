"""A model's captions read and checked; one that fails is asked for once more, and what still fails says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from fervlm.errors import FervlmError
from fervlm.facs.labels import LabelSet
from fervlm.mllm.ask import assistant, repair_question, user
from fervlm.mllm.form import Form
from fervlm.mllm.generate import generate
from fervlm.mllm.loaded import Loaded
from fervlm.mllm.spans import Message
from fervlm.reasoning.answers import parse
from fervlm.reasoning.verify import verify
from fervlm.records import AURecord, Caption, Verification

_FINDINGS = 6
"""Told in a repair turn."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one caption.

    Attributes:
        text: the model's words.
        caption: as parsed; None where they have not the form.
        verification: against the evidence; not ok where the form is wrong.
        findings: what was wrong, a clause each; empty where nothing is.
        repaired: whether the model was asked a second time.
    """

    text: str
    caption: Caption | None
    verification: Verification
    findings: tuple[str, ...]
    repaired: bool = False


def checked_answers(
    loaded: Loaded,
    turns: Sequence[Sequence[Message]],
    crops: Sequence[Image.Image],
    records: Sequence[AURecord],
    named: Sequence[str],
    labels: LabelSet,
    form: Form | None = None,
) -> list[Answer]:
    """One checked caption for each face.

    Args:
        loaded: the model.
        turns: N conversations that ask for a caption.
        crops: N faces.
        records: the evidence of each.
        named: what that evidence is, in words.
        labels: that compete in the check.
        form: that answers are held to while they are written.
    """
    shown = [[crop] for crop in crops]
    texts = generate(loaded.model, loaded.processor, turns, shown, form=form)
    answers = [judged(t, r, n, labels) for t, r, n in zip(texts, records, named, strict=True)]
    bad = [k for k, answer in enumerate(answers) if not answer.verification.ok]
    if not bad:
        return answers
    again = [
        [*turns[k], assistant(answers[k].text or "-"), user(repair_question("; ".join(answers[k].findings)))]
        for k in bad
    ]
    try:
        second = generate(loaded.model, loaded.processor, again, [shown[k] for k in bad], form=form)
    except FervlmError:  # no room for a second attempt in the model's context
        return answers
    for k, text in zip(bad, second, strict=True):
        answers[k] = _better(answers[k], judged(text, records[k], named[k], labels))
    return answers


def judged(text: str, record: AURecord, named: str, labels: LabelSet) -> Answer:
    """A caption's text parsed and held against the evidence."""
    try:
        caption = parse(text)
    except FervlmError as error:
        found = verify(text, record, labels=labels, against=named)
        scores = found.scores.model_copy(update={"format_ok": False})
        wrong = found.model_copy(update={"scores": scores, "ok": False})
        return Answer(text, None, wrong, (f"form: {error.what}",))
    found = verify(caption, record, labels=labels, against=named)
    return Answer(text, caption, found, tuple(findings(found))[:_FINDINGS])


def findings(verification: Verification) -> list[str]:
    """What does not hold, a clause each."""
    return [
        f'"{claim.text}" is {claim.verdict}' + (f" ({claim.reason})" if claim.reason else "")
        for check in verification.sentences
        for claim in check.claims
        if claim.verdict != "supported"
    ]


def _better(first: Answer, second: Answer) -> Answer:
    """The second attempt, unless it is worse than the first."""
    if second.verification.ok or _faults(second) < _faults(first):
        return Answer(second.text, second.caption, second.verification, second.findings, repaired=True)
    return Answer(first.text, first.caption, first.verification, first.findings, repaired=True)


def _faults(answer: Answer) -> tuple[bool, int]:
    scores = answer.verification.scores
    return answer.caption is None, scores.contradicted + scores.unmeasured + scores.forbidden
