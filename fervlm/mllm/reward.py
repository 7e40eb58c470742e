"""What a caption is worth, by the verifier: it is the reward, so nothing that reads well but is not true pays."""

from __future__ import annotations

from fervlm.errors import FervlmError
from fervlm.facs.labels import LabelSet
from fervlm.mllm.settings import Rewards
from fervlm.reasoning.answers import parse
from fervlm.reasoning.verify import Judge, verify
from fervlm.records import AURecord

PARTS = tuple(Rewards.model_fields)


def parts_of(text: str, record: AURecord, label: str | None, labels: LabelSet, judge: Judge) -> dict[str, float]:
    """Each part of the reward, 0 to 1.

    `mentions`: F1 of the AUs affirmed against those present, denials counted by the verifier. `grounding`: share of
    claims that the evidence bears out. `no_leak`: no emotion word in overview or observations. `label`: the
    conclusion's label is the annotators' (0.5 where there is none). `form`: the one parser reads it. A text without
    the form earns nothing at all.

    Args:
        text: as the model wrote it.
        record: what was measured.
        label: the annotators'.
        labels: that compete.
        judge: keeps what it read.
    """
    try:
        caption = parse(text)
    except FervlmError:
        return dict.fromkeys(PARTS, 0.0)
    found = verify(caption, record, labels=labels, judge=judge)
    verdicts = [claim.verdict for check in found.sentences for claim in check.claims]
    told = caption.conclusion.label
    return {
        "mentions": found.scores.f1,
        "grounding": sum(v == "supported" for v in verdicts) / len(verdicts) if verdicts else 0.0,
        "no_leak": float(found.scores.leaks == 0),
        "label": 0.5 if label is None else float(told is not None and told.lower() == label.lower()),
        "form": 1.0,
    }


def total(parts: dict[str, float], weights: Rewards) -> float:
    """The weighted mean of the parts, 0 to 1."""
    each: dict[str, float] = weights.model_dump()
    worth: float = sum(each[name] * parts[name] for name in PARTS) / sum(each.values())
    return worth
