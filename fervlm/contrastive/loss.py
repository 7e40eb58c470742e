"""Pictures against texts: several weighted positives a row, sparse non-negatives, memory linear in the batch."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from fervlm.contrastive.blocks import Exchange, block_loss
from fervlm.contrastive.pairs import Pairs, Positives
from fervlm.contrastive.plan import make_plan

Form = Literal["softmax", "sigmoid"]


def multi_positive_loss(
    a: Tensor,
    b: Tensor,
    positives: Positives | None = None,
    logit_scale: Tensor | float = 1.0,
    *,
    logit_bias: Tensor | float | None = None,
    form: Form = "softmax",
    ignore: Pairs | None = None,
    same: Tensor | None = None,
    hard: Tensor | None = None,
    owners: Tensor | None = None,
    block_rows: int | None = None,
) -> Tensor:
    """Contrastive loss over both directions; with one positive a row, open_clip's `ClipLoss` or `SigLipLoss`.

    Differentiable (once) by `a`, `b`, `hard`, `logit_scale` and `logit_bias`. Beside its inputs it keeps O(N) numbers
    for the backward pass and never holds more than one block of logits. Whatever the inputs' dtype, it computes in fp32
    (fp64 for fp64), also under autocast.

    Args:
        a: pictures [N, D], **normalised by the caller** (so are `b` and `hard`).
        b: texts [M, D]. More columns than rows are allowed: texts without a picture are negatives for all.
        positives: who belongs together; None is row i with column i. Without any positive the softmax form is 0.
        logit_scale: factor of the cosines (not its logarithm), 0-dim.
        logit_bias: added to every logit; has no effect on the softmax form.
        form: `softmax` is the mean over rows and columns that have a positive; `sigmoid` the sum over pairs divided by
            N, a row's positives weighing one together.
        ignore: pairs that are no negatives: left out of every denominator, unless they are positives.
        same: int64 [N, G], the same in sparse form: samples that share a group (>= 0) in any of the G columns are no
            negatives of each other. Only for N = M with row i and column i of one sample.
        hard: further texts [K, D], each a negative for one row alone, picture to text.
        owners: int64 [K], that row.
        block_rows: rows a block; None picks what suits the device.

    Raises:
        ValueError: shapes, dtypes or indices that do not fit, no rows or no columns.
    """
    hard, owners = with_owners(a, hard, owners)
    check_inputs(a, b, hard, owners, form)
    shape = (len(a), len(b))
    return ranked_loss(a, b, positives, logit_scale, logit_bias, form, ignore, same, hard, owners, block_rows, shape)


def ranked_loss(
    a: Tensor,
    b: Tensor,
    positives: Positives | None,
    logit_scale: Tensor | float,
    logit_bias: Tensor | float | None,
    form: Form,
    ignore: Pairs | None,
    same: Tensor | None,
    hard: Tensor,
    owners: Tensor,
    block_rows: int | None,
    shape: tuple[int, int],
    first: int = 0,
    exchange: Exchange | None = None,
) -> Tensor:
    """The loss of a whole batch of `shape` of which this rank holds the rows from `first` on; see `distributed`."""
    wide = a.new_zeros((), dtype=torch.float64 if a.dtype == torch.float64 else torch.float32)
    rows, softmax = (first, first + len(a)), form == "softmax"
    plan = make_plan(positives, ignore, same, rows=rows, shape=shape, softmax=softmax, like=wide)
    scale = torch.as_tensor(logit_scale, dtype=None if isinstance(logit_scale, Tensor) else wide.dtype, device=a.device)
    bias = torch.as_tensor(0.0 if logit_bias is None else logit_bias, device=a.device)
    if softmax:
        # A shift of all logits cancels; the graph still reaches the bias, with the gradient 0.
        bias = bias * 0
    return block_loss(a, b, scale, bias, hard, owners, plan, block_rows, exchange, softmax, shape[0])


def with_owners(a: Tensor, hard: Tensor | None, owners: Tensor | None) -> tuple[Tensor, Tensor]:
    """Hard negatives and their owners, empty where there are none."""
    if (hard is None) != (owners is None):
        raise ValueError("hard negatives and their owners come together")
    if hard is None or owners is None:
        return a.new_zeros(0, a.shape[-1]), torch.zeros(0, dtype=torch.int64, device=a.device)
    return hard, owners.to(a.device)


def check_inputs(a: Tensor, b: Tensor, hard: Tensor, owners: Tensor, form: str) -> None:
    """Raise `ValueError` for what does not fit together."""
    if any(x.ndim != 2 or x.shape[1] != a.shape[1] or not x.is_floating_point() for x in (a, b, hard)):
        raise ValueError(
            f"features are float [rows, D] of one D; got {tuple(a.shape)}, {tuple(b.shape)}, {tuple(hard.shape)}"
        )
    if not len(a) or not len(b):
        raise ValueError("a contrastive loss needs at least one row and one column")
    if owners.dtype != torch.int64 or owners.shape != (len(hard),):
        raise ValueError("owners is int64, one for each hard negative")
    if len(owners) and (int(owners.min()) < 0 or int(owners.max()) >= len(a)):
        raise ValueError(f"a hard negative's owner lies outside the {len(a)} rows")
    if form not in ("softmax", "sigmoid"):
        raise ValueError(f"the form is 'softmax' or 'sigmoid', not '{form}'")
