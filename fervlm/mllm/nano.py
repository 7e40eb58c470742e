"""The nano-VLM: a Qwen3-VL of a few million parameters, made from scratch with a vocabulary of its own.

The class is one that transformers and vLLM serve unchanged; only its numbers are small. A face of 96 x 96 pixels is cut
into 8 x 8 patches, four of which make one token: 16 picture tokens.
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
    VIDEO,
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
    "{% elif part['type'] == 'video' or 'video' in part %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif 'text' in part %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Turns of a conversation, as ChatML."""
SENTENCEPIECE = "tokenizer.model"


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
    from transformers import (
        PreTrainedTokenizerFast,
        Qwen2VLImageProcessor,
        Qwen3VLProcessor,
        Qwen3VLVideoProcessor,
    )

    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=to_tokenizer(pieces),
        eos_token=TURN_END,
        pad_token=END_OF_TEXT,
        unk_token="<unk>",
        model_max_length=settings.context,
        clean_up_tokenization_spaces=False,
        extra_special_tokens={
            "image_token": IMAGE,
            "video_token": VIDEO,
            "vision_bos_token": VISION_START,
            "vision_eos_token": VISION_END,
        },
    )
    shape: dict[str, Any] = {"patch_size": settings.patch, "merge_size": 2, "temporal_patch_size": 2}
    levels = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    area = settings.side * settings.side
    return Qwen3VLProcessor(  # type: ignore[no-untyped-call]
        image_processor=Qwen2VLImageProcessor(
            **shape, **levels, size={"shortest_edge": area, "longest_edge": area}, resample=2
        ),
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(**shape, **levels),
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
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    ids = ids or {name: place for place, name in enumerate(SPECIAL)}
    end, pad = ids[TURN_END], ids[END_OF_TEXT]
    entries = entries or settings.entries + len(SPECIAL)
    head = settings.width // settings.heads
    third = head // 2 // 3
    text = {
        "vocab_size": -(-entries // 64) * 64,
        "hidden_size": settings.width,
        "intermediate_size": settings.hidden,
        "num_hidden_layers": settings.depth,
        "num_attention_heads": settings.heads,
        "num_key_value_heads": settings.key_heads,
        "head_dim": head,
        "max_position_embeddings": settings.context,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10_000.0,
            "mrope_section": [head // 2 - 2 * third, third, third],
            "mrope_interleaved": True,
        },
        "bos_token_id": pad,
        "eos_token_id": end,
        "pad_token_id": pad,
        "tie_word_embeddings": True,
    }
    vision = {
        "depth": settings.vision_depth,
        "hidden_size": settings.vision_width,
        "intermediate_size": settings.vision_width * 5 // 2,
        "num_heads": settings.vision_heads,
        "out_hidden_size": settings.width,
        "patch_size": settings.patch,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "num_position_embeddings": (settings.side // settings.patch) ** 2,
        "deepstack_visual_indexes": [settings.vision_depth // 2],
        "in_channels": 3,
    }
    config = Qwen3VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=ids[IMAGE],
        video_token_id=ids[VIDEO],
        vision_start_token_id=ids[VISION_START],
        vision_end_token_id=ids[VISION_END],
        tie_word_embeddings=True,
    )
    model: PreTrainedModel = Qwen3VLForConditionalGeneration(config)  # type: ignore[no-untyped-call]
    model.generation_config.eos_token_id = end
    model.generation_config.pad_token_id = pad
    return model
