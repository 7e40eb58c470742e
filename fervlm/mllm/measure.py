"""Looks at a model in training: labels by scoring every one, what it answers, how many captions can be parsed."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from zlib import crc32

from PIL import Image

from fervlm.errors import FervlmError
from fervlm.metrics import uar, war
from fervlm.metrics.collapse import histogram, majority_alarm
from fervlm.mllm.ask import caption_question, label_question, user
from fervlm.mllm.generate import generate
from fervlm.mllm.named import named_labels
from fervlm.mllm.score import score_answers
from fervlm.mllm.talks import Talks
from fervlm.reasoning.answers import parse

Say = Callable[[str], None]
BATCH = 16


def measure(
    model: Any,
    processor: Any,
    talks: Talks,
    *,
    labels: str,
    faces: int,
    captions: int,
    say: Say,
) -> dict[str, float]:
    """Numbers of one measurement; an answer that swallows the rest is told as an alarm.

    Args:
        model: its mode is put back afterwards.
        processor: of the model.
        talks: faces that are not trained on.
        labels: name of a label set.
        faces: how many labelled faces are scored, spread over the set by a hash of their names.
        captions: how many of these are also captioned.

    Returns:
        `WAR`, `UAR`, `majority` (share of the most frequent answer), and `parsed` where captions were written.
    """
    names = named_labels(labels).labels
    chosen = spread(talks, faces, names)
    was = model.training
    model.eval()
    try:
        told = [names[int(k)] for k in _scored(model, processor, talks, chosen, names)]
        written = _captions(model, processor, talks, chosen[:captions])
    finally:
        model.train(was)
    truth = [str(talks.labels[face]) for face in chosen]
    alarm = majority_alarm(truth, told)
    seen = histogram(truth, told).answered
    say("answers: " + ", ".join(f"{name} {count}" for name, count in seen.items()))
    if alarm is not None:
        say(f"alarm: {alarm}")
    found = {"WAR": war(truth, told), "UAR": uar(truth, told), "majority": max(seen.values()) / len(told)}
    if written:
        found["parsed"] = sum(map(parsed, written)) / len(written)
    return found


def spread(talks: Talks, count: int, names: Sequence[str]) -> list[int]:
    """Faces labelled with one of the names, at most `count`, in an order that the file's does not touch.

    Raises:
        FervlmError: there is none.
    """
    known = [face for face in range(len(talks)) if talks.labels[face] in names]
    if not known:
        raise FervlmError("no validation face has a label of the label set, so nothing can be measured")
    return sorted(known, key=lambda face: crc32(talks.ids[face].encode()))[:count]


def parsed(text: str) -> bool:
    """Whether the one parser reads it as it stands."""
    try:
        parse(text)
    except FervlmError:
        return False
    return True


def picture_of(talks: Talks, face: int) -> Image.Image:
    """A face as RGB."""
    return Image.open(io.BytesIO(talks.picture(face))).convert("RGB")


def _scored(
    model: Any,
    processor: Any,
    talks: Talks,
    chosen: Sequence[int],
    names: Sequence[str],
) -> Iterator[Any]:
    question = [user(label_question(names), pictures=1)]
    for part in _parts(chosen):
        pictures = [[picture_of(talks, face)] for face in part]
        yield from score_answers(model, processor, [question] * len(part), pictures, names).argmax(1).tolist()


def _captions(model: Any, processor: Any, talks: Talks, chosen: Sequence[int]) -> list[str]:
    question = [user(caption_question(), pictures=1)]
    found: list[str] = []
    for part in _parts(chosen):
        pictures = [[picture_of(talks, face)] for face in part]
        found += generate(model, processor, [question] * len(part), pictures)
    return found


def _parts(chosen: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(chosen), BATCH):
        yield chosen[start : start + BATCH]
