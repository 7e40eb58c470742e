"""A vision model behind an OpenAI-compatible server: explanation and label, three prompt sets, strict parsing."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from eval.answer import Answer, failed
from eval.clip import looked_at
from eval.item import Benchmark, Item
from eval.predictors import Settings
from eval.predictors.chat import Chat, picture_bytes
from fervlm.errors import FervlmError
from fervlm.facs.labels import canonical_label
from fervlm.prompts import prompt
from fervlm.reasoning.answers import mentions_in, parse, render
from fervlm.records import Caption

EXPLAIN_PROMPTS = {"text": "eval_explain", "json": "eval_explain_short", "short": "mllm_caption"}
"""By form; `short` is what our own training asks."""
LABEL_PROMPTS = ("eval_label", "eval_label_moves", "eval_label_sentence")
"""The three prompt sets whose mean and range are told; the first one's label counts unless an explanation is asked."""
TRAINED_PROMPTS = ("mllm_label", *LABEL_PROMPTS[:2])
"""Instead of these for `short`: the first is what our own training asks."""
_LETTER = re.compile(r"\(?([A-Z])\)?(?:[.):].*)?", re.DOTALL)
_NONE = re.compile(r"none\.?", re.IGNORECASE)
CLIP_FRAMES = 4
WRITERS = {"vllm", "transformers"}
"""Backends of `fervlm serve` that write; the others fill schemas."""
Form = Literal["text", "json", "short"]


class Endpoint:
    """Asks once per prompt set; an answer that is not exactly in the asked form counts as wrong and as unparsed.

    Args:
        benchmark: its task and labels.
        settings: explanations, variants, concurrency, key.
        place: `URL` or `URL#MODEL`.

    Raises:
        FervlmError: the server does not answer.
    """

    def __init__(self, benchmark: Benchmark, settings: Settings, place: str) -> None:
        url, _, model = place.partition("#")
        self._chat = Chat(url, model or None, settings.key, settings.timeout_s)
        self.name = f"endpoint {self._chat.model}"
        self._form = _fitting(self._chat) if settings.form == "auto" else settings.form
        self._labels = TRAINED_PROMPTS if self._form == "short" else LABEL_PROMPTS
        asked = (EXPLAIN_PROMPTS[self._form], *self._labels)
        self.version = " ".join((self._form, "+".join(prompt(name).digest[:8] for name in asked)))
        self._benchmark, self._settings = benchmark, settings

    def answers(self, items: Sequence[Item]) -> Iterator[Answer]:
        """In order, several requests under way at a time."""
        with ThreadPoolExecutor(self._settings.concurrency) as pool:
            yield from pool.map(self._answer, items)

    def _answer(self, item: Item) -> Answer:
        began = time.perf_counter()
        try:
            pictures = self._pictures(item)
            found = self._asked(item, pictures)
        except FervlmError as error:
            return failed(item.id, str(error), round((time.perf_counter() - began) * 1000, 1))
        return found.model_copy(update={"ms": round((time.perf_counter() - began) * 1000, 1)})

    def _pictures(self, item: Item) -> list[bytes]:
        if item.is_clip:
            return looked_at(item, min(self._settings.frames, CLIP_FRAMES))
        if item.pictures:
            return [path.read_bytes() for path in item.pictures]
        return [picture_bytes(item.image())]

    def _asked(self, item: Item, pictures: list[bytes]) -> Answer:
        if item.question is not None:
            return self._choice(item, pictures)
        if self._benchmark.task in {"units", "intensity"}:
            return self._units(item, pictures)
        return self._labelled(item, pictures)

    def _choice(self, item: Item, pictures: list[bytes]) -> Answer:
        letters = [chr(ord("A") + k) for k in range(len(item.choices))]
        choices = "\n".join(f"{letter}. {text}" for letter, text in zip(letters, item.choices, strict=True))
        text = prompt("eval_choice").fill(question=item.question or "", choices=choices)
        told = self._chat.ask(text, pictures, max_tokens=8, choices=tuple(letters)).strip()
        letter = strict_letter(told, len(item.choices))
        return Answer(id=item.id, label=letter, status="ok" if letter else "unparsed", text=told)

    def _units(self, item: Item, pictures: list[bytes]) -> Answer:
        wanted = self._benchmark.units
        listed = ", ".join(f"AU{au}" for au in wanted)
        told = self._chat.ask(prompt("eval_units").fill(units=listed), pictures, max_tokens=120).strip()
        here = tuple(sorted({m.au for m in mentions_in(told)} & set(wanted)))
        if not here and not _NONE.fullmatch(told):
            return Answer(id=item.id, status="unparsed", text=told)
        return Answer(id=item.id, present=here, units={au: float(au in here) for au in wanted}, text=told)

    def _labelled(self, item: Item, pictures: list[bytes]) -> Answer:
        labels = self._benchmark.labels
        listed = ", ".join(labels)
        variants: dict[str, str | None] = {}
        for name in self._labels if self._settings.variants or not self._settings.explain else ():
            told = self._chat.ask(prompt(name).fill(labels=listed), pictures, max_tokens=24, choices=labels)
            variants[name] = strict_label(told, labels)
            if not self._settings.variants:
                break
        if not self._settings.explain:
            label = variants[self._labels[0]]
            return Answer(id=item.id, label=label, status="ok" if label else "unparsed", variants=variants)
        explain = prompt(EXPLAIN_PROMPTS[self._form])
        asked = explain.text
        if self._form == "text":
            asked = explain.fill(form=prompt("caption_form").text, labels=listed)
        schema = Caption if self._form == "json" else None
        told = self._chat.ask(asked, pictures, schema=schema)
        return self._explained(item, told, variants)

    def _explained(self, item: Item, told: str, variants: dict[str, str | None]) -> Answer:
        try:
            caption = parse(told)
        except FervlmError as error:
            return Answer(id=item.id, status="unparsed", reason=str(error), text=told, variants=variants)
        conclusion, told = caption.conclusion, render(caption, details=False)
        if conclusion.label is None:
            reason = conclusion.abstain or "none"
            return Answer(id=item.id, status="abstained", reason=reason, text=told, variants=variants)
        label = strict_label(conclusion.label, self._benchmark.labels)
        return Answer(id=item.id, label=label, status="ok" if label else "unparsed", text=told, variants=variants)


def _fitting(chat: Chat) -> Form:
    """The form that a server of ours needs, by what it says of the model; `text` for everybody else's."""
    told = chat.about()
    if told.get("owned_by") != "fervlm":
        return "text"
    return "short" if told.get("backend") in WRITERS else "json"


def strict_label(told: str, labels: Sequence[str]) -> str | None:
    """The one label that an answer is, case and a full stop aside, or the one it is another spelling of; else None."""
    plain = told.strip().strip("\"'*`").rstrip(".").strip().lower()
    for label in labels:
        if plain == label.lower():
            return label
    meant = canonical_label(plain)
    if meant is None:
        return None
    fitting = [label for label in labels if canonical_label(label) == meant]
    return fitting[0] if len(fitting) == 1 else None


def strict_letter(told: str, count: int) -> str | None:
    """`B`, `(B)`, `B.` and `B. text` are B; else, and beyond the last choice, None."""
    found = _LETTER.fullmatch(told.strip())
    return found[1] if found is not None and ord(found[1]) - ord("A") < count else None
