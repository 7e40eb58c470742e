"""Positives beside the diagonal: samples whose texts, pictures and AUs agree; and samples too alike to be negatives."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from fervlm.contrastive.pairs import Positives
from fervlm.errors import FervlmError

BLOCK_ELEMENTS = 2**22
STEPS = 2**16
"""Agreements are told apart in steps of 1/65,536, so that rounding cannot change who is mined."""


@dataclass(frozen=True, slots=True)
class MiningSettings:
    """How positives are mined; the parts' weights make the agreement, 0 leaves a part out."""

    top_k: int = 4
    """Most positives of a sample beside itself."""
    threshold: float = 0.6
    """Least agreement, 0 to 1."""
    warmup_steps: int = 500
    """Nothing is mined before this step: young features agree by accident."""
    self_weight: float = 0.5
    """Least share of a sample's own text, 0.5 to 1."""
    text: float = 1.0
    picture: float = 1.0
    au: float = 1.0
    absent: float = 0.1
    """Weight of an AU absent in both samples, where one present in both counts 1."""
    least_measured: int = 5
    """Below so many jointly measured AUs the AU part is left out of a pair's agreement."""
    center: bool = True
    """Cosines about the batch's mean: towers put all features into one narrow cone, where everything looks alike."""

    def __post_init__(self) -> None:
        if not 0.5 <= self.self_weight <= 1:
            raise FervlmError(f"mining: self_weight is {self.self_weight}", hint="Choose 0.5 to 1.")
        if self.top_k < 0 or self.warmup_steps < 0 or not 0 <= self.threshold <= 1:
            raise FervlmError("mining: top_k and warmup_steps are not negative, threshold is 0 to 1")
        if min(self.text, self.picture, self.au, self.absent) < 0 or self.text + self.picture + self.au <= 0:
            raise FervlmError("mining: the weights of text, picture and au are not negative, and not all 0")


@dataclass(frozen=True, slots=True)
class Mined:
    """What the loss takes: `multi_positive_loss(..., positives=m.positives, same=m.same)`."""

    positives: Positives
    """Every sample with itself, and the mined pairs in both directions; a row's and a column's weights sum to 1."""
    same: Tensor
    """Int64 [N, 2]: groups of equal caption and of equal AU set; samples that share one are no negatives."""
    pairs: int
    """Mined pairs, each counted once."""


def mine(
    texts: Tensor,
    pictures: Tensor,
    units: Tensor,
    captions: Tensor,
    settings: MiningSettings,
    step: int,
    *,
    rows: tuple[int, int] | None = None,
    gather: Callable[[Tensor], Tensor] | None = None,
) -> Mined:
    """Mine a batch of N samples. Deterministic; memory is linear in N; no gradient flows.

    A pair is mined where each is among the other's `top_k` most agreeing samples and they agree by `threshold` or more.
    Its weight is agreement * (1 - self_weight) / top_k, the same both ways; what is left of 1 is the sample's own.

    Args:
        texts: text features [N, D], any length.
        pictures: picture features [N, E], any length.
        units: int8 [N, U] over AUs: 1 present, 0 absent, -1 not measured.
        captions: int64 [N] of `text_ids`; equal captions have equal ids.
        settings: how.
        step: of the training, against the warm-up.
        rows: over several ranks: this rank's rows (start, stop) of the whole batch, which the other arguments hold.
        gather: over several ranks: joins the ranks' [n, k] in order of rank (`Ranks.gather`).

    Raises:
        ValueError: shapes or dtypes that do not fit.
    """
    count = len(texts)
    if not len(pictures) == len(units) == len(captions) == count or units.ndim != 2 or captions.dtype != torch.int64:
        raise ValueError("mining wants texts, pictures, units [N, U] and captions (int64 [N]) of the same N samples")
    same = torch.stack([captions, unit_groups(units)], 1)
    itself = torch.arange(count, device=texts.device)
    k = min(settings.top_k, count - 1)
    if step < settings.warmup_steps or k < 1:
        return Mined(Positives(itself, itself, torch.ones(count, device=texts.device)), same, 0)
    with torch.no_grad():
        partners, steps = _candidates(texts, pictures, units, settings, k, rows or (0, count))
        if gather is not None:
            partners, steps = gather(partners), gather(steps)
        first, second, agreement = _mutual(partners, steps)
    each = agreement * ((1 - settings.self_weight) / settings.top_k)
    taken = each.new_zeros(count).index_add_(0, first, each).index_add_(0, second, each)
    positives = Positives(
        torch.cat([itself, first, second]),
        torch.cat([itself, second, first]),
        torch.cat([1 - taken, each, each]),
    )
    return Mined(positives, same, len(first))


