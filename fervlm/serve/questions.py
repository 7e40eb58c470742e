"""What a language model is asked about a face: the questions of its training, and what its answers become."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from fervlm.prompts import prompt
from fervlm.records import Prediction
from fervlm.serve.backend import Writer
from fervlm.serve.problems import Problem
from fervlm.serve.shown import face_url
from fervlm.serve.writing import scored, written


async def captioned(writer: Writer, picture: bytes, prediction: Prediction) -> Prediction:
    """The prediction with the model's caption in place of the engine's, verified against the same evidence."""
    answer = await writer.chat(await _caption_asked(writer, picture, prediction))
    return written(prediction, content_of(answer), writer.backend, writer.name)


async def caption_parts(writer: Writer, picture: bytes, prediction: Prediction) -> AsyncIterator[str]:
    """The text of a caption as it comes."""
    payload = {**await _caption_asked(writer, picture, prediction), "stream": True}
    async for chunk in writer.chat_stream(payload):
        for choice in chunk.get("choices", ()):
            part = (choice.get("delta") or {}).get("content")
            if part:
                yield part


async def labelled(writer: Writer, picture: bytes, prediction: Prediction, labels: Sequence[str]) -> Prediction:
    """The prediction with the model's probabilities of labels, calibrated as its manifest says."""
    asked = prompt("mllm_label").fill(labels=", ".join(labels))
    messages = [await _shown(writer, picture, prediction, asked)]
    scores = await writer.label_scores(messages, labels)
    return scored(prediction, labels, scores, writer.rule, writer.backend, writer.name)


def content_of(answer: dict[str, Any]) -> str:
    """The words of a completion.

    Raises:
        Problem: 502 where it is none.
    """
    try:
        return str(answer["choices"][0]["message"]["content"] or "")
    except (KeyError, IndexError, TypeError):
        raise Problem(502, "The language model answered what cannot be read.") from None


async def _caption_asked(writer: Writer, picture: bytes, prediction: Prediction) -> dict[str, Any]:
    message = await _shown(writer, picture, prediction, prompt("mllm_caption").text)
    return {"model": writer.name, "messages": [message], "max_tokens": writer.tokens, "temperature": 0}


async def _shown(writer: Writer, picture: bytes, prediction: Prediction, question: str) -> dict[str, Any]:
    """A face and a question about it; the face is cut out beside the event loop, which answers others meanwhile."""
    url = await asyncio.to_thread(face_url, picture, prediction, writer.side)
    shown = {"type": "image_url", "image_url": {"url": url}}
    return {"role": "user", "content": [shown, {"type": "text", "text": question}]}
