"""The losses of one step, by name: classes by their prompts, AU presence, and later the captions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from tokenizers import Tokenizer
from torch import Tensor

from fervlm.contrastive.class_prompts import PROMPT_SETS, templates, words_of
from fervlm.contrastive.measure import tokens_of
from fervlm.contrastive.model import GlobalLocal, PictureFeatures
from fervlm.facs.labels import BASIC8


@dataclass(frozen=True, slots=True)
class Batch:
    """B prepared faces; after a mixup, targets are mixed too.

    Attributes:
        x: [B, 3, S, S].
        labels: [B, 8] target distribution over `BASIC8`, rows of zeros where there is no label.
        weights: [B] of the label loss.
        units: [B, A] target in [0, 1].
        measured: [B, A] weight of each unit's loss.
    """

    x: Tensor
    labels: Tensor
    weights: Tensor
    units: Tensor
    measured: Tensor


def mixed(batch: Batch, share: float, order: Tensor) -> Batch:
    """Mixup (Zhang et al. 2018): each face with `share` of itself and the rest of the face at `order`."""
    return Batch(
        x=share * batch.x + (1 - share) * batch.x[order],
        labels=share * batch.labels + (1 - share) * batch.labels[order],
        weights=share * batch.weights + (1 - share) * batch.weights[order],
        units=share * batch.units + (1 - share) * batch.units[order],
        measured=batch.measured * batch.measured[order],
    )


def label_loss(
    model: GlobalLocal, out: PictureFeatures, batch: Batch, tokenizer: Tokenizer, generator: torch.Generator
) -> Tensor:
    """Cross-entropy of pictures against one drawn prompt of every class (its own name or a variant)."""
    lines = [line for name in PROMPT_SETS for line in templates(name)]
    texts = []
    for label in BASIC8:
        words = words_of(label)
        word = words[int(torch.randint(len(words), (1,), generator=generator))]
        line = lines[int(torch.randint(len(lines), (1,), generator=generator))]
        texts.append(line.replace("$label", word))
    classes = model.texts(tokens_of(tokenizer, texts))
    scale = model.clip.logit_scale.exp()  # type: ignore[operator]
    logits = scale * out.embedding @ classes.T
    losses = -(batch.labels * logits.log_softmax(-1)).sum(-1)
    return (losses * batch.weights).sum() / batch.weights.sum().clamp(min=1e-6)


def unit_loss(out: PictureFeatures, batch: Batch) -> Tensor:
    """Binary cross-entropy over what was measured, each unit counted alike."""
    losses = F.binary_cross_entropy_with_logits(out.units, batch.units, reduction="none") * batch.measured
    return losses.sum() / batch.measured.sum().clamp(min=1)