def unit_groups(units: Tensor) -> Tensor:
    """Int64 [N] that is equal for samples with the same AUs present; -1 where no AU was measured.

    Args:
        units: int8 [N, U], U <= 62: 1 present, 0 absent, -1 not measured.
    """
    if units.shape[1] > 62:
        raise ValueError(f"{units.shape[1]} AUs do not fit a 63-bit group")
    powers = 2 ** torch.arange(units.shape[1], device=units.device)
    groups = ((units == 1) * powers).sum(1)
    return groups.where((units >= 0).any(1), groups.new_tensor(-1))


def text_ids(texts: Sequence[str]) -> Tensor:
    """Int64 [N] that is equal for equal texts (case and spaces aside), on every rank and in every run."""
    plain = (" ".join(text.split()).casefold() for text in texts)
    digests = (hashlib.blake2b(text.encode(), digest_size=8).digest() for text in plain)
    return torch.tensor([int.from_bytes(digest, "big") >> 1 for digest in digests], dtype=torch.int64)


def unit_agreement(
    units: Tensor, others: Tensor, absent: float = 0.1, least_measured: int = 1
) -> tuple[Tensor, Tensor]:
    """How far AU sets agree, over the AUs measured in both: a weighted Jaccard index that absence counts a little in.

    (both present + absent * both absent) / (either present + absent * both absent)

    Args:
        units: int8 [n, U]: 1 present, 0 absent, -1 not measured.
        others: int8 [m, U] over the same AUs.
        absent: weight of an AU absent in both.
        least_measured: fewer AUs measured in both tell nothing.

    Returns:
        Agreement [n, m], 0 to 1, and whether it can be told [n, m].
    """
    both = (units == 1).float() @ (others == 1).float().T
    neither = (units == 0).float() @ (others == 0).float().T
    measured = (units >= 0).float() @ (others >= 0).float().T
    told = measured >= max(1, least_measured)
    agreement = (both + absent * neither) / (measured - neither + absent * neither)
    # No AU present and absence without weight: 0 / 0, yet the two are equal.
    return torch.nan_to_num(agreement, nan=1.0).where(told, agreement.new_zeros(())), told


def _candidates(
    texts: Tensor, pictures: Tensor, units: Tensor, settings: MiningSettings, k: int, rows: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """For each row its k most agreeing samples [n, k] and the agreement in steps [n, k], -1 below the threshold."""
    count = len(texts)
    parts = ((texts, settings.text), (pictures, settings.picture))
    sides = [(_directions(features, settings.center), weight) for features, weight in parts]
    place = torch.arange(count, device=texts.device)
    least = round(settings.threshold * STEPS)
    partners, found = [], []
    block = max(1, BLOCK_ELEMENTS // count)
    for start in range(rows[0], rows[1], block):
        own = slice(start, min(start + block, rows[1]))
        agreement = (_agreement(sides, units, settings, own) * STEPS).round().long()
        agreement[(place[own] - own.start), place[own]] = -1
        # Equal agreements go to the next in line, never to whatever the sort of a device leaves on top.
        key = agreement * count - (place - place[own, None]) % count
        best = key.topk(k, dim=1).indices
        steps = agreement.gather(1, best)
        partners.append(best)
        found.append(steps.where(steps >= max(least, 1), steps.new_tensor(-1)))
    empty = place.new_zeros(0, k)
    return torch.cat(partners or [empty]), torch.cat(found or [empty])


def _directions(features: Tensor, center: bool) -> Tensor:
    directions = functional.normalize(features.detach().float(), dim=1)
    return functional.normalize(directions - directions.mean(0), dim=1) if center else directions


def _agreement(sides: list[tuple[Tensor, float]], units: Tensor, settings: MiningSettings, own: slice) -> Tensor:
    """Mean of the parts by weight, [rows, N]; a part that cannot be told for a pair is left out of its mean."""
    total, weight = sides[0][0].new_zeros(()), sides[0][0].new_zeros(())
    for directions, part in sides:
        if part:
            total = total + part * (directions[own] @ directions.T).clamp(0, 1)
            weight = weight + part
    if settings.au:
        agreement, told = unit_agreement(units[own], units, settings.absent, settings.least_measured)
        total, weight = total + settings.au * agreement, weight + settings.au * told
    return total / weight.clamp_min(1e-12)


def _mutual(partners: Tensor, steps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs (first < second) that chose each other, and their agreement 0 to 1."""
    count = len(partners)
    rows = torch.arange(count, device=partners.device)[:, None].expand_as(partners)
    kept = steps > 0
    low, high = torch.minimum(rows, partners)[kept], torch.maximum(rows, partners)[kept]
    keys, inverse, times = torch.unique(low * count + high, return_inverse=True, return_counts=True)
    # The lesser of the two views, should rounding ever have told them apart.
    least = keys.new_full((len(keys),), STEPS).scatter_reduce_(0, inverse, steps[kept], "amin")
    keys, least = keys[times == 2], least[times == 2]
    return keys // count, keys % count, least.float() / STEPS
