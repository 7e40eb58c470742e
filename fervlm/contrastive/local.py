"""Region sentences against patches: three ways to compare them behind `local_loss`, and a pull towards AU regions.

No way ever holds a vector of width D for a sentence *in another's picture*: with unit patches x_p of a picture, weights
w over them and a sentence t, the cosine of t and the pooled patch sum_p w_p x_p needs only t . x_p and the patches'
products among themselves,

    cos(t, sum_p w_p x_p) = sum_p w_p (t . x_p) / sqrt(w' G w),    G = x x' [P, P].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

Way = Literal["attention", "prior", "in_sample"]
CHUNK_ELEMENTS = 2**22
"""Numbers (pictures * patches * sentences) at once; a chunk is computed anew in the backward pass."""


@dataclass(frozen=True, slots=True)
class LocalBatch:
    """B pictures and their Q sentences, any number a picture."""

    patches: Tensor
    """[B, P, D], any length; row by row over the grid."""
    sentences: Tensor
    """[Q, D], normalised by the caller."""
    owners: Tensor
    """Int64 [Q]: the sentence's picture, 0 to B - 1."""
    meanings: Tensor | None = None
    """Int64 [Q]: equal where two sentences say the same (`mining.text_ids`), which makes neither a negative of the
    other's picture; None: all differ."""
    priors: Tensor | None = None
    """[Q, P], rows sum to 1 (`regions.au_region_prior`), or to 0 for a sentence that belongs nowhere."""

    def __post_init__(self) -> None:
        b, p, d = self.patches.shape
        q = len(self.sentences)
        if self.sentences.shape != (q, d) or self.owners.shape != (q,) or self.owners.dtype != torch.int64:
            raise ValueError("local: sentences are [Q, D] and owners int64 [Q], D as in patches [B, P, D]")
        if q and (int(self.owners.min()) < 0 or int(self.owners.max()) >= b):
            raise ValueError(f"local: a sentence's owner lies outside the {b} pictures")
        if self.priors is not None and self.priors.shape != (q, p):
            raise ValueError(f"local: priors are [Q, P] = {(q, p)}, not {tuple(self.priors.shape)}")
        if self.meanings is not None and self.meanings.shape != (q,):
            raise ValueError("local: meanings are [Q]")


def local_loss(
    batch: LocalBatch,
    way: Way,
    logit_scale: Tensor,
    attention_scale: Tensor | float = 10.0,
    *,
    logit_bias: Tensor | float = 0.0,
    form: Literal["softmax", "sigmoid"] = "softmax",
) -> Tensor:
    """Region sentences against patch features, 0-dim fp32; 0 where there is nothing to compare.

    - `attention`: each sentence looks at each picture (softmax over patches of attention_scale * cosine), and what it
      sees is compared with it; the other pictures' sentences are negatives, in both directions.
    - `prior`: the same, but each sentence looks where `priors` say; one without a region looks everywhere.
    - `in_sample`: within each picture only, the sentences against the patches that each picks sparsely (after SPARC,
      Bica et al. 2024, arXiv:2401.09865); cheap, no negatives from other pictures, `form` and `logit_bias` unused.

    Args:
        batch: pictures and sentences of one process; `local_ranks` has the same over several.
        way: which.
        logit_scale: factor of the cosines, 0-dim.
        attention_scale: factor of the cosines under the softmax over patches, e.g. a learned temperature's inverse.
        logit_bias: added to the logits.
        form: `softmax` or `sigmoid`, as in `multi_positive_loss`.

    Raises:
        ValueError: `prior` without priors.
    """
    with torch.autocast(batch.patches.device.type, enabled=False):
        if not len(batch.sentences):
            return batch.patches.sum().float() * 0 + logit_scale.float().sum() * 0
        if way == "in_sample":
            total, count = in_sample_sum(batch, logit_scale)
            return total / count.clamp_min(1)
        logits = logit_scale.float() * local_cosines(batch, way, attention_scale) + logit_bias
        return pair_loss(logits, batch.owners, batch.meanings, form)


