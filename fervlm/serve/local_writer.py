"""The backend `transformers`: a multimodal model in this process writes the captions and answers the chats."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event
from typing import Any

from fervlm.errors import FervlmError
from fervlm.mllm.manifest import ScoreCalibration
from fervlm.serve.backend import Backend
from fervlm.serve.line import Line
from fervlm.serve.local_model import LocalModel
from fervlm.serve.problems import Problem
from fervlm.serve.schemas import ModelInfo
from fervlm.serve.settings import Limits
from fervlm.serve.vllm_plan import Plan, special_tokens


class LocalWriter:
    """A `Writer` in a thread of this process; one answer at a time, the others wait in line.

    Args:
        plan: what is opened, with the first question unless `open` was called before.
        limits: of the server; a language model may take four times as long as a picture model.
    """

    backend = "transformers"
    keeps_schemas = False

    def __init__(self, plan: Plan, limits: Limits) -> None:
        self.plan, self.name, self.tokens = plan, plan.name, limits.caption_tokens
        self.special = special_tokens(plan)
        self.ready = True
        self._model = LocalModel(plan)
        self._running: set[Event] = set()
        self._line = Line([self._model], limits.queued, limits.answer_s * 4)

    @property
    def side(self) -> int | None:
        """Side in pixels of the faces it was trained on; None where that is not known."""
        return self.plan.manifest.crop_side if self.plan.manifest is not None else None

    @property
    def rule(self) -> ScoreCalibration | None:
        """How its label scores become probabilities."""
        return self.plan.manifest.calibration.get("direct") if self.plan.manifest is not None else None

    def models(self) -> list[ModelInfo]:
        """The one model; there is nothing to compare it with, as it is the training stack's own."""
        manifest = self.plan.manifest
        adapter = self.name if self.plan.adapter is not None else None
        version = manifest.version if manifest is not None else None
        return [ModelInfo(id=self.name, backend=self.backend, version=version, adapter=adapter)]

    async def open(self) -> None:
        """Open the weights; not ready meanwhile.

        Raises:
            FervlmError: they cannot be.
        """
        self.ready = False
        await asyncio.to_thread(self._model.open)
        self.ready = True

    async def label_scores(self, messages: list[dict[str, Any]], labels: Sequence[str]) -> list[float]:
        """Log-probability of each label as the answer to a question."""
        return await self._line.run(lambda model: model.scores(messages, labels))

    async def chat(self, payload: dict[str, Any]) -> dict[str, Any]:
        """A completion."""
        with self._stopped_after() as stop:
            return await self._line.run(lambda model: model.complete(payload, stop))

    async def chat_stream(self, payload: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Its chunks; the words as they come, the log-probabilities and the usage at the end."""
        words: asyncio.Queue[str | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        head = {"id": "", "object": "chat.completion.chunk", "created": int(time.time()), "model": self.name}

        def tell(text: str) -> None:
            loop.call_soon_threadsafe(words.put_nowait, text)

        with self._stopped_after() as stop:
            running = asyncio.create_task(self._line.run(lambda model: model.complete(payload, stop, tell)))
            running.add_done_callback(lambda _: words.put_nowait(None))
            try:
                yield {**head, "choices": [_choice({"role": "assistant", "content": ""})]}
                while (text := await words.get()) is not None:
                    yield {**head, "choices": [_choice({"content": text})]}
                answer = await running
            finally:
                running.cancel()
                with suppress(asyncio.CancelledError, Problem):
                    await running
        [told] = answer["choices"]
        last = {"finish_reason": told["finish_reason"], "logprobs": told["logprobs"]}
        yield {**head, "choices": [{**_choice({}), **last}]}
        if (payload.get("stream_options") or {}).get("include_usage"):
            yield {**head, "choices": [], "usage": answer["usage"]}

    @contextmanager
    def _stopped_after(self) -> Iterator[Event]:
        """An event that ends the writing when nobody waits for it any more: the client left, or the server ends."""
        stop = Event()
        self._running.add(stop)
        try:
            yield stop
        finally:
            stop.set()
            self._running.discard(stop)

    def close(self) -> None:
        """Take no more work, and end what is being written."""
        for stop in self._running:
            stop.set()
        self._line.close()


def _choice(delta: dict[str, Any]) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": None, "logprobs": None}


class Within:
    """Begins and ends such a model of one server.

    Args:
        plan: what is served.
        leads: whether it answers where no model is named; it is then opened at the start, else when it is asked.
        failed: called where it cannot be opened; the server then ends.
        say: takes lines for the user.
    """

    def __init__(
        self, plan: Plan, leads: bool, failed: Callable[[FervlmError], None], say: Callable[[str], None]
    ) -> None:
        self._plan, self._leads, self._failed, self._say = plan, leads, failed, say
        self._task: asyncio.Task[None] | None = None
        self._writer: LocalWriter | None = None

    async def begin(self, backend: Backend) -> None:
        """Give the backend its writer."""
        self._writer = LocalWriter(self._plan, backend.settings.limits)
        backend.writer, backend.leads = self._writer, self._leads
        if self._leads:
            self._writer.ready = False
            self._task = asyncio.create_task(self._open(self._writer))

    async def _open(self, writer: LocalWriter) -> None:
        self._say(f"{writer.name} is opened by transformers.")
        try:
            await writer.open()
        except FervlmError as error:
            self._failed(error)
            return
        self._say(f"{writer.name} answers.")

    async def end(self, _: Backend) -> None:
        """Take no more work."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._writer is not None:
            self._writer.close()
