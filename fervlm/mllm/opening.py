"""A base opened: model and processor of any image-text-to-text checkpoint, checked before work starts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

import fervlm.torchvision_fix  # noqa: F401 - before transformers' image processors
from fervlm.errors import FervlmError, MissingExtraError
from fervlm.mllm.settings import PixelBudget

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def open_base(
    base: str, revision: str | None = None, *, precision: str = "fp32", four_bit: bool = False
) -> tuple[PreTrainedModel, Any]:
    """The model and its processor.

    Args:
        base: a folder or a hub id.
        revision: of a hub id.
        precision: `fp32` or `bf16`, of the weights in memory.
        four_bit: weights in 4 bit, by bitsandbytes.

    Raises:
        FervlmError: there is no such model, it takes no pictures, has no chat template, or its weights are pickles.
        MissingExtraError: bitsandbytes is wanted and not there.
    """
    from transformers import AutoModelForImageTextToText
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]
    processor = open_processor(base, revision)
    more: dict[str, Any] = {"quantization_config": _four_bit()} if four_bit else {}
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    try:
        model = AutoModelForImageTextToText.from_pretrained(
            base, revision=revision or "main", dtype=dtype, use_safetensors=True, **more
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise FervlmError(f"the model '{base}' cannot be opened ({reason})", hint=_hint(base)) from None
    return model, processor


def open_processor(base: str, revision: str | None = None) -> Any:
    """The processor alone.

    Raises:
        FervlmError: there is none, it takes no pictures, or it has no chat template.
    """
    from transformers import AutoProcessor

    try:
        processor = AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            base, revision=revision or "main"
        )
    except (OSError, ValueError, KeyError, ImportError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise FervlmError(f"the processor of '{base}' cannot be opened ({reason})", hint=_hint(base)) from None
    if not hasattr(processor, "image_processor"):
        raise FervlmError(f"the model '{base}' takes no pictures", hint="Choose an image-text-to-text model.")
    if processor.chat_template is None:
        raise FervlmError(
            f"the model '{base}' has no chat template", hint="Put the family's chat_template.jinja into its folder."
        )
    return processor


def set_pixels(processor: Any, budget: PixelBudget | None) -> None:
    """Hold the processor to a budget of pixels a picture.

    Families that cut pictures into patches of any number take both bounds; others resize to a fixed square, whose side
    becomes the root of the most pixels.

    Raises:
        FervlmError: the processor has no size that could be set.
    """
    if budget is None:
        return
    images = processor.image_processor
    size = dict(images.size) if images.size is not None else {}
    if set(size) == {"shortest_edge", "longest_edge"} and hasattr(images, "merge_size"):
        images.size = {"shortest_edge": budget.least, "longest_edge": budget.most}
    elif set(size) == {"height", "width"}:
        side = int(budget.most**0.5)
        images.size = {"height": side, "width": side}
        if getattr(images, "crop_size", None) is not None:
            images.crop_size = images.size  # picture tokens are counted from it, cropped or not
    elif set(size) == {"longest_edge"}:
        images.size = {"longest_edge": int(budget.most**0.5)}
    else:
        raise FervlmError("the model's processor has no pixel budget that could be set", hint="Leave `pixels` out.")


def pixels_of(processor: Any) -> dict[str, int]:
    """The processor's size, as kept in a manifest and compared before serving."""
    size = processor.image_processor.size
    return {} if size is None else {k: int(v) for k, v in dict(size).items() if v is not None}


def _hint(base: str) -> str:
    if Path(base).exists():
        return "Does the folder hold config.json, safetensors weights and a processor?"
    return "Without a network only folders and models already in the hub's cache can be opened."


def _four_bit() -> Any:
    from importlib.util import find_spec

    if find_spec("bitsandbytes") is None:
        raise MissingExtraError("4 bit", "bitsandbytes")
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16,
        bnb_4bit_use_double_quant=True,
    )
