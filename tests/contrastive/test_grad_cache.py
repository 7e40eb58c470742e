"""Gradient caching: the gradients of the whole batch, with only one part's graph at a time."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from fervlm.contrastive.grad_cache import cached_backward
from fervlm.contrastive.local import LocalBatch, local_loss
from fervlm.contrastive.loss import Form, multi_positive_loss

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")),
]


class Towers(nn.Module):
    def __init__(self, dropout: float = 0.0, norm: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.picture, self.text = (
            nn.Sequential(
                nn.Linear(10, 16),
                nn.BatchNorm1d(16) if norm else nn.Identity(),
                nn.ReLU(),
                nn.Dropout(dropout),
                nn.Linear(16, 8),
            )
            for _ in range(2)
        )
        self.log_scale, self.bias = nn.Parameter(torch.tensor(2.0)), nn.Parameter(torch.tensor(-3.0))

    def encode(self, part: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return functional.normalize(self.picture(part[0]), dim=1), functional.normalize(self.text(part[1]), dim=1)

    def loss(self, a: Tensor, b: Tensor, form: Form = "softmax") -> Tensor:
        return multi_positive_loss(a, b, None, self.log_scale.exp(), logit_bias=self.bias, form=form)


def data(count: int, device: str = "cpu", dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1)
    made = [torch.randn(count, 10, generator=draw).to(device, dtype) for _ in range(2)]
    return made[0], made[1]


def parts_of(whole: tuple[Tensor, Tensor], size: int) -> list[tuple[Tensor, Tensor]]:
    return list(zip(whole[0].split(size), whole[1].split(size), strict=True))


def reference(model: Towers, parts: list[tuple[Tensor, Tensor]]) -> Tensor:
    """The parts one after another with a graph, all of it held."""
    features = [model.encode(part) for part in parts]
    loss = model.loss(*(torch.cat(side) for side in zip(*features, strict=True)))
    loss.backward()
    return loss.detach()


def assert_same(one: nn.Module, two: nn.Module, **tolerance: float) -> None:
    for (name, mine), other in zip(one.named_parameters(), two.parameters(), strict=True):
        assert mine.grad is not None, name
        torch.testing.assert_close(mine.grad, other.grad, msg=lambda text, n=name: f"{n}: {text}", **tolerance)


@pytest.mark.parametrize("form", ["softmax", "sigmoid"])
@pytest.mark.parametrize("size", [1, 4, 11, 40])
def test_it_is_the_gradient_of_the_whole_batch_also_for_the_temperature(form: Form, size: int) -> None:
    model, plain = Towers().double(), Towers().double()
    whole = data(30, dtype=torch.float64)
    loss = cached_backward(model.encode, parts_of(whole, size), lambda a, b: model.loss(a, b, form), [model])
    expected = plain.loss(*plain.encode(whole), form)
    expected.backward()
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-12, atol=1e-12)
    assert not loss.requires_grad
    assert_same(model, plain, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("device", DEVICES)
def test_dropout_and_running_statistics_are_as_in_one_pass(device: str) -> None:
    model = Towers(dropout=0.4, norm=True).to(device)
    plain = copy.deepcopy(model)
    parts = parts_of(data(24, device=device), 6)
    torch.manual_seed(7)
    loss = cached_backward(model.encode, parts, model.loss, [model])
    left = torch.rand(3, device=device)
    torch.manual_seed(7)
    expected = reference(plain, parts)
    torch.testing.assert_close(loss, expected)
    assert_same(model, plain, rtol=1e-4, atol=1e-6)
    assert torch.equal(left, torch.rand(3, device=device)), "the random state goes on as if there had been one pass"
    for (name, mine), other in zip(model.named_buffers(), plain.buffers(), strict=True):
        assert torch.equal(mine, other), name
    fresh = Towers(dropout=0.4, norm=True).to(device)
    torch.manual_seed(7)
    cached_backward(fresh.encode, parts, fresh.loss)
    counts = [dict(m.named_buffers())["picture.1.num_batches_tracked"].item() for m in (model, fresh)]
    assert counts == [4, 8], "only named modules keep their statistics in the first pass"


def test_gradients_are_added_to_those_already_there() -> None:
    model, plain = Towers(), Towers()
    parts = parts_of(data(12), 5)
    for _ in range(2):
        cached_backward(model.encode, parts, model.loss)
    (2 * plain.loss(*plain.encode(data(12)))).backward()
    assert_same(model, plain, rtol=1e-4, atol=1e-6)


def test_autocast_around_both_passes_keeps_every_gradient() -> None:
    model, plain = Towers(), Towers()
    whole = data(12)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cached_backward(model.encode, parts_of(whole, 5), model.loss)
        reference(plain, parts_of(whole, 5))
    for (name, mine), other in zip(model.named_parameters(), plain.parameters(), strict=True):
        assert mine.grad is not None, name
        # One graph adds the parts' gradients by the weights in bf16, two passes add them in fp32.
        assert (mine.grad - other.grad).norm() < 0.01 * other.grad.norm() + 1e-9, name


def test_features_of_any_shape_and_frozen_towers() -> None:
    model, plain = Towers(), Towers()
    pictures, texts = data(12)
    owners = torch.arange(12) // 2

    def encode(side: Towers, part: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        patches = side.picture(part[0]).view(-1, 2, 8)
        with torch.no_grad():
            sentences = functional.normalize(side.text(part[1]), dim=1)
        return patches, sentences, torch.arange(len(patches))

    def loss(side: Towers, patches: Tensor, sentences: Tensor, numbers: Tensor) -> Tensor:
        assert numbers.dtype == torch.int64
        return local_loss(LocalBatch(patches, sentences, owners), "attention", side.log_scale.exp())

    cached_backward(lambda p: encode(model, p), parts_of((pictures, texts), 4), lambda *f: loss(model, *f))
    loss(plain, *encode(plain, (pictures, texts))).backward()
    assert all(p.grad is None for p in model.text.parameters())
    for mine, other in zip(model.picture.parameters(), plain.picture.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(model.log_scale.grad, plain.log_scale.grad)


def test_only_one_part_is_held_with_a_graph() -> None:
    held, most = 0, [0]

    class Counted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ANN401
            return x * 1

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ANN401
            nonlocal held
            held -= 1
            return gradient

    model = Towers()

    def encode(part: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        nonlocal held
        a, b = model.encode(part)
        if a.requires_grad:
            held += 1
            most[0] = max(most[0], held)
            a = Counted.apply(a)
        return a, b

    cached_backward(encode, parts_of(data(12), 3), model.loss)
    assert most == [1]
    assert held == 0


def test_no_part_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one part"):
        cached_backward(lambda part: (part,), [], lambda x: x.sum())
