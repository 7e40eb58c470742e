"""The block loss is open_clip's with one positive, the dense formula with many, and keeps no matrix."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

import fervlm.torchvision_fix  # noqa: F401  (before open_clip)
from fervlm.contrastive.loss import Form, multi_positive_loss
from fervlm.contrastive.pairs import Pairs, Positives, identity

# isort: split
from open_clip.loss import ClipLoss, SigLipLoss


def features(rows: int, width: int = 16, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    made = torch.randn(rows, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return functional.normalize(made, dim=1).to(dtype).requires_grad_()


def gradients(loss: Tensor, *inputs: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, inputs))


def softplus(x: Tensor) -> Tensor:
    """torch's own is cut off at 20."""
    return -functional.logsigmoid(-x)


def dense(
    a: Tensor,
    b: Tensor,
    scale: Tensor,
    weights: Tensor,
    back: Tensor,
    masked: Tensor,
    form: str = "softmax",
    bias: Tensor | float = 0.0,
    hard: Tensor | None = None,
    owners: Tensor | None = None,
) -> Tensor:
    """The formula with whole matrices; `masked` is no negative."""
    s = scale * a @ b.T + bias
    forth = weights / weights.sum(1, keepdim=True).where(weights.sum(1, keepdim=True) > 0, torch.tensor(1.0).double())
    back = back / back.sum(0, keepdim=True).where(back.sum(0, keepdim=True) > 0, torch.tensor(1.0).double())
    extra = s.new_full((len(a), 0), 0.0)
    if hard is not None and owners is not None:
        full = scale * a @ hard.T + bias
        extra = full.masked_fill(torch.arange(len(a))[:, None] != owners, -torch.inf)
    if form == "sigmoid":
        positive = (weights + back) > 0
        soft = softplus(s).masked_fill(masked | positive, 0).sum() + softplus(extra).sum()
        return (soft + (0.5 * (forth + back) * softplus(-s)).sum()) / len(a)
    s = s.masked_fill(masked, -torch.inf)
    row = torch.cat([s, extra], 1).logsumexp(1)[:, None] - s
    col = s.logsumexp(0) - s
    rows, cols = forth.sum(1) > 0, back.sum(0) > 0
    one = (forth * row.masked_fill(forth == 0, 0)).sum() / max(1, int(rows.sum()))
    two = (back * col.masked_fill(back == 0, 0)).sum() / max(1, int(cols.sum()))
    return 0.5 * (one + two)


@pytest.mark.parametrize("count", [1, 2, 7, 33])
@pytest.mark.parametrize("scale", [1.0, 14.3, 100.0])
def test_one_positive_is_open_clips_softmax_loss(count: int, scale: float) -> None:
    a, b, s = features(count), features(count, seed=1), torch.tensor(scale, requires_grad=True)
    theirs, ours = ClipLoss()(a, b, s), multi_positive_loss(a, b, None, s, block_rows=5)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)
    for mine, other in zip(gradients(ours, a, b, s), gradients(theirs, a, b, s), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", ["softmax", "sigmoid"])
def test_one_positive_is_open_clips_loss_in_double_precision(form: Form) -> None:
    a, b = (features(40, seed=seed, dtype=torch.float64) for seed in (0, 1))
    s, bias = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (20.0, -10.0))
    theirs = (ClipLoss() if form == "softmax" else SigLipLoss())(a, b, s, bias)
    ours = multi_positive_loss(a, b, identity(40), s, logit_bias=bias, form=form, block_rows=16)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    for mine, other in zip(gradients(ours, a, b, s, bias), gradients(theirs, a, b, s, bias), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("count", [1, 9, 33])
def test_one_positive_is_open_clips_sigmoid_loss(count: int) -> None:
    a, b = features(count), features(count, seed=1)
    s, bias = torch.tensor(10.0, requires_grad=True), torch.tensor(-10.0, requires_grad=True)
    theirs = SigLipLoss()(a, b, s, bias)
    ours = multi_positive_loss(a, b, None, s, logit_bias=bias, form="sigmoid", block_rows=4)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6)
    for mine, other in zip(gradients(ours, a, b, s, bias), gradients(theirs, a, b, s, bias), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-6)


