"""Guards against what has failed in published trainings: parameters that learn nothing, data that cannot be learned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from fervlm.errors import FervlmError
from fervlm.mllm.settings import TalkConfig

Say = Callable[[str], None]
SAMPLES = 32
_ENOUGH = 0.1
"""Of the first loss: below this a sample counts as learned by heart."""
_MOST = 300
_TOLD = 3


def check_gradients(model: nn.Module, batch: dict[str, Tensor]) -> None:
    """One pass forward and back on a batch; weights stay as they are.

    An untrained LoRA's second matrix is zero, so the first one's gradient is zero but there.

    Raises:
        FervlmError: a trained parameter gets no gradient, or one that is no number.
    """
    plain = {name: value for name, value in batch.items() if name != "weights"}
    model.zero_grad()
    loss: Tensor = model(**plain).loss
    loss.backward()  # type: ignore[no-untyped-call]
    missing = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
    broken = [n for n, p in model.named_parameters() if p.grad is not None and not bool(torch.isfinite(p.grad).all())]
    model.zero_grad()
    if missing:
        more = f" and {len(missing) - _TOLD} more" if len(missing) > _TOLD else ""
        raise FervlmError(
            f"{len(missing)} trained weights get no gradient ({', '.join(missing[:_TOLD])}{more})",
            hint="Are the LoRA targets layers that the answers pass through?",
        )
    if broken:
        raise FervlmError(f"gradients of {len(broken)} weights are no numbers ({broken[0]})", hint="Lower lr.")


def overfit(config: TalkConfig, made: Any, say: Say) -> tuple[float, float]:
    """Learn 32 samples by heart: what cannot do that will not learn more either.

    Args:
        config: of the run; its lr, batch and clip_norm are used.
        made: a `fervlm.mllm.train.Prepared`.
        say: takes lines for the user.

    Returns:
        The first and the last mean loss of an answer's token.

    Raises:
        FervlmError: the loss does not fall below a tenth of its first value within 300 passes.
    """
    rows = [made.order.passes[k] for k in range(min(SAMPLES, len(made.order)))]
    size = max(1, min(len(rows), config.batch // config.parts))
    batches = [made.collator(rows[start : start + size]) for start in range(0, len(rows), size)]
    made.model.train()
    check_gradients(made.model, batches[0])
    first = last = float("nan")
    for turn, loss in enumerate(_passes(config, made.model, batches)):
        first, last = (loss, loss) if turn == 0 else (first, loss)
        if turn % 10 == 0:
            say(f"pass {turn}: loss {loss:.3f}")
        if last < _ENOUGH * first:
            say(f"{len(rows)} samples are learned: loss {first:.3f} before, {last:.3f} after {turn + 1} passes")
            return first, last
    raise FervlmError(
        f"{len(rows)} samples could not be learned by heart (loss {first:.3f} before, {last:.3f} after {_MOST} passes)",
        hint="Raise lr, or look at the targets and the data.",
    )


def _passes(config: TalkConfig, model: Any, batches: list[dict[str, Tensor]]) -> Iterator[float]:
    """The mean loss of each pass, with the weights as they were during it."""
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=config.lr, weight_decay=0.0)
    for _ in range(_MOST):
        total = 0.0
        for batch in batches:
            plain = {name: value.to(model.device) for name, value in batch.items() if name != "weights"}
            loss = model(**plain).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, config.clip_norm)
            optimizer.step()
            optimizer.zero_grad()
            total += loss.item()
        yield total / len(batches)
