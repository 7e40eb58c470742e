"""The small model of our own: an open_clip configuration for faces of 48 to 64 pixels."""

from __future__ import annotations

from typing import Any

IMAGE_SIZE = 96
CONTEXT_LENGTH = 64


def nano_config(vocabulary: int, image_size: int = IMAGE_SIZE) -> dict[str, Any]:
    """open_clip's `model_cfg`.

    Picture tower: a CSP net whose first step folds 2 x 2 pixels into channels, so that a 48-pixel face shown at 96 is
    seen at its own resolution; 2.9 M parameters with the projection. Text tower: 3 layers of width 128.

    Args:
        vocabulary: entries of the tokenizer, at most 4,096.
        image_size: side of the pictures it is to be used with; the net takes any, but knows faces of one size.
    """
    return {
        "embed_dim": 192,
        "vision_cfg": {
            "timm_model_name": "cs3darknet_focus_s",
            "timm_model_pretrained": False,
            "timm_pool": "avg",
            "timm_proj": "linear",
            "timm_drop": 0.1,
            "image_size": image_size,
        },
        "text_cfg": {
            "context_length": CONTEXT_LENGTH,
            "vocab_size": vocabulary,
            "width": 128,
            "heads": 4,
            "layers": 3,
            "hf_tokenizer_name": "tokenizer",
        },
    }
