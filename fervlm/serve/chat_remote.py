"""Chat over a language model: passed on to it, verified on the way back, and sent back once where a sentence is false.

Verification happens here, outside the model: no word of a message can switch it off.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any

from fervlm.errors import FervlmError
from fervlm.mllm.refuse import plain
from fervlm.prompts import prompt
from fervlm.reasoning.answers import parse
from fervlm.records import Caption, Verification
from fervlm.serve import sse
from fervlm.serve.backend import Backend, Writer
from fervlm.serve.chat_schemas import ChatAsked, Extra, Message, Subject, TextPart
from fervlm.serve.grounds import Grounds
from fervlm.serve.problems import Problem
from fervlm.serve.questions import content_of
from fervlm.vision.sentences import fault_line

PASSED = (
    "model", "messages", "temperature", "top_p", "seed", "logprobs", "top_logprobs", "response_format",
    "structured_outputs", "stop", "presence_penalty", "frequency_penalty",
)  # fmt: skip
"""Fields that go on to vLLM; all others stay here, so that nobody can reach its other switches."""


AHEAD_S = 0.002
"""By how much a question goes to the model before its picture is looked at; far less than any model takes."""


def payload_of(backend: Backend, writer: Writer, asked: ChatAsked, subject: Subject) -> dict[str, Any]:
    """The request as vLLM gets it: pictures as data of our own, words without marks that structure a conversation."""
    own = backend.settings.limits.tokens
    given = asked.model_dump(mode="json", by_alias=True, exclude_none=True)
    found = {name: given[name] for name in PASSED if name in given}
    found["messages"] = _messages(writer, asked, subject)
    return {**found, "max_tokens": min(asked.max_completion_tokens or asked.max_tokens or own, own)}


def _messages(writer: Writer, asked: ChatAsked, subject: Subject) -> list[dict[str, Any]]:
    """Only the last picture stays, as the face that the model was trained to see: vLLM itself fetches nothing."""
    last, url = subject.place, subject.url
    made = []
    for number, message in enumerate(asked.messages):
        parts: list[dict[str, Any]] = []
        if number == last and url is not None:
            parts.append({"type": "image_url", "image_url": {"url": url}})
        words = plain_words(message, writer.special)
        made.append({"role": message.role, "content": [*parts, {"type": "text", "text": words}] if parts else words})
    return made


def plain_words(message: Message, special: frozenset[str]) -> str:
    """The words of a message without special marks."""
    text = message.content if isinstance(message.content, str) else None
    parts = [text] if text is not None else [p.text for p in message.content or () if isinstance(p, TextPart)]
    return plain(" ".join(parts), set(special))


@dataclass(frozen=True, slots=True)
class Answered:
    """A completion as the model's server gave it, and the verification that goes into its field `fervlm`."""

    completion: dict[str, Any]
    extra: Extra

    def json(self) -> str:
        """Both as one object; the records are written by pydantic, which takes a third of the time of `json`."""
        told = {key: value for key, value in self.completion.items() if key != "fervlm"}
        return f'{json.dumps(told, ensure_ascii=False)[:-1]}, "fervlm": {self.extra.model_dump_json()}}}'


async def remote_chat(
    backend: Backend,
    writer: Writer,
    asked: ChatAsked,
    subject: Subject,
    seen: Coroutine[Any, Any, Grounds | None],
    name: str,
) -> Answered:
    """A completion and what goes beside it; the picture is looked at while the model writes.

    Raises:
        Problem: what the writer answers that is no success, or `seen` raises.
    """
    payload = payload_of(backend, writer, asked, subject)
    looking = asyncio.create_task(_behind_the_question(seen))
    looking.add_done_callback(_heard)
    try:
        answer = await _while(looking, writer.chat(payload))
        grounds = await looking
    finally:
        looking.cancel()
    found = checked(content_of(answer), grounds)
    repaired = False
    if found is not None and not found.ok and _may_repair(backend, asked):
        second = await writer.chat(_again(payload, content_of(answer), found))
        better = checked(content_of(second), grounds)
        if better is not None and _faults(better) < _faults(found):
            answer, found, repaired = second, better, True
    backend.metrics.checked(found)
    answer["id"] = name
    return Answered(answer, _extra(writer, found, grounds, repaired))


