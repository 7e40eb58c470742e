"""The weights of a plan opened by the stack that trains them: transformers, and peft for an adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fervlm.mllm.loaded import load_checkpoint
from fervlm.mllm.opening import open_base, open_processor
from fervlm.serve.vllm_plan import Plan


def opened(base: str, adapter: str | Path | None, *, precision: str) -> tuple[Any, Any]:
    """Model, in evaluation, and processor.

    Args:
        base: folder or hub id of whole weights.
        adapter: folder of an adapter on them, or None.
        precision: `fp32` or `bf16`, in memory.

    Raises:
        FervlmError: they cannot be opened.
    """
    model: Any
    model, processor = open_base(base, precision=precision)
    if adapter is not None:
        from peft import PeftModel  # noqa: PLC0415

        model = PeftModel.from_pretrained(model, str(adapter))
        if (Path(adapter) / "processor_config.json").is_file():
            processor = open_processor(str(adapter))
    return model.eval(), processor


def opened_plan(plan: Plan) -> tuple[Any, Any]:
    """As `opened`; a checkpoint of our own is held against its manifest first."""
    if plan.manifest is None:
        return opened(plan.base, plan.adapter, precision="fp32")
    loaded = load_checkpoint(plan.adapter or plan.base, base=plan.base if plan.adapter is not None else None)
    return loaded.model, loaded.processor
