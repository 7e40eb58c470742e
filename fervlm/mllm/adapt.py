"""LoRA by peft, anchored on the language model: a bare `q_proj` would also hit some picture towers."""

from __future__ import annotations

from typing import Any

from torch import nn

from fervlm.errors import FervlmError
from fervlm.mllm.settings import Lora

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj")
MLP = ("gate_proj", "up_proj", "down_proj", "gate_up_proj")
_LANGUAGE = ("language_model", "text_model")
"""What the families call their decoder; Idefics3 and SmolVLM say `text_model`, the others `language_model`."""
TOWERS = ("visual", "vision", "vision_tower", "vision_model")
"""What they call the picture tower."""


def lora_targets(model: nn.Module, lora: Lora) -> list[str]:
    """Full names of the layers to adapt, the picture tower's first.

    Raises:
        FervlmError: the model has no decoder of a known name, or no such layers.
    """
    wanted = {"all": ATTENTION + MLP, "attention": ATTENTION, "mlp": MLP}[lora.layers]
    found, in_tower, convolutions = [], [], []
    for name, module in model.named_modules():
        parts = name.split(".")
        if any(part in TOWERS for part in parts):
            if isinstance(module, nn.Linear) and "merger" not in name and "projector" not in name:
                in_tower.append(name)
            elif isinstance(module, nn.Conv2d) and module.groups == 1:
                convolutions.append(name)
        elif isinstance(module, nn.Linear) and parts[-1] in wanted and any(part in _LANGUAGE for part in parts):
            found.append(name)
    if lora.vision:
        found = [*(in_tower or convolutions), *found]  # of a transformer, not the one that cuts patches
    if not any(not any(part in TOWERS for part in name.split(".")) for name in found):
        raise FervlmError(
            "the model has no decoder layers that LoRA could adapt",
            hint=f"Known decoders are called {' or '.join(_LANGUAGE)}, their layers {', '.join(ATTENTION + MLP)}.",
        )
    return found


def add_lora(model: Any, lora: Lora, *, four_bit: bool = False) -> Any:
    """The model with an untrained adapter (which changes nothing yet); only the adapter is trained.

    Raises:
        FervlmError: as `lora_targets`.
    """
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

    if four_bit:
        model = prepare_model_for_kbit_training(model)  # type: ignore[no-untyped-call]
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,  # type: ignore[arg-type]
        lora_dropout=lora.dropout,
        use_rslora=lora.rslora,
        use_dora=lora.dora,
        target_modules=target_pattern(lora_targets(model, lora)),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def target_pattern(names: list[str]) -> str:
    """One expression for all names, short enough to read in adapter_config.json."""
    import re

    shapes = dict.fromkeys(re.sub(r"\.\d+\.", r".#.", name) for name in names)
    return "|".join(f"(?:.*\\.)?{re.escape(shape).replace(re.escape('#'), r'[0-9]+')}" for shape in shapes)


def keep_statistics(model: nn.Module) -> None:
    """Batch norms of the tower stay as its own training left them, so that processes and parts of a step agree."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.register_forward_pre_hook(_still)


def _still(module: nn.Module, _: Any) -> None:
    module.eval()


def trainable(model: nn.Module) -> list[str]:
    """Names of the parameters that are trained."""
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]