def sparse_case(seed: int, square: bool = False) -> dict[str, Any]:
    """A random batch in float64: dense weights and mask, and the same as sparse pairs."""
    draw = torch.Generator().manual_seed(seed)
    rows, cols = (int(torch.randint(1, 14, (), generator=draw)) for _ in range(2))
    cols = rows if square else cols
    weights = torch.rand(rows, cols, generator=draw, dtype=torch.float64)
    weights *= torch.rand(rows, cols, generator=draw) < 0.25
    back = weights * torch.rand(rows, cols, generator=draw, dtype=torch.float64)
    masked = torch.rand(rows, cols, generator=draw) < 0.3
    hard = int(torch.randint(0, 6, (), generator=draw))
    r, c = weights.nonzero(as_tuple=True)
    order = torch.randperm(len(r), generator=draw)
    r, c = r[order], c[order]
    return {
        "a": features(rows, 6, seed, torch.float64),
        "b": features(cols, 6, seed + 1000, torch.float64),
        "scale": torch.tensor(float(torch.rand((), generator=draw) * 60 + 1), dtype=torch.float64, requires_grad=True),
        "bias": torch.tensor(-3.0, dtype=torch.float64, requires_grad=True),
        "positives": Positives(r, c, weights[r, c], back[r, c]),
        "ignore": Pairs(*masked.nonzero(as_tuple=True)),
        "weights": weights,
        "back": back,
        "masked": masked & (weights == 0),
        "hard": features(hard, 6, seed + 2000, torch.float64) if hard else None,
        "owners": torch.randint(0, rows, (hard,), generator=draw) if hard else None,
        "block": int(torch.randint(1, 6, (), generator=draw)),
    }


@pytest.mark.parametrize("form", ["softmax", "sigmoid"])
def test_any_sparse_pairs_equal_the_dense_formula(form: Form) -> None:
    for seed in range(60):
        k = sparse_case(seed)
        shown = multi_positive_loss(
            k["a"],
            k["b"],
            k["positives"],
            k["scale"],
            logit_bias=k["bias"],
            form=form,
            ignore=k["ignore"],
            hard=k["hard"],
            owners=k["owners"],
            block_rows=k["block"],
        )
        full = dense(
            *(k[name] for name in ("a", "b", "scale", "weights", "back", "masked")),
            form=form,
            bias=k["bias"],
            hard=k["hard"],
            owners=k["owners"],
        )
        torch.testing.assert_close(shown, full, rtol=1e-10, atol=1e-12, msg=f"seed {seed}")
        inputs = [k[name] for name in ("a", "b", "scale", "bias", "hard") if k[name] is not None]
        theirs = torch.autograd.grad(full, inputs, allow_unused=True, materialize_grads=True)
        for mine, other in zip(gradients(shown, *inputs), theirs, strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-11, msg=f"seed {seed}")


@pytest.mark.parametrize("form", ["softmax", "sigmoid"])
def test_the_gradient_is_that_of_the_value(form: Form) -> None:
    k = sparse_case(3)
    assert k["hard"] is not None

    def value(a: Tensor, b: Tensor, scale: Tensor, bias: Tensor, hard: Tensor) -> Tensor:
        pairs = {"ignore": k["ignore"], "owners": k["owners"], "block_rows": 2}
        return multi_positive_loss(a, b, k["positives"], scale, logit_bias=bias, form=form, hard=hard, **pairs)

    scale = torch.tensor(7.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(value, (k["a"], k["b"], scale, k["bias"], k["hard"]))


@pytest.mark.parametrize("form", ["softmax", "sigmoid"])
def test_groups_are_the_same_as_their_pairs(form: Form) -> None:
    for seed in range(20):
        k = sparse_case(seed, square=True)
        count = len(k["a"])
        groups = torch.randint(-3, 3, (count, 2), generator=torch.Generator().manual_seed(seed))
        equal = ((groups[:, None] == groups[None]) & (groups[:, None] >= 0)).any(-1)
        pairs = Pairs(*equal.nonzero(as_tuple=True))
        grouped, paired = (
            multi_positive_loss(k["a"], k["b"], k["positives"], k["scale"], form=form, block_rows=3, **how)
            for how in ({"same": groups}, {"ignore": pairs})
        )
        torch.testing.assert_close(grouped, paired, rtol=1e-12, atol=1e-12)
        for mine, other in zip(*(gradients(loss, k["a"], k["b"]) for loss in (grouped, paired)), strict=True):
            torch.testing.assert_close(mine, other)


def test_an_ignored_pair_has_no_part_in_the_gradient() -> None:
    a, b = features(3), features(3, seed=1)
    pairs = Pairs(torch.tensor([0, 0]), torch.tensor([1, 2]))
    only_first = Positives(torch.tensor([0]), torch.tensor([0]), torch.ones(1))
    by_a, by_b = gradients(multi_positive_loss(a, b, only_first, 5.0, ignore=pairs), a, b)
    assert by_a[0].abs().max() > 0, "the column of the positive still pushes the other rows away"
    assert by_b[1].abs().max() == by_b[2].abs().max() == 0
    assert torch.equal(multi_positive_loss(a[:1], b[:1], None, 5.0), torch.tensor(0.0))


@pytest.mark.parametrize("form", ["softmax", "sigmoid"])
def test_nothing_positive_and_everything_ignored_stays_finite(form: Form) -> None:
    a, b, s = features(4), features(6, seed=1), torch.tensor(100.0, requires_grad=True)
    none = Positives(torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), torch.zeros(0))
    everything = Pairs(*torch.ones(4, 6).nonzero(as_tuple=True))
    for positives, ignore in ((none, everything), (none, None), (None, everything)):
        loss = multi_positive_loss(a, b, positives, s, form=form, ignore=ignore)
        assert torch.isfinite(loss)
        assert all(torch.isfinite(part).all() for part in gradients(loss, a, b, s))
    assert multi_positive_loss(a, b, none, s, form=form, ignore=everything).item() == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("form", ["softmax", "sigmoid"])
