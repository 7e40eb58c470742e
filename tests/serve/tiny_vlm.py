"""Nano-VLMs with random weights, and a LoRA adapter that learned the captions of a few faces by heart."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image

from fervlm.examples import photograph, recording
from fervlm.mllm.manifest import SHIPPED
from fervlm.mllm.shape import NanoSettings
from fervlm.predict.rules import explain
from fervlm.readers import read
from fervlm.reasoning.answers import render
from fervlm.serve.probes import Probe, probes

SIDE = 96
# vLLM's CPU attention wants heads of 32 numbers at least
SMALL = NanoSettings(entries=600, side=SIDE, tower="test_resnet", width=128, depth=2, hidden=256)
TARGETS = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"


def nano_vlm(folder: Path) -> Path:
    """The nano-VLM that ships, where it does; else one of its architecture with random weights."""
    return SHIPPED if (SHIPPED / "fervlm.json").is_file() else write_base(folder, NanoSettings(entries=600))


def write_base(folder: Path, settings: NanoSettings = SMALL) -> Path:
    """Random weights, and words enough for captions."""
    from fervlm.mllm.nano import build_nano

    captions = [explain(record).caption for record in list(read(recording()))[::3]]
    texts = [render(caption, details=False) for caption in captions if caption is not None]
    texts += [probe.question for probe in probes(SIDE)] * 10 + ["happy", "sad", "angry", "{}", '"label": "happy",'] * 5
    build_nano(settings, texts, folder)
    return folder


def write_adapter(base: Path, folder: Path, *, steps: int = 8, vision: bool = False) -> Path:
    """A peft adapter on `base`, trained on the answers to the probes for some steps; 0 leaves it without effect."""
    import torch

    import fervlm.torchvision_fix  # noqa: F401 - before peft

    # isort: split
    from peft import LoraConfig, get_peft_model

    from fervlm.mllm.adapt import lora_targets, target_pattern
    from fervlm.mllm.opening import open_base
    from fervlm.mllm.settings import Lora

    torch.manual_seed(0)
    torch.set_num_threads(1)
    model: Any
    model, processor = open_base(str(base))
    targets = target_pattern(lora_targets(model, Lora(vision=True))) if vision else TARGETS
    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=targets, task_type="CAUSAL_LM"))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 3e-2)
    for step in range(steps):
        loss = model(**_batch(processor, step % 3)).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    return folder


def _batch(processor: Any, number: int) -> dict[str, Any]:
    """One probe, with loss on its answer."""
    probe = probes(SIDE)[number]
    return _taught(processor, probe, probe.answer)


def _taught(processor: Any, probe: Probe, answer: str) -> dict[str, Any]:
    import torch

    from fervlm.mllm.spans import answer_mask, rendered

    picture = Image.open(io.BytesIO(probe.png)).convert("RGB")
    asked = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": probe.question}]}
    spoken = {"role": "assistant", "content": [{"type": "text", "text": answer}]}
    made = rendered(processor, [asked, spoken])
    batch = dict(processor(text=[made.text], images=[[picture]], return_tensors="pt", add_special_tokens=False))
    mask = torch.tensor(answer_mask(processor, made, batch["input_ids"][0].tolist(), [picture]))
    batch["labels"] = batch["input_ids"].masked_fill(~mask, -100)
    return batch


def write_learned(folder: Path, steps: int = 130) -> Path:
    """A published checkpoint of our own that says the engine's caption of the packaged photograph, learned by heart."""
    import torch

    from fervlm.mllm.opening import open_base
    from fervlm.mllm.publish import publish
    from fervlm.predict.load import load
    from tests.mllm.published import notes_of

    base = write_base(folder.with_name("base"))
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model: Any
    model, processor = open_base(str(base))
    [seen] = load().explain(photograph())
    assert seen.caption is not None
    batch = _taught(processor, probes(SIDE)[0], render(seen.caption, details=False).strip())
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(steps):
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return publish(model, processor, folder, notes_of(model, processor, folder.name, "base"), store="fp32")
