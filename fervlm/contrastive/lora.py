"""LoRA on open_clip towers by peft: linear layers of the blocks, everything else frozen."""

from __future__ import annotations

from typing import Any

from torch import nn

from fervlm.contrastive.settings import Lora
from fervlm.errors import FervlmError


def add_lora(clip: nn.Module, lora: Lora) -> list[str]:
    """Put adapters into `clip` in place and freeze the rest, the temperature excepted; returns what was adapted.

    Attention blocks of open_clip keep query, key and value in one bare parameter, which peft does not reach; their
    output projection and both layers of the MLP are linear layers and are adapted.

    Raises:
        FervlmError: the towers hold no such layer.
    """
    from peft import LoraConfig, inject_adapter_in_model

    names = [n for n, m in clip.named_modules() if isinstance(m, nn.Linear) and _in_block(n)]
    if not names:
        raise FervlmError(
            "the model has no linear layers that LoRA could adapt", hint="Leave lora out of the settings."
        )
    config = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=names)
    inject_adapter_in_model(config, clip)
    for name, parameter in clip.named_parameters():
        parameter.requires_grad_("lora_" in name or name in {"logit_scale", "logit_bias"})
    return names


def plain_towers(clip: nn.Module, config: dict[str, Any]) -> nn.Module:
    """Towers of open_clip's usual blocks with the merged weights of `clip`.

    Args:
        clip: after `merge_lora`; its attention blocks may be of the build that adapters reach.
        config: open_clip's `model_cfg` it was made from.
    """
    if "timm_model_name" in config["vision_cfg"]:
        return clip
    plain: nn.Module = type(clip)(**{name: value for name, value in config.items() if name != "custom_text"})
    plain.load_state_dict(clip.state_dict())
    return plain


def merge_lora(clip: nn.Module) -> None:
    """Fold the adapters into the weights; the names are then a plain open_clip model's again."""
    from peft.tuners.lora import LoraLayer

    for name, module in list(clip.named_modules()):
        if isinstance(module, LoraLayer):
            layer: Any = module
            layer.merge()
            owner = clip.get_submodule(name.rpartition(".")[0]) if "." in name else clip
            setattr(owner, name.rpartition(".")[2], layer.get_base_layer())


def _in_block(name: str) -> bool:
    return ".resblocks." in name or ".blocks." in name
