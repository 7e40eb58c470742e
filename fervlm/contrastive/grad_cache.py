"""Gradients of a batch too large to hold at once, in two passes over its parts (Gao et al. 2021, arXiv:2101.06983).

First all parts are encoded without a graph. The loss of the whole batch gives the gradient by each feature (and,
directly, by whatever stands in the loss itself, such as the temperature). Then each part is encoded again, now with a
graph, and the kept gradient is sent back through it. Only one part's activations are ever held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

Part = TypeVar("Part")


def cached_backward(
    encode: Callable[[Part], Sequence[Tensor]],
    parts: Sequence[Part],
    loss: Callable[..., Tensor],
    modules: Iterable[nn.Module] = (),
) -> Tensor:
    """Add the gradients of `loss` over all parts together to the parameters, and return the loss, without a graph.

    Equal to encoding the parts one after another with a graph, joining the features and calling `backward`: also for
    parameters used in `loss`, and with dropout, since torch's random states (CPU and CUDA) are replayed; afterwards
    they stand where that would have left them. Random numbers of Python or numpy in `encode` are not replayed.

    Batch normalisation normalises each part by itself, so with it the features are those of smaller batches, not of the
    whole; its running statistics move once, as in the second pass, if the module is named in `modules`.

    Args:
        encode: a part -> its features, always as many tensors; joined along the first dimension, whose size may vary.
        parts: what `encode` takes, one at a time.
        loss: the joined features, in that order -> a 0-dim loss. Scale it here for a `GradScaler`.
        modules: whose buffers must not change twice (the towers).

    Raises:
        ValueError: no part.
    """
    if not parts:
        raise ValueError("gradient caching needs at least one part")
    if len(parts) == 1:
        whole = loss(*encode(parts[0]))
        whole.backward()  # type: ignore[no-untyped-call]
        return whole.detach()
    states, found = [], []
    buffers = [(buffer, buffer.clone()) for module in modules for buffer in module.buffers()]
    with torch.no_grad():
        for part in parts:
            states.append(_random_state())
            found.append([feature.detach() for feature in encode(part)])
        for buffer, before in buffers:
            buffer.copy_(before)
    joined = [torch.cat(features) for features in zip(*found, strict=True)]
    for feature in joined:
        feature.requires_grad_(feature.is_floating_point())
    whole = loss(*joined)
    whole.backward()  # type: ignore[no-untyped-call]
    after = _random_state()
    sizes = [[len(feature) for feature in features] for features in zip(*found, strict=True)]
    gradients = [_split(feature.grad, size) for feature, size in zip(joined, sizes, strict=True)]
    for part, state, *own in zip(parts, states, *gradients, strict=True):
        _set_random_state(state)
        pairs = zip(encode(part), own, strict=True)
        told = [(feature, gradient) for feature, gradient in pairs if gradient is not None and feature.requires_grad]
        if told:
            torch.autograd.backward([feature for feature, _ in told], [gradient for _, gradient in told])
    _set_random_state(after)
    return whole.detach()


def _split(gradient: Tensor | None, sizes: list[int]) -> list[Tensor | None]:
    return [None] * len(sizes) if gradient is None else list(torch.split(gradient, sizes))


def _random_state() -> list[Tensor]:
    cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if cuda else [])]


def _set_random_state(state: list[Tensor]) -> None:
    torch.set_rng_state(state[0])
    if len(state) > 1:
        torch.cuda.set_rng_state_all(state[1:])
