"""vLLM's offline batch engine as a teacher: waiting requests are gathered and generated together."""

from __future__ import annotations

import asyncio
from typing import Any

from data_engine.config import TeacherConfig
from data_engine.teacher.journal import Answer
from fervlm.errors import MissingExtraError

_GATHER_S = 0.05


class OfflineEngine:
    """`vllm.LLM.chat` in a thread of its own; requests that arrive while it works form the next batch."""

    def __init__(self, config: TeacherConfig) -> None:
        try:
            from vllm import LLM, SamplingParams  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError("the offline teacher", "vllm") from error
        self._llm = LLM(model=config.model, max_num_seqs=config.concurrency)
        self._sampling = SamplingParams
        self._waiting: list[tuple[dict[str, Any], asyncio.Future[Answer]]] = []
        self._worker: asyncio.Task[None] | None = None
        self.retried = 0

    async def ask(self, request: dict[str, Any]) -> Answer:
        """The completion of a chat-completions body."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await future

    async def close(self) -> None:
        """Nothing is left running: every request has been answered."""

    async def _work(self) -> None:
        while self._waiting:
            await asyncio.sleep(_GATHER_S)
            batch, self._waiting = self._waiting, []
            try:
                answers = await asyncio.to_thread(self._generate, [request for request, _ in batch])
            except Exception as error:
                for _, future in batch:
                    future.set_exception(error)
                continue
            for (_, future), answer in zip(batch, answers, strict=True):
                future.set_result(answer)

    def _generate(self, batch: list[dict[str, Any]]) -> list[Answer]:
        params = [
            self._sampling(temperature=r["temperature"], max_tokens=r["max_tokens"], seed=r["seed"]) for r in batch
        ]
        outputs = self._llm.chat([r["messages"] for r in batch], params, use_tqdm=False)
        return [
            Answer(out.outputs[0].text, len(out.prompt_token_ids or ()) + len(out.outputs[0].token_ids))
            for out in outputs
        ]
