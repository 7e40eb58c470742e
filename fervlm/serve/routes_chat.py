"""POST /v1/chat/completions: OpenAI's, with a picture in, an explained answer out, and its verification beside it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from fervlm.mllm.refuse import refusal
from fervlm.records import Prediction
from fervlm.serve import sse
from fervlm.serve.asking import backend_of, meant, picture_sent, records_given
from fervlm.serve.backend import Backend, Writer
from fervlm.serve.chat_local import Spoken, choices_of, cut, labels_asked, logprobs, spoken, wants_json
from fervlm.serve.chat_remote import remote_chat, remote_stream
from fervlm.serve.chat_schemas import (
    AssistantMessage,
    ChatAsked,
    Choice,
    Completion,
    Extra,
    ImagePart,
    Subject,
    TextPart,
    Usage,
)
from fervlm.serve.explaining import explain_picture, explain_records, explain_shown
from fervlm.serve.grounds import Grounds, grounds_of
from fervlm.serve.inputs import parsed
from fervlm.serve.looking import looked_into, no_such_face, shown_to
from fervlm.serve.openapi import EVENTS, body, errors
from fervlm.serve.problems import Problem
from fervlm.serve.questions import captioned, labelled

router = APIRouter(tags=["chat"])
_CHUNKS: dict[str, Any] = {
    "description": "The completion; with `stream`, its chunks as server-sent events, then [DONE].",
    "content": {sse.MEDIA_TYPE: EVENTS},
}


@router.post(
    "/v1/chat/completions",
    response_model=Completion,
    responses={200: _CHUNKS, **errors(401, 404, 408, 413, 415, 422, 429, 500, 501, 502, 503)},
    openapi_extra=body(ChatAsked),
)
async def chat(request: Request) -> Response:
    """Answer about the last picture of the conversation."""
    asked, _ = await parsed(request, ChatAsked)
    backend = backend_of(request)
    writer = meant(backend, asked.model)
    subject = await _subject(backend, asked)
    name = f"chatcmpl-{request.state.request_id}"
    refused = refusal(subject.question)
    if refused is None and writer is not None and (writer.keeps_schemas or not wants_json(asked)):
        subject = await shown_to(backend, writer, subject, asked.face or 0)
        if asked.stream:
            chunks = remote_stream(backend, writer, asked, subject, await _grounds(backend, asked, subject), name)
            return StreamingResponse(chunks, media_type=sse.MEDIA_TYPE, headers=sse.HEADERS)
        told = await remote_chat(backend, writer, asked, subject, _grounds(backend, asked, subject), name)
        return Response(told.json(), media_type="application/json")
    await looked_into(backend, subject)
    if refused is None:
        seen = await _by_the_writer(writer, asked, subject, await _seen(backend, asked, subject, _itself))
        answer = await backend.workers.run(lambda _: spoken(asked, subject.question, seen))
    else:
        answer = Spoken(refused, (refused,))
    backend.metrics.checked(answer.verification)
    if asked.stream:
        chunks = _chunks(backend, asked, subject, answer, name)
        return StreamingResponse(chunks, media_type=sse.MEDIA_TYPE, headers=sse.HEADERS)
    return Response(_completion(backend, asked, subject, answer, name).model_dump_json(), media_type="application/json")


async def _by_the_writer(
    writer: Writer | None, asked: ChatAsked, subject: Subject, seen: Prediction | None
) -> Prediction | None:
    """The face as a language model explains it, where JSON is wanted of one that keeps no schema by itself."""
    if writer is None or seen is None or subject.picture is None:
        return seen
    told = await captioned(writer, subject.picture, seen)
    if told.caption is None:
        raise Problem(502, "The language model wrote no caption that could be put into this schema.")
    words = labels_asked(asked)
    return await labelled(writer, subject.picture, told, words) if words else told


async def _subject(backend: Backend, asked: ChatAsked) -> Subject:
    """What is asked, about which picture."""
    texts = [text for message in asked.messages for text in _texts(message.content)]
    words = sum(len(text.split()) for text in texts)
    users = [message for message in asked.messages if message.role == "user"]
    question = " ".join(_texts(users[-1].content)) if users else ""
    place, url = _last_picture(asked)
    if url is None or asked.evidence is not None:
        return Subject(question, words)
    picture, name = await picture_sent(backend, url, "picture", {})
    return Subject(question, words, picture, name, place)


async def _grounds(backend: Backend, asked: ChatAsked, subject: Subject) -> Grounds | None:
    """What a language model's answer is held against, all of it made by a worker."""
    return await _seen(backend, asked, subject, grounds_of)


