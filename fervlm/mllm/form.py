"""Decoding held to the form of a caption: at each step only tokens that a caption could go on with.

The form is a walk over lines, each with a regular expression of its own. A token is allowed where the text so far and
the token are a beginning of such a walk (partial matching of the package `regex`, which transformers brings). Nothing
is said about *what* a caption tells: words stay the model's own, and the verifier judges them afterwards. Servers that
constrain by themselves (vLLM) get the JSON schema of `Caption` instead.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch

import fervlm.torchvision_fix  # noqa: F401 - before transformers

# isort: split
from torch import Tensor
from transformers import LogitsProcessor

from fervlm.reasoning.answers import HEADINGS

_BEGIN = '[A-Za-z"(]'
_BARRED = r"\p{C}\p{Zl}\p{Zp}"
"""Control characters and whatever else ends a line."""
_SENTENCES = rf"{_BEGIN}[^{_BARRED}]{{0,400}}[.!?]"
# No colon near the beginning of a line of prose, so that it is never read as a heading or a field.
_PROSE = rf"{_BEGIN}(?:[^{_BARRED}:]{{0,34}}|[^{_BARRED}:]{{34}}[^{_BARRED}]{{0,600}})[.!?]"
_SEEN = rf"- [A-Z][A-Za-z +/&-]{{0,24}}: {_SENTENCES}"
_UNITS = r"(?:for|against|not measured) AU\d{1,2}(?:, AU\d{1,2}){0,20}"
_MOST_SEEN = 8
_NEAR = 64
State = tuple[tuple[int, ...], str]
"""Places where a text may stand, and the line that it is in so far."""


class Form:
    """Lines that follow each other.

    Args:
        lines: a regular expression each.
        after: places that may follow each place.
        last: places at which a text may end.
    """

    def __init__(self, lines: Sequence[str], after: Sequence[tuple[int, ...]], last: Sequence[int]) -> None:
        import regex  # type: ignore[import-untyped]

        self._lines: list[Any] = [regex.compile(line) for line in lines]
        self._after, self._last = after, set(last)
        self.begin: State = ((0,), "")

    def told(self, state: State, more: str) -> State | None:
        """Where a text stands after some more of it; None where no text of the form goes on like this."""
        places, line = state
        *over, line = (line + more).split("\n")
        for one in over:
            places = tuple(n for p in places if self._lines[p].fullmatch(one) for n in self._after[p])
        places = tuple(p for p in places if self._lines[p].fullmatch(line, partial=True))
        return (places, line) if places else None

    def whole(self, state: State) -> bool:
        """Whether a text may end here."""
        places, line = state
        return any(p in self._last and self._lines[p].fullmatch(line) for p in places)


def caption_form(labels: Sequence[str], *, details: bool) -> Form:
    """The form of a caption as `fervlm.reasoning.answers.render` writes it.

    Args:
        labels: the words that a conclusion may come to; `none` with a reason is always one.
        details: with the line of ranked candidates.
    """
    words = "|".join(re.escape(label) for label in labels)
    label = rf"(?:(?:{words})|none(?: \([a-z_ ]{{1,32}}\))?)" if words else r"[A-Za-z][A-Za-z '/_-]{0,40}"
    head = [rf"\s?Overview: {_SENTENCES}", "", HEADINGS[0]]
    tail = ["", HEADINGS[1], _PROSE, "", HEADINGS[2], _PROSE, f"Label: {label}", "Confidence: (?:low|moderate|high)"]
    lines = [*head, *[_SEEN] * _MOST_SEEN, *tail]
    first, behind = len(head), len(head) + _MOST_SEEN
    after: list[tuple[int, ...]] = [(k + 1,) for k in range(len(lines))]
    for seen in range(first, behind):
        after[seen] = tuple(dict.fromkeys((seen + 1, behind)))
    after[-1] = (len(lines),) if details else ()
    last = [len(lines) - 1]
    if details:
        one = rf"{label}(?: [01](?:\.\d{{1,3}})?)?(?: \({_UNITS}(?:; {_UNITS}){{0,2}}\))?"
        last.append(len(lines))
        lines.append(rf"Candidates: {one}(?: \| {one}){{0,9}}")
        after.append(())
    return Form(lines, after, last)


class InForm(LogitsProcessor):
    """Leaves each answer of a batch only tokens that keep it a beginning of the form, its end once it is whole.

    Args:
        tokenizer: of the model.
        form: that answers are held to.
        ends: tokens that end an answer.
        wide: how many allowed tokens are left at each step: 1 where the likeliest is taken, more for sampling.
    """

    def __init__(self, tokenizer: Any, form: Form, ends: Sequence[int], *, wide: int = 1) -> None:
        self.tokenizer, self.form, self.ends, self.wide = tokenizer, form, list(ends), wide
        self._anchor: list[int] = tokenizer("x", add_special_tokens=False)["input_ids"]
        self._before = self._text(self._anchor)
        marked = {k for k, token in tokenizer.added_tokens_decoder.items() if token.special}
        self._special = marked | set(tokenizer.all_special_ids)
        self._pieces: dict[int, str] = {}
        self._states: list[State | None] = []
        self._begun = False

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores [B, V] with all but the allowed tokens at minus infinity."""
        if not self._begun:
            self._begun, self._states = True, [self.form.begin] * len(input_ids)
        else:
            latest = input_ids[:, -1].tolist()
            self._states = [self._next(state, token) for state, token in zip(self._states, latest, strict=True)]
        held = torch.full_like(scores, float("-inf"))
        for row, state in enumerate(self._states):
            allowed = self.ends[:1] if state is None else self._allowed(state, scores[row])
            held[row, allowed] = scores[row, allowed].clamp(min=torch.finfo(scores.dtype).min)
        return held

    def _next(self, state: State | None, token: int) -> State | None:
        """None once the answer is over."""
        return None if state is None or token in self.ends else self.form.told(state, self._piece(token))

    def _allowed(self, state: State, scores: Tensor) -> list[int]:
        """The likeliest tokens that fit; the end where nothing else does."""
        found: list[int] = []
        whole = self.form.whole(state)
        near = min(len(scores), _NEAR)
        for order in (scores.topk(near).indices, scores.argsort(descending=True)[near:]):
            for token in order.tolist():
                if whole if token in self.ends else self._fits(state, token):
                    found.append(token)
                if len(found) == self.wide:
                    return found
            if found:
                return found
        return self.ends[:1]

    def _fits(self, state: State, token: int) -> bool:
        piece = self._piece(token)
        return bool(piece) and self.form.told(state, piece) is not None

    def _piece(self, token: int) -> str:
        """What a token adds to a text; nothing for special tokens, and for parts of a character.

        What a part of a character becomes depends on its neighbours, so those that need several tokens are not written.
        """
        if token not in self._pieces:
            added = "" if token in self._special else self._text([*self._anchor, token])[len(self._before) :]
            self._pieces[token] = "" if "\ufffd" in added else added
        return self._pieces[token]

    def _text(self, tokens: list[int]) -> str:
        text: str = self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text
