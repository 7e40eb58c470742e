"""The nano-VLM: a FastVLM of a few million parameters, made from scratch with a vocabulary of its own.

The class is one that transformers serves, and vLLM through transformers; only its numbers are small. Its picture
tower is the contrastive nano's convolutional one, with the same weights to begin with: a face of 96 x 96 pixels makes
3 x 3 picture tokens. From 35,000 faces alone, a vision transformer of equal size learned far less.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

import fervlm.torchvision_fix  # noqa: F401 - before transformers' image processors
from fervlm.mllm.shape import NanoSettings
from fervlm.mllm.vocabulary import (
    END_OF_TEXT,
    IMAGE,
    SPECIAL,
    TURN_END,
    VISION_END,
    VISION_START,
    to_tokenizer,
    train_sentencepiece,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] in ('image', 'image_url') or 'image' in part or 'image_url' in part %}"
    "<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif 'text' in part %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Turns of a conversation, as ChatML."""
SENTENCEPIECE = "tokenizer.model"
STRIDE = 32
"""Pixels of a picture token's side."""


def build_nano(settings: NanoSettings, texts: Iterable[str], folder: Path, seed: int = 0) -> None:
    """Write a checkpoint with random weights: config, weights, SentencePiece vocabulary, processor, chat template."""
    from transformers.utils.logging import disable_progress_bar

    folder.mkdir(parents=True, exist_ok=True)
    pieces = train_sentencepiece(texts, settings.entries)
    processor = _processor(settings, pieces)
    torch.manual_seed(seed)
    tokenizer = processor.tokenizer
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in SPECIAL}
    model = nano_model(settings, ids, len(tokenizer))
    disable_progress_bar()  # type: ignore[no-untyped-call]
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    (folder / SENTENCEPIECE).write_bytes(pieces)


def _processor(settings: NanoSettings, pieces: bytes) -> Any:
    from transformers import CLIPImageProcessor, LlavaProcessor, PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=to_tokenizer(pieces),
        eos_token=TURN_END,
        pad_token=END_OF_TEXT,
        unk_token="<unk>",
        model_max_length=settings.context,
        clean_up_tokenization_spaces=False,
        extra_special_tokens={
            "image_token": IMAGE,
            "vision_bos_token": VISION_START,
            "vision_eos_token": VISION_END,
        },
    )
    square = {"height": settings.side, "width": settings.side}
    images = CLIPImageProcessor(
        size=square,
        crop_size=square,  # nothing is cropped, but picture tokens are counted from it
        do_center_crop=False,
        resample=2,
        image_mean=[0.5] * 3,
        image_std=[0.25] * 3,
    )
    return LlavaProcessor(  # type: ignore[no-untyped-call]
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=STRIDE,
        vision_feature_select_strategy="full",
        num_additional_image_tokens=0,
        image_token=IMAGE,
        chat_template=TEMPLATE,
    )


def nano_model(
    settings: NanoSettings, ids: dict[str, int] | None = None, entries: int | None = None
) -> PreTrainedModel:
    """The model with random weights.

    Args:
        settings: its numbers.
        ids: of the special tokens; counted from 0 where there is no tokenizer yet.
        entries: of the tokenizer, special tokens included.
    """
    import timm
    from transformers import FastVlmConfig, FastVlmForConditionalGeneration

    ids = ids or {name: place for place, name in enumerate(SPECIAL)}
    end, pad = ids[TURN_END], ids[END_OF_TEXT]
    entries = entries or settings.entries + len(SPECIAL)
    text = {
        "model_type": "qwen3",
        "vocab_size": -(-entries // 64) * 64,
        "hidden_size": settings.width,
        "intermediate_size": settings.hidden,
        "num_hidden_layers": settings.depth,
        "num_attention_heads": settings.heads,
        "num_key_value_heads": settings.key_heads,
        "head_dim": settings.width // settings.heads,
        "max_position_embeddings": settings.context,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0},
        "bos_token_id": pad,
        "eos_token_id": end,
        "pad_token_id": pad,
        "tie_word_embeddings": True,
    }
    with torch.device("meta"):
        channels = timm.create_model(settings.tower, num_classes=0).num_features
    vision = {
        "model_type": "timm_wrapper",
        "architecture": settings.tower,
        "hidden_size": channels,
        "num_features": channels,
        "do_pooling": False,
        "num_labels": 0,
    }
    config = FastVlmConfig(
        text_config=text,
        vision_config=vision,
        image_token_index=ids[IMAGE],
        image_seq_length=(settings.side // STRIDE) ** 2,
        tie_word_embeddings=True,
    )
    model: PreTrainedModel = FastVlmForConditionalGeneration(config)
    model.generation_config.eos_token_id = end
    model.generation_config.pad_token_id = pad
    return model
