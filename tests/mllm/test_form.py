"""Decoding held to the form: whatever a model would rather say, what it writes can be parsed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from fervlm.errors import FervlmError
from fervlm.facs.labels import label_set
from fervlm.mllm.ask import caption_question, user
from fervlm.mllm.form import Form, InForm, caption_form
from fervlm.mllm.generate import generate, stop_tokens
from fervlm.mllm.opening import open_base
from fervlm.predict.rules import explain
from fervlm.reasoning.answers import parse, render
from tests.mllm.test_families import pictures
from tests.mllm.tiny_set import SHOWN, record

LABELS = label_set("basic8").labels
SHORT = caption_form(LABELS, details=False)


def whole(form: Form, text: str) -> bool:
    state = form.told(form.begin, text)
    return state is not None and form.whole(state)


@pytest.mark.parametrize("label", SHOWN)
@pytest.mark.parametrize("details", [False, True])
def test_every_caption_of_the_engine_is_in_form(label: str, details: bool) -> None:
    form = caption_form(LABELS, details=details)
    for seed in range(20):
        caption = explain(record("a.png", label), seed=seed).caption
        assert caption is not None
        assert whole(form, render(caption, details=details, provenance=False).strip())


def test_what_the_parser_refuses_is_not_in_form() -> None:
    caption = explain(record("a.png", "anger")).caption
    assert caption is not None
    text = render(caption, details=False).strip()
    assert whole(SHORT, text)
    broken = [
        text.replace("Label: anger\n", ""),
        text.replace("Interpretation\n", "Interpretation\nConclusion: "),
        re.sub(r"- \w+:", "-", text, count=1),
        text.removeprefix("Overview: "),
        text + "\nLabel: anger",
    ]
    for one in broken:
        assert one != text and not whole(SHORT, one)
        with pytest.raises(FervlmError):
            parse(one)
    assert not whole(SHORT, text.replace("Label: anger", "Label: fury"))
    assert whole(caption_form(("fury",), details=False), text.replace("Label: anger", "Label: fury"))


def test_a_text_in_the_middle_may_go_on_but_not_end() -> None:
    state = SHORT.told(SHORT.begin, "Overview: The brows come down.\n\nKey obs")
    assert state is not None and not SHORT.whole(state)
    assert SHORT.told(state, "ervations\n- Brow: ") is not None
    assert SHORT.told(state, "erve") is None


@pytest.mark.parametrize("family", ["nano", "qwen3", "llava"])
def test_random_scores_end_in_a_caption_that_parses(family: str, checkpoint: Callable[[str], Path]) -> None:
    model, processor = open_base(str(checkpoint(family)))
    draw = torch.Generator().manual_seed(0)
    ends = stop_tokens(model, processor)
    held = InForm(processor.tokenizer, SHORT, ends, wide=1)
    tokens = [0]
    while tokens[-1] not in ends or len(tokens) == 1:
        assert len(tokens) < 8000
        scores = torch.randn(1, len(processor.tokenizer), generator=draw)
        left = held(torch.tensor([tokens]), scores)
        assert int(left.isfinite().sum()) == 1
        tokens.append(int(left.argmax()))
    caption = parse(processor.tokenizer.decode(tokens[1:], skip_special_tokens=True))
    assert caption.conclusion.label in (*LABELS, None)


def test_an_untrained_model_is_held_to_it_row_by_row(checkpoint: Callable[[str], Path]) -> None:
    model, processor = open_base(str(checkpoint("nano")))
    asked = [[user(caption_question(), pictures=1)]] * 2
    shown = [[picture] for picture in pictures(2)]
    free = generate(model, processor, asked, shown, most=40)
    assert not any(text.startswith("Overview") for text in free)
    for temperature in (0.0, 1.0):
        told = generate(model, processor, asked, shown, most=40, temperature=temperature, seed=0, form=SHORT)
        assert all(text.startswith("Overview: ") and SHORT.told(SHORT.begin, text) is not None for text in told)
