"""Every family: which tokens the loss is taken on, what every label scores, which layers are adapted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from fervlm.mllm.adapt import add_lora, lora_targets
from fervlm.mllm.ask import user
from fervlm.mllm.collate import encode
from fervlm.mllm.generate import generate, stop_tokens
from fervlm.mllm.opening import open_base
from fervlm.mllm.score import score_answers
from fervlm.mllm.settings import Lora
from tests.mllm.tiny import FAMILIES

ENDS = {
    "qwen25": "<|im_end|>",
    "qwen3": "<|im_end|>",
    "llava": "</s>",
    "idefics3": "<end_of_utterance>",
    "internvl": "<|im_end|>",
    "gemma3": "<end_of_turn>",
}
TURNS = [
    [("label", "Which expression?", "happiness"), ("unit", "Is AU4 present?", "Yes. AU4 is present.")],
    [("label", "Which?", "a smile, öffnend")],
]


def pictures(count: int) -> list[Image.Image]:
    return [Image.fromarray(np.random.default_rng(k).integers(0, 255, (60, 50, 3), np.uint8)) for k in range(count)]


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def family(request: pytest.FixtureRequest, checkpoint: Callable[[str], Path]) -> tuple[str, Any, Any]:
    name: str = request.param
    model, processor = open_base(str(checkpoint(name)))
    return name, model.eval(), processor


def test_loss_is_on_the_answers_and_their_end_token_for_token(family: tuple[str, Any, Any]) -> None:
    name, _, processor = family
    batch = encode(processor, TURNS, [[p] for p in pictures(2)])
    for row, turns in enumerate(TURNS):
        ids, labels = batch["input_ids"][row], batch["labels"][row]
        spoken = [ids[k].item() for k in range(len(ids)) if labels[k] != -100]
        assert all(labels[k] in (-100, ids[k]) for k in range(len(ids)))
        text = processor.tokenizer.decode(spoken).replace(f" {ENDS[name]}", ENDS[name])
        parts = [part.strip() for part in text.split(ENDS[name])]
        assert parts == [*(answer for _, _, answer in turns), ""]
    real = batch["attention_mask"].bool()
    assert (batch["labels"][~real] == -100).all()


def test_a_picture_in_a_later_turn_leaves_the_mask_right(family: tuple[str, Any, Any]) -> None:
    from fervlm.mllm.ask import assistant
    from fervlm.mllm.spans import adds_special_tokens, answer_mask, rendered

    name, _, processor = family
    messages = [user("One?", pictures=1), assistant("first"), user("Two?", pictures=1), assistant("second")]
    made = rendered(processor, messages)
    shown = pictures(2)
    adds = adds_special_tokens(processor, made.text)
    ids = processor(text=[made.text], images=[shown], add_special_tokens=adds)["input_ids"][0]
    mask = answer_mask(processor, made, list(ids), shown)
    spoken = processor.tokenizer.decode([i for i, told in zip(ids, mask, strict=True) if told])
    assert [part.strip() for part in spoken.split(ENDS[name])] == ["first", "second", ""]


def test_scores_of_branching_answers_are_those_of_whole_conversations(family: tuple[str, Any, Any]) -> None:
    _, model, processor = family
    answers = ["anger", "happiness", "a label of several words"]
    asked = [[user(f"Which?{' AU4' * k}", pictures=1)] for k in range(2)]
    shown = [[p] for p in pictures(2)]
    found = score_answers(model, processor, asked, shown, answers)
    for i in range(2):
        for j, answer in enumerate(answers):
            batch = encode(processor, [[("label", f"Which?{' AU4' * i}", answer)]], [shown[i]])
            labels = batch.pop("labels")[:, 1:]
            with torch.no_grad():
                told = model(**batch).logits[:, :-1].log_softmax(-1)
            each = told.gather(-1, batch["input_ids"][:, 1:, None])[..., 0]
            assert found[i, j].item() == pytest.approx(each[labels != -100].sum().item(), abs=1e-4)


def test_lora_touches_the_language_model_alone_and_changes_nothing_yet(family: tuple[str, Any, Any]) -> None:
    name, model, processor = family
    names = lora_targets(model, Lora())
    assert len(names) == 14  # seven layers in each of two blocks
    assert not [n for n in names if "visual" in n or "vision" in n]
    assert set(names) < set(lora_targets(model, Lora(vision=True)))
    assert {n.rsplit(".", 1)[1] for n in lora_targets(model, Lora(layers="mlp"))} == {
        "gate_proj",
        "up_proj",
        "down_proj",
    }
    batch = encode(processor, TURNS, [[p] for p in pictures(2)])
    fresh = FAMILIES[name]()[0]
    fresh.load_state_dict(model.state_dict())
    with torch.no_grad():
        before = model(**batch).loss
        adapted = add_lora(fresh, Lora(rank=2)).eval()
        assert adapted(**batch).loss == pytest.approx(before.item(), abs=1e-6)
    touched = {
        n.split(".lora_")[0].removeprefix("base_model.model.") for n, p in adapted.named_parameters() if p.requires_grad
    }
    assert touched == set(names)


def test_answers_stop_at_the_turns_end(family: tuple[str, Any, Any]) -> None:
    name, model, processor = family
    assert processor.tokenizer.convert_tokens_to_ids(ENDS[name]) in stop_tokens(model, processor)
    asked = [[user("Which?", pictures=1)], [user("Which? AU4 AU4", pictures=1)]]
    together = generate(model, processor, asked, [[p] for p in pictures(2)], most=3)
    alone = [generate(model, processor, [one], [[p]], most=3)[0] for one, p in zip(asked, pictures(2), strict=True)]
    assert together == alone
