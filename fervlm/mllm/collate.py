"""From faces to a batch of tensors: conversations composed, rendered, encoded; labels where the assistant speaks."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fervlm.contrastive.augment import Levels, Strength, augment
from fervlm.mllm.mixture import Turn, compose
from fervlm.mllm.run import IGNORED
from fervlm.mllm.settings import TalkSettings
from fervlm.mllm.spans import Message, adds_special_tokens, answer_mask, rendered
from fervlm.mllm.talks import Talks

_PLAIN = Levels((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


class Collator:
    """Batches of a run.

    Args:
        processor: of the model.
        talks: the faces.
        settings: what is asked.
        total: positions of the whole run, for the curriculum.
        seed: with the position, decides everything that is drawn.
    """

    def __init__(self, processor: Any, talks: Talks, settings: TalkSettings, total: int, seed: int) -> None:
        self.processor, self.talks, self.settings = processor, talks, settings
        self.total, self.seed = total, seed

    def turns(self, position: int, face: int) -> list[Turn]:
        """What is said at a position of the run; equal for equal arguments."""
        draw = random.Random(f"{self.seed}/{position}")
        return compose(self.talks.talks(face), self.settings, position / max(1, self.total), draw)

    def __call__(self, rows: Sequence[tuple[int, int]]) -> dict[str, Tensor]:
        """A batch as the model takes it, with `labels`, and `weights` where answers of labels weigh otherwise."""
        pictures = [self._picture(position, face) for position, face in rows]
        turns = [self._fitting(self.turns(position, face), pictures[k]) for k, (position, face) in enumerate(rows)]
        return encode(self.processor, turns, [[p] for p in pictures], label_weight=self.settings.label_weight)

    def _picture(self, position: int, face: int) -> Image.Image:
        picture = Image.open(io.BytesIO(self.talks.picture(face))).convert("RGB")
        if not self.settings.augment:
            return picture
        return changed(picture, self.settings.augment, self.seed * 1_000_003 + position)

    def _fitting(self, turns: list[Turn], picture: Image.Image) -> list[Turn]:
        """Without the last turns that would not fit."""
        while len(turns) > 1 and self._tokens(turns, picture) > self.settings.length:
            turns = turns[:-1]
        return turns

    def _tokens(self, turns: list[Turn], picture: Image.Image) -> int:
        # Characters bound tokens from above, so most conversations need no counting.
        if sum(len(q) + len(a) + 40 for _, q, a in turns) + 400 <= self.settings.length:
            return 0
        found = encode(self.processor, [turns], [[picture]])
        return int(found["input_ids"].shape[1])


def messages_of(turns: Sequence[Turn]) -> list[Message]:
    """Turns about one picture, which stands before the first question."""
    messages: list[Message] = []
    for place, (_, question, answer) in enumerate(turns):
        asked: list[dict[str, str]] = [{"type": "image"}] if place == 0 else []
        messages.append({"role": "user", "content": [*asked, {"type": "text", "text": question}]})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    return messages


def encode(
    processor: Any,
    turns: Sequence[Sequence[Turn]],
    pictures: Sequence[Sequence[Image.Image]],
    *,
    label_weight: float = 1.0,
) -> dict[str, Tensor]:
    """Conversations with answers as a right-padded batch.

    Returns:
        What the processor gives, and `labels` int64 [B, T]: the token where the assistant speaks, else -100. Where
        `label_weight` is not 1, also `weights` float [B, T].
    """
    made = [rendered(processor, messages_of(one)) for one in turns]
    batch = dict(
        processor(
            text=[one.text for one in made],
            images=[list(shown) for shown in pictures],
            padding=True,
            padding_side="right",
            return_tensors="pt",
            add_special_tokens=adds_special_tokens(processor, made[0].text),
        )
    )
    ids, real = batch["input_ids"], batch["attention_mask"].bool()
    labels = torch.full_like(ids, IGNORED)
    weights = torch.ones(ids.shape) if label_weight != 1.0 else None
    for row, one in enumerate(made):
        count = int(real[row].sum())
        mask = answer_mask(processor, one, ids[row, :count].tolist(), list(pictures[row]))
        spoken = torch.tensor(mask)
        labels[row, :count][spoken] = ids[row, :count][spoken]
        if weights is not None:
            weights[row, :count] = torch.tensor(_weights(mask, turns[row], label_weight))
    batch["labels"] = labels
    if weights is not None:
        batch["weights"] = weights
    return batch


def _weights(mask: list[bool], turns: Sequence[Turn], label_weight: float) -> list[float]:
    """The weight of each token, from the kind of its turn."""
    found, turn, before = [1.0] * len(mask), -1, False
    for place, spoken in enumerate(mask):
        turn += spoken and not before
        before = spoken
        if spoken and turns[turn][0] == "label":
            found[place] = label_weight
    return found


def changed(picture: Image.Image, strength: float, seed: int) -> Image.Image:
    """A face moved, turned, lit and partly covered at random; never mirrored, for texts name sides."""
    pixels = torch.from_numpy(np.asarray(picture, np.uint8).copy()).permute(2, 0, 1)[None]
    side = max(pixels.shape[-2:])
    generator = torch.Generator().manual_seed(seed)
    mirror = torch.zeros(1, dtype=torch.bool)
    found = augment(pixels, side, Strength().times(strength), _PLAIN, generator, mirror)[0]
    return Image.fromarray((found.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy())