async def _behind_the_question(seen: Coroutine[Any, Any, Grounds | None]) -> Grounds | None:
    """Looking keeps the interpreter busy for milliseconds, so the question to the model goes out first."""
    try:
        await asyncio.sleep(AHEAD_S)
    except asyncio.CancelledError:
        seen.close()
        raise
    return await seen


async def _while(looking: asyncio.Task[Grounds | None], writing: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """The answer; given up where looking fails first."""
    task = asyncio.create_task(writing)
    task.add_done_callback(_heard)
    try:
        await asyncio.wait({looking, task}, return_when=asyncio.FIRST_EXCEPTION)
        if looking.done() and not looking.cancelled() and looking.exception() is not None:
            await looking
        return await task
    finally:
        task.cancel()


def _heard(done: asyncio.Task[Any]) -> None:
    """An error that came second is not told of."""
    if not done.cancelled():
        done.exception()


def checked(text: str, grounds: Grounds | None) -> Verification | None:
    """The text held against what was measured; JSON of a caption as the caption it is."""
    if grounds is None or not text.strip():
        return None
    try:
        told: Caption | str = parse(text)
    except FervlmError:
        told = _words(text)
    return grounds.check(told)


def _words(text: str) -> str:
    """Of other JSON, its texts."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    told: list[str] = []

    def walk(node: object) -> None:
        if isinstance(node, str):
            told.append(node if node.rstrip().endswith((".", "!", "?")) else f"{node}.")
        for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            walk(one)

    walk(found)
    return "\n".join(told)


def _faults(found: Verification) -> int:
    scores = found.scores
    return scores.contradicted + scores.unmeasured + scores.forbidden + (not scores.format_ok)


def _may_repair(backend: Backend, asked: ChatAsked) -> bool:
    plain = asked.structured_outputs is None
    return plain and (backend.settings.repair if asked.repair is None else asked.repair and backend.settings.repair)


def _again(payload: dict[str, Any], text: str, found: Verification) -> dict[str, Any]:
    """The conversation with the answer and its faults."""
    faults = [
        f"- {fault_line(claim)}"
        for sentence in found.sentences
        for claim in sentence.claims
        if claim.verdict != "supported"
    ]
    told = prompt("mllm_repair").fill(findings="\n".join(faults) or "- The form is not right.")
    turns = [{"role": "assistant", "content": text}, {"role": "user", "content": told}]
    return {**payload, "messages": [*payload["messages"], *turns]}


def _extra(writer: Writer, found: Verification | None, grounds: Grounds | None, repaired: bool) -> Extra:
    prediction = None if grounds is None else grounds.prediction
    note = None if prediction is not None else "There was no picture to check the answer against."
    ok = None if found is None else found.ok
    return Extra(backend=writer.backend, ok=ok, verification=found, prediction=prediction, repaired=repaired, note=note)


async def remote_stream(
    backend: Backend, writer: Writer, asked: ChatAsked, subject: Subject, grounds: Grounds | None, name: str
) -> AsyncIterator[bytes]:
    """The model's chunks as they come; the last one carries `fervlm`. A stream that breaks off ends with an error."""
    payload = {**payload_of(backend, writer, asked, subject), "stream": True}
    if asked.stream_options is not None and asked.stream_options.include_usage:
        payload["stream_options"] = {"include_usage": True}
    text = ""
    try:
        async for chunk in writer.chat_stream(payload):
            chunk["id"] = name
            for choice in chunk.get("choices", ()):
                text += (choice.get("delta") or {}).get("content") or ""
            yield sse.event(None, chunk)
    except Problem as problem:
        yield sse.event(None, {"error": problem.body()["error"], **problem.body()})
        return
    found = checked(text, grounds)
    backend.metrics.checked(found)
    extra = _extra(writer, found, grounds, False).model_dump(mode="json")
    last = {"id": name, "object": "chat.completion.chunk", "created": int(time.time()), "model": asked.model}
    yield sse.event(None, {**last, "choices": [], "fervlm": extra})
    yield sse.DONE
