"""The losses of one step by name, as one module, so that a distributed wrapper sees a single forward pass."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from torch import Tensor, nn

from fervlm.contrastive.captions import CaptionBatch, Part
from fervlm.contrastive.class_prompts import PROMPT_SETS, templates, words_of
from fervlm.contrastive.distributed import Ranks, loss_over_ranks, mean_over_ranks
from fervlm.contrastive.local import LocalBatch, region_sum
from fervlm.contrastive.local_ranks import local_loss_over_ranks
from fervlm.contrastive.mining import MiningSettings, mine
from fervlm.contrastive.model import GlobalLocal
from fervlm.contrastive.settings import ContrastiveConfig
from fervlm.contrastive.words import Words
from fervlm.facs.labels import BASIC8


@dataclass(frozen=True, slots=True)
class Batch:
    """B prepared faces; after a mixup, targets are mixed too (captions cannot be: they are absent then).

    Attributes:
        x: [B, 3, S, S].
        labels: [B, 8] target distribution over `BASIC8`, rows of zeros where there is no label.
        weights: [B] of the label loss.
        units: [B, A] target in [0, 1].
        measured: [B, A] weight of each unit's loss.
        vectors: int8 [B, U] AU vectors, for mining.
        affect: [B, 2] valence and arousal of the label's word, rows of zeros where there is no label.
        subjects: int64 [B], -1 where the person is not known.
        class_tokens: int64 [8, L], one drawn prompt of every class.
        captions: texts of the batch, None where only labels are learned.
        step: number of the step.
    """

    x: Tensor
    labels: Tensor
    weights: Tensor
    units: Tensor
    measured: Tensor
    vectors: Tensor
    affect: Tensor
    subjects: Tensor
    class_tokens: Tensor
    captions: CaptionBatch | None
    step: int

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        if device.type == "cpu":
            return self
        tensors = [f.name for f in fields(self) if isinstance(getattr(self, f.name), Tensor)]
        captions = None if self.captions is None else self.captions.to(device)
        moved: dict[str, Any] = {name: getattr(self, name).to(device) for name in tensors}
        return replace(self, captions=captions, **moved)


class Features(NamedTuple):
    """What B pictures and U texts give."""

    embedding: Tensor
    """[B, D], unit length."""
    patches: Tensor
    """[B, P, D]."""
    units: Tensor
    """[B, A] logits."""
    affect: Tensor
    """[B, 2], or [B, 0] without an affect head."""
    texts: Tensor
    """[U, D], unit length."""


def draw_class_tokens(words: Words, generator: torch.Generator) -> Tensor:
    """One prompt of every basic class: a drawn line, filled with the label or a variant of it."""
    lines = [line for name in PROMPT_SETS for line in templates(name)]
    texts = []
    for label in BASIC8:
        variants = words_of(label)
        word = variants[int(torch.randint(len(variants), (1,), generator=generator))]
        line = lines[int(torch.randint(len(lines), (1,), generator=generator))]
        texts.append(line.replace("$label", word))
    return words(texts)


class Objective(nn.Module):
    """The model with its losses; `forward` gives them by name, not yet weighted."""

    def __init__(self, model: GlobalLocal, config: ContrastiveConfig) -> None:
        super().__init__()
        self.model, self.config = model, config
        self.left_out = [label in config.leave_out for label in BASIC8]
        c = config.captions
        self.mining = MiningSettings(
            top_k=c.mined, threshold=c.mine_threshold, warmup_steps=c.mine_after, self_weight=c.self_weight
        )

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses, each 0-dim."""
        return self.losses(self.encode(batch.x, self.tokens(batch)), batch)

    def tokens(self, batch: Batch) -> Tensor:
        """The captions' distinct texts [U, L]; none where no loss needs them."""
        wanted = batch.captions is not None and self.config.weights.captions()
        return batch.captions.tokens if batch.captions is not None and wanted else batch.class_tokens[:0]

    def encode(self, x: Tensor, tokens: Tensor) -> Features:
        """Pictures [B, 3, S, S] and texts [U, L] through the towers."""
        out = self.model.pictures(x)
        texts = self.model.texts(tokens) if len(tokens) else out.embedding[:0]
        affect = out.embedding[:, :0] if out.affect is None else out.affect
        return Features(out.embedding, out.patches, out.units, affect, texts)

    def losses(self, found: Features, batch: Batch) -> dict[str, Tensor]:
        """Losses from features, which may have been encoded part by part."""
        weights = self.config.weights
        losses: dict[str, Tensor] = {}
        if weights.label:
            losses["label"] = self._label(found, batch)
        if weights.units:
            losses["units"] = unit_loss(found.units, batch.units, batch.measured)
        if weights.affect and found.affect.shape[1]:
            told = batch.labels.sum(1, keepdim=True)
            losses["affect"] = mean_over_ranks(((found.affect - batch.affect).square() * told).sum(), told.sum(), 1)
        if weights.identity:
            losses["identity"] = self.model.training_only["identity"](found.embedding, batch.subjects)
        captions = batch.captions
        if captions is not None and weights.captions():
            if weights.overview:
                losses["overview"] = self._whole("overview", captions.overview, found, batch)
            if weights.summary:
                losses["summary"] = self._whole("summary", captions.summary, found, batch)
            losses |= self._regions(found, captions)
        return losses

    def _label(self, found: Features, batch: Batch) -> Tensor:
        classes = self.model.texts(batch.class_tokens)
        scale: Tensor = self.model.clip.logit_scale.exp()  # type: ignore[operator]
        with torch.autocast(classes.device.type, enabled=False):  # bf16 knows a logit of 50 to a quarter only
            logits = scale.float() * found.embedding.float() @ classes.float().T
        # A class that is left out must not be pushed away either.
        logits = logits.masked_fill(torch.tensor(self.left_out, device=logits.device), -1e4)
        losses = -(batch.labels * logits.log_softmax(-1)).sum(-1)
        return mean_over_ranks((losses * batch.weights).sum(), batch.weights.sum(), 1e-6)

    def _whole(self, name: str, part: Part, found: Features, batch: Batch) -> Tensor:
        """Pictures against one text each: mined positives, equal texts and AU sets no negatives, false texts hard."""
        captions = batch.captions
        if captions is None:
            return found.embedding.sum() * 0
        pictures, own = found.embedding[part.owners], found.texts[part.of]
        ranks = Ranks(len(pictures), pictures.device)
        if min(ranks.counts) == 0 or sum(ranks.counts) < 2:
            return (pictures.sum() + own.sum()) * 0
        mined = mine(
            ranks.gather(own),
            ranks.gather(pictures),
            ranks.gather(batch.vectors[part.owners]),
            ranks.gather(captions.ids[part.of]),
            self.mining,
            batch.step,
            rows=ranks.rows,
            gather=ranks.gather,
        )
        same = mined.same if name == "overview" else mined.same[:, :1]
        return loss_over_ranks(
            pictures,
            own,
            mined.positives,
            self.model.scale(name),
            same=same,
            hard=found.texts[part.hard] if len(part.hard) else None,
            owners=part.hard_owners if len(part.hard) else None,
        )

    def _regions(self, found: Features, captions: CaptionBatch) -> dict[str, Tensor]:
        weights, part = self.config.weights, captions.regions
        if not weights.local and not weights.align:
            return {}
        local = LocalBatch(
            found.patches,
            found.texts[part.of],
            part.owners,
            captions.ids[part.of],
            captions.priors(round(found.patches.shape[1] ** 0.5)).to(found.patches),
        )
        losses = {}
        attention = self.model.scale("attention")
        if weights.local:
            losses["local"] = local_loss_over_ranks(
                local, self.config.captions.way, self.model.scale("local"), attention
            )
        if weights.align:
            losses["align"] = mean_over_ranks(*region_sum(local, attention), 1)
        return losses


def unit_loss(logits: Tensor, target: Tensor, measured: Tensor) -> Tensor:
    """Binary cross-entropy [B, A] over what was measured, each reading counted alike."""
    losses = F.binary_cross_entropy_with_logits(logits, target, reduction="none") * measured
    return mean_over_ranks(losses.sum(), measured.sum(), 1)
