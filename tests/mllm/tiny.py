"""Tiny checkpoints with random weights, of the real classes of each family, made here; nothing is downloaded.

The chat templates are ours, in each family's form of turns.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import fervlm.torchvision_fix  # noqa: F401 - before transformers
from fervlm.mllm.nano import TEMPLATE as CHATML
from fervlm.mllm.nano import build_nano
from fervlm.mllm.shape import NanoSettings
from fervlm.mllm.vocabulary import tables, train_sentencepiece

TEXTS = (
    "Which of these expressions does the face show: anger, disgust, fear, happiness, sadness, surprise, neutral?",
    "Describe the facial expression and explain it: key observations, interpretation, conclusion.",
    "Overview: The lip corners are raised.\n\nKey observations\n- Mouth: The lip corners are pulled up (AU12).",
    "Interpretation\nAU12 counts towards happiness.\n\nConclusion\nConsistent with happiness.\nLabel: happiness",
    "Yes. AU4 is present. No. AU15 is absent. The brows are drawn together (AU4) while the lids tighten (AU7).",
)
_BLOCK = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 1024,
}
_TOWER = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 28,
    "patch_size": 14,
}
_CHATML_FLAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE\n{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_VICUNA = (
    "{% for message in messages %}{% if message['role'] == 'user' %}USER: {% else %}ASSISTANT: {% endif %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}"
    "{% endif %}{% endfor %} {% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
_IDEFICS = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}:"
    "{% if message['content'][0]['type'] == 'text' %} {% endif %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}{% endfor %}"
    "<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
_GEMMA = (
    "{{ bos_token }}{% for message in messages %}<start_of_turn>"
    "{{ 'model' if message['role'] == 'assistant' else 'user' }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<start_of_image>{% else %}{{ part['text'] | trim }}{% endif %}{% endfor %}"
    "<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)


def make(family: str, folder: Path) -> Path:
    """A checkpoint of the family in `folder`, with equal weights each time."""
    torch.manual_seed(0)
    model, processor = FAMILIES[family]()
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def nano(folder: Path) -> Path:
    """The nano's own class with fewer numbers."""
    build_nano(tiny_nano(), [*TEXTS * 8], folder)
    return folder


def tiny_nano() -> NanoSettings:
    """Numbers of a nano that trains in seconds."""
    return NanoSettings(entries=420, side=64, tower="test_resnet", width=64, depth=2, heads=2, hidden=96)


def _byte_level(special: list[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    import json

    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=special,
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS * 8, trainer)
    made = json.loads(tokenizer.to_str())["model"]
    return made["vocab"], [tuple(pair) for pair in made["merges"]]


def _pieces(special: list[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    vocabulary, merges = tables(train_sentencepiece(TEXTS * 8, 480))
    for token in special:
        vocabulary.setdefault(token, len(vocabulary))
    return vocabulary, merges


def _qwen_tokenizer(special: list[str], named: dict[str, str]) -> Any:
    from transformers import Qwen2Tokenizer

    vocabulary, merges = _byte_level(["<|endoftext|>", "<|im_start|>", "<|im_end|>", *special])
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=merges, eos_token="<|im_end|>", extra_special_tokens=named)
    return _special(tokenizer, ["<|im_start|>", *special])


def _special(tokenizer: Any, tokens: list[str]) -> Any:
    """Told to be special without a name, as the published tokenizers have it."""
    from transformers import AddedToken

    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in tokens])
    return tokenizer


def _qwen(kind: str) -> tuple[Any, Any]:
    import transformers as t

    special = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    tokenizer = _qwen_tokenizer(special, {"image_token": "<|image_pad|>", "video_token": "<|video_pad|>"})
    ids = dict(
        zip(
            ("vision_start_token_id", "vision_end_token_id", "image_token_id", "video_token_id"),
            tokenizer.convert_tokens_to_ids(special),
            strict=True,
        )
    )
    patch = 14 if kind == "qwen25" else 16
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [2, 1, 1]}
    tower: dict[str, Any] = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 4,
        "out_hidden_size": 32,
        "patch_size": patch,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
    }
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
    text = _BLOCK | ends | {"vocab_size": len(tokenizer), "rope_parameters": rope, "tie_word_embeddings": False}
    if kind == "qwen25":
        tower |= {"window_size": 56, "fullatt_block_indexes": [1]}
        model: Any = t.Qwen2_5_VLForConditionalGeneration(
            t.Qwen2_5_VLConfig(text_config=text, vision_config=tower, **ids)
        )
    else:
        rope["mrope_interleaved"] = True
        tower |= {"num_position_embeddings": 16, "deepstack_visual_indexes": [0]}
        model = t.Qwen3VLForConditionalGeneration(t.Qwen3VLConfig(text_config=text, vision_config=tower, **ids))
    shape: dict[str, Any] = {"patch_size": patch, "merge_size": 2, "temporal_patch_size": 2}
    area = (patch * 4) ** 2
    images = t.Qwen2VLImageProcessor(**shape, size={"shortest_edge": area, "longest_edge": area})
    if kind == "qwen25":
        return model, t.Qwen2_5_VLProcessor(images, tokenizer, t.Qwen2VLVideoProcessor(**shape), chat_template=CHATML)
    return model, t.Qwen3VLProcessor(images, tokenizer, t.Qwen3VLVideoProcessor(**shape), chat_template=CHATML)


