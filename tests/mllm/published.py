"""What a small model is published with, for tests."""

from __future__ import annotations

from typing import Any

from fervlm.mllm.opening import pixels_of
from fervlm.mllm.publish import Notes, base_fingerprint


def notes_of(model: Any, processor: Any, name: str = "tiny", base: str = "nano") -> Notes:
    return Notes(
        name=name,
        base=base,
        base_revision=None,
        base_digest=base_fingerprint(model),
        label_set="basic8",
        details=False,
        pixels=pixels_of(processor),
    )
