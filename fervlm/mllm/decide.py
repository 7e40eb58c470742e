"""Three ways to a label, reported apart: at once, after the movements were told, or first and then explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from PIL import Image
from torch import Tensor

from fervlm.mllm.ask import assistant, caption_question, label_question, movements_question, user
from fervlm.mllm.generate import generate
from fervlm.mllm.loaded import Loaded
from fervlm.mllm.manifest import ScoreCalibration
from fervlm.mllm.score import score_answers
from fervlm.mllm.spans import Message

Way = Literal["direct", "reason_first", "label_first"]
_MOVEMENTS = 256
"""Tokens for telling the movements."""
WAYS: tuple[Way, ...] = ("direct", "reason_first", "label_first")


def scores(
    loaded: Loaded, pictures: Sequence[Image.Image], labels: Sequence[str], way: Way, before: str = ""
) -> Tensor:
    """As `scores_of`, of an opened checkpoint."""
    return scores_of(loaded.model, loaded.processor, pictures, labels, way, before)


def scores_of(
    model: Any, processor: Any, pictures: Sequence[Image.Image], labels: Sequence[str], way: Way, before: str = ""
) -> Tensor:
    """float32 [N, K] log-probabilities of every label as an answer.

    Args:
        model: in evaluation.
        processor: of the model.
        pictures: N faces.
        labels: K words, any.
        way: `reason_first` lets the model tell the movements before it is asked; the others ask at once.
        before: text put before the first question, such as measured evidence.
    """
    asked: list[list[Message]]
    if way == "reason_first":
        first = [user(before + movements_question(), pictures=1)]
        told = generate(model, processor, [first] * len(pictures), [[p] for p in pictures], most=_MOVEMENTS)
        asked = [[*first, assistant(text or "-"), user(label_question(labels))] for text in told]
    else:
        asked = [[user(before + label_question(labels), pictures=1)]] * len(pictures)
    return score_answers(model, processor, asked, [[p] for p in pictures], labels)


def caption_turns(labels: Sequence[str], way: Way, label: str, before: str = "") -> list[Message]:
    """The conversation that asks for a caption; with `label_first` the label stands in it already."""
    if way == "label_first":
        first = [user(before + label_question(labels), pictures=1), assistant(label)]
        return [*first, user(caption_question())]
    return [user(before + caption_question(), pictures=1)]


def probabilities(found: Tensor, labels: Sequence[str], calibration: ScoreCalibration | None) -> Tensor:
    """[N, K], rows sum to 1: softmax of the scores, corrected as the manifest says where it does."""
    rule = calibration or ScoreCalibration()
    bias = torch.tensor([rule.bias.get(label, 0.0) for label in labels])
    return ((found.cpu() - bias) / rule.temperature).softmax(-1)
