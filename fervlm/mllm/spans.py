"""Where the assistant speaks: loss is taken on its words and the mark that ends its turn, and on nothing else.

Works for every family: the chat template is asked for the text up to each answer, and token positions come from the
tokenizer's offsets. A processor writes many tokens for each picture; everything behind the last picture is token for
token what the tokenizer alone gives, so positions are counted from the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fervlm.errors import FervlmError

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation as text.

    Attributes:
        text: with one placeholder a picture.
        spans: (begin, end) in characters of each answer with its end mark.
        begins: text up to each answer, as it stands when the model is to speak.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    begins: tuple[str, ...]


def rendered(processor: Any, messages: list[Message]) -> Rendered:
    """The chat template's text of a conversation whose answers end in a stop token, with the places of the answers.

    Raises:
        FervlmError: the template changes earlier turns when later ones follow.
    """
    marked = [_stopped(processor, message) for message in messages]
    text = _template(processor, marked, begin=False)
    spans, begins = [], []
    for place, message in enumerate(marked):
        if message["role"] != "assistant":
            continue
        begin = _template(processor, marked[:place], begin=True)
        upto = _template(processor, marked[: place + 1], begin=False)
        if not (text.startswith(upto) and upto.startswith(begin)):
            raise FervlmError(
                "the chat template rewrites earlier turns, so it cannot be told which tokens the model speaks",
                hint="Train with one question a conversation (talks: 1).",
            )
        spans.append((len(begin), len(begin) + _end(processor, upto[len(begin) :])))
        begins.append(begin)
    return Rendered(text, tuple(spans), tuple(begins))


def answer_mask(processor: Any, made: Rendered, ids: list[int], pictures: list[Any]) -> list[bool]:
    """Which of a conversation's tokens the assistant speaks.

    Args:
        processor: of the model.
        made: the conversation.
        ids: its tokens as the processor gave them, without padding.
        pictures: shown in it, in order.

    Raises:
        FervlmError: the processor's tokens cannot be matched with the text.
    """
    mask = [False] * len(ids)
    waiting = list(made.spans)
    text, tokens = made.text, ids
    while waiting:
        waiting = _mark(processor, text, tokens, waiting, mask)
        if waiting:
            # A picture stands behind this answer: look at the conversation as it was when the answer ended.
            end = waiting[-1][1]
            text = made.text[:end]
            tokens = _encoded(processor, text, pictures)
            if ids[: len(tokens)] != tokens:
                raise FervlmError("the processor writes an earlier turn otherwise once a later picture follows")
    return mask


def _mark(
    processor: Any,
    text: str,
    tokens: list[int],
    spans: list[tuple[int, int]],
    mask: list[bool],
) -> list[tuple[int, int]]:
    """Mark the answers behind the last picture of `text`; returns those before it."""
    plain = processor.tokenizer(text, add_special_tokens=_adds(processor, text), return_offsets_mapping=True)
    offsets, count = plain["offset_mapping"], len(plain["input_ids"])
    same = 0
    while same < min(count, len(tokens)) and plain["input_ids"][-1 - same] == tokens[-1 - same]:
        same += 1
    shift = len(tokens) - count
    left = []
    for begin, end in spans:
        inside = [k for k, (a, b) in enumerate(offsets) if b > a >= begin and b <= end]
        if not inside:
            raise FervlmError("the chat template leaves an answer without tokens")
        if inside[0] < count - same:
            left.append((begin, end))
            continue
        for k in inside:
            mask[k + shift] = True
    if len(left) == len(spans):
        raise FervlmError("the processor's tokens do not match those of its tokenizer")
    return left


def _encoded(processor: Any, text: str, pictures: list[Any]) -> list[int]:
    shown = pictures[: text.count(placeholder(processor))]
    found = processor(text=[text], images=[shown] if shown else None, add_special_tokens=_adds(processor, text))
    return list(found["input_ids"][0])


def placeholder(processor: Any) -> str:
    """What stands for one picture in the chat template's text."""
    for name in ("boi_token", "image_token"):
        token = getattr(processor, name, None)
        if token is not None:
            return str(token)
    raise FervlmError("the processor names no token for pictures, so it is no image-text-to-text model's")


def _adds(processor: Any, text: str) -> bool:
    """Whether the tokenizer is to add its own first token: not where the template wrote it."""
    first = processor.tokenizer.bos_token
    return not (first and text.startswith(first))


adds_special_tokens = _adds


def _template(processor: Any, messages: list[Message], *, begin: bool) -> str:
    if not messages:
        return ""
    text: str = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=begin)
    return text


def _stopped(processor: Any, message: Message) -> Message:
    """An assistant's message whose rendering ends in a stop token, added where the template writes none."""
    if message["role"] != "assistant":
        return message
    alone = _template(processor, [{"role": "user", "content": [{"type": "text", "text": "?"}]}, message], begin=False)
    answer = message["content"][-1]["text"]
    if _special_in(processor, alone[alone.rindex(answer) + len(answer) :]) is not None:
        return message
    return {**message, "content": [{"type": "text", "text": answer + processor.tokenizer.eos_token}]}


def _end(processor: Any, answer: str) -> int:
    """Length of an answer up to and with its end mark."""
    found = _special_in(processor, answer)
    if found is None:
        raise FervlmError("the chat template does not end the assistant's turns")
    return found


def _special_in(processor: Any, text: str) -> int | None:
    """Where the first special token in a text ends."""
    places = [(text.find(token), len(token)) for token in special_tokens(processor.tokenizer)]
    known = [(place, length) for place, length in places if place >= 0]
    if not known:
        return None
    place, length = min(known, key=lambda pair: (pair[0], -pair[1]))
    return place + length


def special_tokens(tokenizer: Any) -> set[str]:
    """Of a tokenizer: named ones, and those that are only marked as special, such as Gemma's end of turn."""
    marked = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    return marked | set(tokenizer.all_special_tokens)
