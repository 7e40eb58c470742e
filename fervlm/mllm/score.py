"""Probabilities of labels by scoring every one of them as an answer, not by trusting the one that was sampled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from fervlm.mllm.spans import Message, adds_special_tokens, rendered


@torch.inference_mode()
def score_answers(
    model: Any,
    processor: Any,
    asked: Sequence[Sequence[Message]],
    pictures: Sequence[Sequence[Image.Image]],
    answers: Sequence[str],
) -> Tensor:
    """How likely the model would give each answer.

    The conversation is read once; the answers then branch off it.

    Args:
        model: on its device, in evaluation.
        processor: of the model.
        asked: N conversations that end in a question.
        pictures: those shown in each.
        answers: K texts.

    Returns:
        float32 [N, K]: sums of the log-probabilities of an answer's tokens, its end mark included.
    """
    prompts, tails = _split(processor, asked, answers)
    batch = prompt_batch(processor, prompts, pictures, model.device)
    places = None if _counts_pictures(model) else _places(model, batch["attention_mask"], batch["input_ids"].shape[1])
    out = model(**batch, **({} if places is None else {"position_ids": places}), use_cache=True, logits_to_keep=1)
    first = out.logits[:, -1].float().log_softmax(-1)
    total: Tensor = first[:, [tail[0] for tail in tails]]
    longest = max(map(len, tails))
    if longest == 1:
        return total
    count, width = len(asked), len(tails)
    cache = out.past_key_values
    cache.batch_repeat_interleave(width)
    pad = processor.tokenizer.pad_token_id or 0
    rows = torch.tensor([tail[:-1] + [pad] * (longest - len(tail)) for tail in tails], device=model.device)
    steps = rows.repeat(count, 1)
    real = torch.tensor([[1] * (len(t) - 1) + [0] * (longest - len(t)) for t in tails], device=model.device)
    seen = batch["attention_mask"].repeat_interleave(width, 0)
    mask = torch.cat([seen, torch.ones_like(steps)], 1)
    places = _places(model, mask, steps.shape[1])
    after = model(input_ids=steps, attention_mask=mask, position_ids=places, past_key_values=cache, use_cache=True)
    told = after.logits[:, -steps.shape[1] :].float().log_softmax(-1)
    wanted = torch.tensor([tail[1:] + [pad] * (longest - len(tail)) for tail in tails], device=model.device)
    each = told.gather(-1, wanted.repeat(count, 1)[..., None])[..., 0] * real.repeat(count, 1)
    whole: Tensor = total + each.sum(1).view(count, width)
    return whole


def _counts_pictures(model: Any) -> bool:
    """Whether the model works out positions by itself: Qwen-VL models count a picture's tokens in two dimensions."""
    return any("rope_deltas" in module.__dict__ for module in model.modules())


def _places(model: Any, mask: Tensor, count: int) -> Tensor:
    """Positions of the last `count` tokens, padding not counted."""
    places: Tensor = (mask.long().cumsum(-1) - 1).clamp(min=0)[:, -count:]
    kept = (module.__dict__.get("rope_deltas") for module in model.modules())
    deltas = next((found for found in kept if found is not None), None)
    if deltas is None:
        return places
    shift: Tensor = deltas.repeat_interleave(len(places) // len(deltas), 0).to(places.device)
    return (places + shift)[None].expand(3, -1, -1)


def prompt_batch(
    processor: Any,
    prompts: Sequence[str],
    pictures: Sequence[Sequence[Image.Image]],
    device: torch.device | str,
) -> dict[str, Tensor]:
    """Prompts as a left-padded batch, so that every one ends where the model begins to speak."""
    shown = [list(row) for row in pictures]
    batch = processor(
        text=list(prompts),
        images=shown if any(shown) else None,
        padding=True,
        padding_side="left",
        return_tensors="pt",
        add_special_tokens=adds_special_tokens(processor, prompts[0]),
    )
    return {name: value.to(device) for name, value in dict(batch).items()}


def _split(
    processor: Any,
    asked: Sequence[Sequence[Message]],
    answers: Sequence[str],
) -> tuple[list[str], list[list[int]]]:
    """Prompts, and the tokens of each answer as they follow the first prompt, with the end mark."""
    prompts, tails = [], []
    for messages in asked:
        prompts.append(processor.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True))
    for answer in answers:
        spoken: Message = {"role": "assistant", "content": [{"type": "text", "text": answer}]}
        made = rendered(processor, [*asked[0], spoken])
        begin, end = made.spans[-1]
        plain = processor.tokenizer(made.text, add_special_tokens=False, return_offsets_mapping=True)
        pairs = zip(plain["input_ids"], plain["offset_mapping"], strict=True)
        tails.append([token for token, (a, b) in pairs if b > a >= begin and b <= end])
    return prompts, tails