def _llava() -> tuple[Any, Any]:
    import transformers as t

    vocabulary, merges = _pieces(["<s>", "</s>", "<pad>", "<image>"])
    tokenizer = _special(t.LlamaTokenizer(vocab=vocabulary, merges=merges, pad_token="<pad>"), ["<image>"])
    text = t.LlamaConfig(
        **_BLOCK, vocab_size=len(tokenizer), bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id
    )
    config = t.LlavaConfig(
        vision_config=t.CLIPVisionConfig(**_TOWER, projection_dim=32),
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-2,
        image_seq_length=4,
    )
    images = t.CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    processor = t.LlavaProcessor(
        images,
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=_VICUNA,
    )
    return t.LlavaForConditionalGeneration(config), processor


def _idefics3() -> tuple[Any, Any]:
    import transformers as t

    rows = [f"<row_{i + 1}_col_{j + 1}>" for i in range(6) for j in range(6)]
    special = ["<image>", "<fake_token_around_image>", "<end_of_utterance>", "<global-img>", "<|im_start|>", *rows]
    vocabulary, merges = _byte_level(["<|endoftext|>", "<|im_end|>", *special])
    tokenizer = t.GPT2Tokenizer(
        vocab=vocabulary,
        merges=merges,
        bos_token="<|im_start|>",
        eos_token="<end_of_utterance>",
        unk_token="<|endoftext|>",
        pad_token="<|im_end|>",
    )
    tokenizer = _special(tokenizer, special)
    text = t.LlamaConfig(
        **_BLOCK,
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    config = t.Idefics3Config(
        vision_config={**_TOWER, "image_size": 56},
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
        scale_factor=2,
    )
    images = t.Idefics3ImageProcessor(
        size={"longest_edge": 56}, max_image_size={"longest_edge": 56}, do_image_splitting=False
    )
    processor = t.Idefics3Processor(images, tokenizer, image_seq_len=4, chat_template=_IDEFICS)
    return t.Idefics3ForConditionalGeneration(config), processor


def _internvl() -> tuple[Any, Any]:
    import transformers as t

    named = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    tokenizer = _qwen_tokenizer(list(named.values()), named)
    text = t.Qwen2Config(
        **{k: v for k, v in _BLOCK.items() if k != "head_dim"},
        vocab_size=len(tokenizer),
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    config = t.InternVLConfig(
        vision_config=t.InternVLVisionConfig(**{**_TOWER, "image_size": [56, 56], "patch_size": [14, 14]}),
        text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
    )
    images = t.GotOcr2ImageProcessor(size={"height": 56, "width": 56}, crop_to_patches=False)
    processor = t.InternVLProcessor(
        images,
        tokenizer,
        t.InternVLVideoProcessor(size={"height": 56, "width": 56}),
        image_seq_length=4,
        chat_template=_CHATML_FLAT.replace("IMAGE", "<IMG_CONTEXT>"),
    )
    return t.InternVLForConditionalGeneration(config), processor


def _gemma3() -> tuple[Any, Any]:
    import transformers as t

    named = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
    turns = ["<start_of_turn>", "<end_of_turn>"]
    vocabulary, merges = _pieces(["<pad>", "<eos>", "<bos>", "<mask>", *turns, *named.values()])
    tokenizer = t.GemmaTokenizer(vocab=vocabulary, merges=merges, extra_special_tokens=named)
    tokenizer = _special(tokenizer, turns)
    ids = {f"{name}_token_index": tokenizer.convert_tokens_to_ids(named[f"{name}_token"]) for name in ("boi", "eoi")}
    text = t.Gemma3TextConfig(
        **_BLOCK,
        vocab_size=len(tokenizer),
        sliding_window=64,
        layer_types=["sliding_attention", "full_attention"],
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    config = t.Gemma3Config(
        text_config=text,
        vision_config=t.SiglipVisionConfig(**{**_TOWER, "image_size": 56}),
        mm_tokens_per_image=4,
        image_token_index=tokenizer.convert_tokens_to_ids("<image_soft_token>"),
        **ids,
    )
    images = t.Gemma3ImageProcessor(size={"height": 56, "width": 56}, do_pan_and_scan=False)
    processor = t.Gemma3Processor(images, tokenizer, image_seq_length=4, chat_template=_GEMMA)
    return t.Gemma3ForConditionalGeneration(config), processor


FAMILIES: dict[str, Callable[[], tuple[Any, Any]]] = {
    "qwen25": lambda: _qwen("qwen25"),
    "qwen3": lambda: _qwen("qwen3"),
    "llava": _llava,
    "idefics3": _idefics3,
    "internvl": _internvl,
    "gemma3": _gemma3,
}