T = TypeVar("T")


async def _seen(backend: Backend, asked: ChatAsked, subject: Subject, then: Callable[[Prediction], T]) -> T | None:
    """The picture or the evidence explained by the engine, and what `then` makes of the face asked about."""

    def told(predictions: list[Prediction]) -> T | None:
        return then(_chosen(predictions, asked)) if predictions else None

    choices = choices_of(asked)
    if backend.settings.observe_only:
        choices = choices.model_copy(update={"observe_only": True})
    if asked.evidence is not None:
        records = await records_given(backend, asked.evidence, "", "", {})
        return await backend.workers.run(lambda _: told(explain_records(records, choices, "auto").predictions))
    picture, faces = subject.picture, subject.faces
    if picture is None:
        return None
    if faces is not None:
        return await backend.workers.run(lambda r: told(explain_picture(r, faces, subject.name, choices).predictions))
    return await backend.workers.run(lambda r: told(explain_shown(r, picture, subject.name, choices).predictions))


def _itself(prediction: Prediction) -> Prediction:
    return prediction


def _chosen(predictions: list[Prediction], asked: ChatAsked) -> Prediction:
    """The face that is asked about.

    Raises:
        Problem: 404 where there are not so many.
    """
    number = asked.face or 0
    if number >= len(predictions):
        raise no_such_face(number, len(predictions))
    return predictions[number]


def _texts(content: str | list[TextPart | ImagePart] | None) -> list[str]:
    if isinstance(content, str):
        return [content]
    return [part.text for part in content or () if isinstance(part, TextPart)]


def _last_picture(asked: ChatAsked) -> tuple[int, str | None]:
    """Number of its message, and its URL."""
    for number in range(len(asked.messages) - 1, -1, -1):
        content = asked.messages[number].content
        for part in reversed(content) if isinstance(content, list) else ():
            if isinstance(part, ImagePart):
                return number, part.image_url.url
    return -1, None


def _limit(backend: Backend, asked: ChatAsked) -> int:
    own = backend.settings.limits.tokens
    return min(asked.max_completion_tokens or asked.max_tokens or own, own)


def _extra(backend: Backend, answer: Spoken) -> Extra:
    checked = answer.verification
    return Extra(
        backend=answer.prediction.backend if answer.prediction is not None else backend.workers.backend,
        ok=None if checked is None else checked.ok,
        verification=checked,
        prediction=answer.prediction,
    )


def _completion(backend: Backend, asked: ChatAsked, subject: Subject, answer: Spoken, name: str) -> Completion:
    text, count, lost = cut(answer.text, _limit(backend, asked))
    usage = Usage(prompt_tokens=subject.words, completion_tokens=count, total_tokens=subject.words + count)
    told = logprobs(answer, text, _top(asked)) if asked.logprobs else None
    choice = Choice(message=AssistantMessage(content=text), finish_reason="length" if lost else "stop", logprobs=told)
    extra = _extra(backend, answer)
    return Completion(id=name, created=int(time.time()), model=asked.model, choices=[choice], usage=usage, fervlm=extra)


def _top(asked: ChatAsked) -> int:
    return 20 if asked.top_logprobs is None else asked.top_logprobs


async def _chunks(
    backend: Backend, asked: ChatAsked, subject: Subject, answer: Spoken, name: str
) -> AsyncIterator[bytes]:
    """A section a chunk; the last one carries `fervlm`."""
    whole = _completion(backend, asked, subject, answer, name)
    text = whole.choices[0].message.content
    head = {"id": name, "object": "chat.completion.chunk", "created": whole.created, "model": asked.model}

    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:  # noqa: ANN401
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": more.pop("logprobs", None)}
        return sse.event(None, {**head, "choices": [choice], **more})

    yield chunk({"role": "assistant", "content": ""})
    sent = 0
    for part in answer.parts:
        piece = text[sent : sent + len(part)]
        sent += len(part)
        if piece:
            yield chunk({"content": piece})
    extra = whole.fervlm.model_dump(mode="json")
    yield chunk({}, whole.choices[0].finish_reason, fervlm=extra, logprobs=whole.choices[0].logprobs)
    if asked.stream_options is not None and asked.stream_options.include_usage:
        yield sse.event(None, {**head, "choices": [], "usage": whole.usage.model_dump()})
    yield sse.DONE