def test_half_inputs_are_summed_in_single_precision(dtype: torch.dtype, form: Form) -> None:
    a, b, hard = features(50, dtype=dtype), features(50, seed=1, dtype=dtype), features(9, seed=2, dtype=dtype)
    owners = torch.arange(9) * 5
    a32, b32, hard32 = (x.detach().float().requires_grad_() for x in (a, b, hard))
    s = torch.tensor(100.0, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = multi_positive_loss(a, b, None, s, form=form, hard=hard, owners=owners, block_rows=16)
        grads = gradients(half, a, b, hard, s)
    full = multi_positive_loss(a32, b32, None, s, form=form, hard=hard32, owners=owners, block_rows=16)
    assert half.dtype == torch.float32
    assert torch.equal(half, full)
    assert [g.dtype for g in grads] == [dtype, dtype, dtype, torch.float32]
    for mine, other in zip(grads, gradients(full, a32, b32, hard32, s), strict=True):
        torch.testing.assert_close(mine, other.to(mine.dtype))


@pytest.mark.parametrize("form", ["softmax", "sigmoid"])
def test_opposite_features_at_scale_100_stay_finite(form: Form) -> None:
    a = features(6)
    b = (-a).detach().requires_grad_()
    s = torch.tensor(100.0, requires_grad=True)
    loss = multi_positive_loss(a, b, None, s, form=form)
    assert torch.isfinite(loss)
    assert loss > 90
    assert all(torch.isfinite(part).all() for part in gradients(loss, a, b, s))


def test_the_block_size_changes_nothing() -> None:
    a, b, s = features(37), features(37, seed=1), torch.tensor(30.0, requires_grad=True)
    whole = multi_positive_loss(a, b, None, s, block_rows=64)
    for block in (1, 5, 36, 37, None):
        loss = multi_positive_loss(a, b, None, s, block_rows=block)
        torch.testing.assert_close(loss, whole, rtol=1e-6, atol=1e-7)
        for mine, other in zip(gradients(loss, a, b, s), gradients(whole, a, b, s), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-7)
        whole = multi_positive_loss(a, b, None, s, block_rows=64)


def saved_bytes(count: int) -> int:
    held: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        multi_positive_loss(features(count), features(count, seed=1), None, torch.tensor(10.0, requires_grad=True))
    return sum(held.values())


def test_what_is_kept_grows_with_the_batch_not_with_its_square() -> None:
    small, large = saved_bytes(256), saved_bytes(1024)
    assert large < 4.1 * small
    assert large < 1024 * 1024 * 4 / 10


def test_equal_pairs_are_joined_and_order_does_not_matter() -> None:
    a, b = features(3, dtype=torch.float64), features(3, seed=1, dtype=torch.float64)
    once = Positives(torch.tensor([0, 0, 1, 2]), torch.tensor([0, 1, 1, 2]), torch.tensor([0.6, 0.4, 1, 1]).double())
    twice = Positives(
        torch.tensor([2, 0, 1, 0, 0]), torch.tensor([2, 1, 1, 0, 0]), torch.tensor([1, 0.4, 1, 0.5, 0.1]).double()
    )
    torch.testing.assert_close(multi_positive_loss(a, b, once, 9.0), multi_positive_loss(a, b, twice, 9.0))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"a": torch.zeros(0, 4), "b": torch.zeros(0, 4)}, "at least one row"),
        ({"b": torch.zeros(2, 5)}, "of one D"),
        ({"b": torch.zeros(1, 4)}, "say which belong together"),
        ({"positives": Positives(torch.tensor([2]), torch.tensor([0]), torch.ones(1))}, "outside the batch"),
        ({"ignore": Pairs(torch.tensor([0]), torch.tensor([-1]))}, "outside the batch"),
        ({"hard": torch.zeros(1, 4)}, "come together"),
        ({"hard": torch.zeros(1, 4), "owners": torch.tensor([7])}, "owner lies outside"),
        ({"same": torch.zeros(3, 1, dtype=torch.int64)}, "square batch"),
        ({"form": "hinge"}, "'softmax' or 'sigmoid'"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], sentence: str) -> None:
    given: dict[str, Any] = {"a": torch.zeros(2, 4), "b": torch.zeros(2, 4), "positives": None, **change}
    with pytest.raises(ValueError, match=sentence):
        multi_positive_loss(**given)


def test_bad_weights_are_refused() -> None:
    index = torch.tensor([0])
    with pytest.raises(ValueError, match="not negative"):
        Positives(index, index, torch.tensor([-1.0]))
    with pytest.raises(ValueError, match="one for each pair"):
        Positives(index, index, torch.ones(2))
