"""Answers written in batches, the likeliest token each time, or sampled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image

from fervlm.errors import FervlmError
from fervlm.mllm.form import Form, InForm
from fervlm.mllm.score import prompt_batch
from fervlm.mllm.spans import Message, rendered

_SAMPLED = 64
"""Allowed tokens that are sampled among where a form is held to."""


@torch.inference_mode()
def generate(
    model: Any,
    processor: Any,
    asked: Sequence[Sequence[Message]],
    pictures: Sequence[Sequence[Image.Image]],
    *,
    most: int = 512,
    streamer: Any = None,
    temperature: float = 0.0,
    seed: int | None = None,
    form: Form | None = None,
) -> list[str]:
    """One answer to each conversation.

    Args:
        model: in evaluation.
        processor: of the model.
        asked: N conversations that end in a question.
        pictures: those shown in each.
        most: tokens of an answer.
        streamer: takes the tokens as they come (one conversation only).
        temperature: 0 takes the likeliest token.
        seed: of the sampling.
        form: that each answer is held to; see `fervlm.mllm.form`.

    Raises:
        FervlmError: a conversation leaves no room for an answer in the model's context.
    """
    prompts = [processor.apply_chat_template(list(m), tokenize=False, add_generation_prompt=True) for m in asked]
    batch = prompt_batch(processor, prompts, pictures, model.device)
    length = batch["input_ids"].shape[1]
    room = context_of(model) - length
    if room < 1:
        raise FervlmError(
            f"the question takes {length:,} tokens, the model reads {context_of(model):,}", hint="Ask more briefly."
        )
    if seed is not None:
        torch.manual_seed(seed)
    chosen: dict[str, Any] = {"do_sample": temperature > 0}
    if temperature > 0:
        chosen |= {"temperature": temperature}
    ends = stop_tokens(model, processor)
    if form is not None:
        held = InForm(processor.tokenizer, form, ends, wide=_SAMPLED if temperature > 0 else 1)
        chosen |= {"logits_processor": [held]}
    found = model.generate(
        **batch,
        **chosen,
        max_new_tokens=min(most, room),
        eos_token_id=ends,
        pad_token_id=processor.tokenizer.pad_token_id,
        streamer=streamer,
    )
    texts: list[str] = processor.tokenizer.batch_decode(found[:, length:], skip_special_tokens=True)
    return [text.strip() for text in texts]


def stop_tokens(model: Any, processor: Any) -> list[int]:
    """What ends an answer: the model's own end tokens, and the one that the chat template puts there."""
    own = model.generation_config.eos_token_id
    tokens = [] if own is None else [own] if isinstance(own, int) else list(own)
    question: Message = {"role": "user", "content": [{"type": "text", "text": "?"}]}
    answer: Message = {"role": "assistant", "content": [{"type": "text", "text": "x"}]}
    made = rendered(processor, [question, answer])
    end = made.text[: made.spans[0][1]]
    last = processor.tokenizer(end, add_special_tokens=False)["input_ids"][-1]
    return list(dict.fromkeys([*tokens, int(last)]))


def context_of(model: Any) -> int:
    """Tokens that the model can read and write."""
    text = model.config.get_text_config()
    return int(getattr(text, "max_position_embeddings", 4096))