def local_cosines(batch: LocalBatch, way: Way, attention_scale: Tensor | float = 10.0) -> Tensor:
    """Cosine [B, Q] of every sentence with what it sees in every picture (`attention` or `prior`)."""
    count, places = batch.patches.shape[:2]
    sentences, weights = batch.sentences.float(), None
    if way == "prior":
        if batch.priors is None:
            raise ValueError("local: the way 'prior' needs priors")
        priors = batch.priors.to(sentences)
        weights = torch.where(priors.sum(1, keepdim=True) > 0, priors, 1 / places).T
    scale = torch.as_tensor(attention_scale, dtype=torch.float32, device=sentences.device)
    block = max(1, CHUNK_ELEMENTS // max(1, places * len(sentences)))
    parts = []
    for start in range(0, count, block):
        inputs = (batch.patches[start : start + block], sentences, scale, weights)
        if torch.is_grad_enabled() and count > block:
            parts.append(checkpoint(_cosines, *inputs, use_reentrant=False, preserve_rng_state=False))
        else:
            parts.append(_cosines(*inputs))
    return torch.cat(parts)


def _cosines(patches: Tensor, sentences: Tensor, scale: Tensor, weights: Tensor | None) -> Tensor:
    """[b, P, D], [Q, D] and weights [P, Q] (None: attention) -> [b, Q]."""
    unit = functional.normalize(patches.float(), dim=-1)
    b, p, d = unit.shape
    cosines = (unit.reshape(b * p, d) @ sentences.T).view(b, p, -1)
    seen = torch.softmax(scale * cosines, 1) if weights is None else weights.expand(b, -1, -1)
    products = unit @ unit.transpose(1, 2)
    length = (seen * (products @ seen)).sum(1).clamp_min(1e-12).sqrt()
    return (seen * cosines).sum(1) / length


def pair_loss(logits: Tensor, owners: Tensor, meanings: Tensor | None, form: str = "softmax") -> Tensor:
    """`multi_positive_loss` on given logits [B, Q]: a picture's sentences share its weight.

    Raises:
        ValueError: no such form.
    """
    count = len(logits)
    mine = torch.arange(count, device=logits.device)[:, None] == owners
    apart = _known(owners, meanings, count) & ~mine
    weights = mine / mine.sum(1, keepdim=True).clamp_min(1)
    if form == "sigmoid":
        negatives = -functional.logsigmoid(-logits).masked_fill(apart | mine, 0).sum()
        return (negatives - (0.5 * (weights + mine) * functional.logsigmoid(logits)).sum()) / count
    if form != "softmax":
        raise ValueError(f"the form is 'softmax' or 'sigmoid', not '{form}'")
    masked = logits.masked_fill(apart, -torch.inf)
    down = masked.log_softmax(0)[owners, torch.arange(len(owners), device=owners.device)]
    # A picture without sentences has no row of its own; all its sentences masked, its row would be NaN.
    rows = mine.any(1)
    across = torch.where(mine, masked, 0)[rows] - masked[rows].logsumexp(1, keepdim=True)
    return -0.5 * (down.mean() + (weights[rows] * across.masked_fill(~mine[rows], 0)).sum(1).mean())


def _known(owners: Tensor, meanings: Tensor | None, count: int) -> Tensor:
    """Bool [B, Q]: whether the picture has a sentence of that meaning."""
    if meanings is None:
        return torch.zeros(count, len(owners), dtype=torch.bool, device=owners.device)
    kinds, kind = torch.unique(meanings, return_inverse=True)
    has = torch.zeros(count, len(kinds), dtype=torch.bool, device=kind.device)
    has[owners, kind] = True
    return has[:, kind]


def own_attention(batch: LocalBatch, attention_scale: Tensor | float = 10.0) -> Tensor:
    """Where each sentence looks in its own picture, [Q, P], rows sum to 1."""
    return torch.softmax(attention_scale * _own_cosines(batch), 1)


def region_loss(batch: LocalBatch, attention_scale: Tensor | float = 10.0) -> Tensor:
    """How far sentences look from where their AUs show: mean KL divergence of `own_attention` from `priors`, 0-dim.

    Sentences whose prior is all 0 do not count; none left: 0.

    Raises:
        ValueError: no priors.
    """
    total, count = region_sum(batch, attention_scale)
    return total / count.clamp_min(1)


def region_sum(batch: LocalBatch, attention_scale: Tensor | float = 10.0) -> tuple[Tensor, Tensor]:
    """The sum that `region_loss` is the mean of, and over how many sentences; both 0-dim."""
    if batch.priors is None:
        raise ValueError("local: the region loss needs priors")
    with torch.autocast(batch.patches.device.type, enabled=False):
        if not len(batch.sentences):
            return batch.patches.sum().float() * 0, batch.owners.sum()
        prior = batch.priors.float()
        seen = torch.log_softmax(attention_scale * _own_cosines(batch), 1)
        told = prior.sum(1) > 0
        divergence = (torch.special.xlogy(prior, prior) - prior * seen).sum(1)
        return divergence.where(told, divergence.new_zeros(())).sum(), told.sum()


def _slots(owners: Tensor, count: int) -> tuple[Tensor, int]:
    """Each sentence's place among those of its picture [Q], and the most sentences of a picture."""
    order = torch.argsort(owners, stable=True)
    sizes = torch.bincount(owners, minlength=count)
    starts = sizes.cumsum(0) - sizes
    slots = torch.empty_like(owners)
    slots[order] = torch.arange(len(owners), device=owners.device) - starts[owners[order]]
    return slots, int(sizes.max())


def _padded(batch: LocalBatch) -> tuple[Tensor, Tensor, Tensor]:
    """Sentences by picture [B, S, D] (0 where there is none), unit patches [B, P, D], slots [Q]."""
    slots, most = _slots(batch.owners, len(batch.patches))
    sentences = batch.sentences.float()
    room = sentences.new_zeros(len(batch.patches), most, sentences.shape[1])
    return (
        room.index_put((batch.owners, slots), sentences),
        functional.normalize(batch.patches.float(), dim=-1),
        slots,
    )


def _own_cosines(batch: LocalBatch) -> Tensor:
    sentences, unit, slots = _padded(batch)
    cosines: Tensor = sentences @ unit.transpose(1, 2)
    return cosines[batch.owners, slots]


def in_sample_sum(batch: LocalBatch, logit_scale: Tensor) -> tuple[Tensor, Tensor]:
    """The sum that the way `in_sample` takes the mean of, and over how many sentences; both 0-dim."""
    scale = logit_scale.float()
    if not len(batch.sentences):
        return batch.patches.sum().float() * 0 + scale.sum() * 0, batch.owners.sum()
    sentences, unit, slots = _padded(batch)
    cosines = sentences @ unit.transpose(1, 2)
    least, most = cosines.amin(2, keepdim=True), cosines.amax(2, keepdim=True)
    spread = (cosines - least) / (most - least).clamp_min(1e-6)
    kept = spread.where(spread >= 1 / unit.shape[1], spread.new_zeros(()))
    pooled = functional.normalize(kept @ unit, dim=-1)
    logits = scale * pooled @ sentences.transpose(1, 2)
    there = torch.zeros(sentences.shape[:2], dtype=torch.bool, device=slots.device)
    there[batch.owners, slots] = True
    itself = torch.eye(logits.shape[1], dtype=torch.bool, device=slots.device)
    apart = (there[:, :, None] & there[:, None]) & ~itself
    if batch.meanings is not None:
        meanings = batch.meanings.new_zeros(there.shape).index_put((batch.owners, slots), batch.meanings)
        apart &= meanings[:, :, None] != meanings[:, None]
    counts = apart.any(2)
    masked = logits.masked_fill(~(apart | itself), -torch.inf)
    both = masked.log_softmax(2).diagonal(dim1=1, dim2=2) + masked.log_softmax(1).diagonal(dim1=1, dim2=2)
    return -0.5 * both.where(counts, both.new_zeros(())).sum(), counts.sum()
