"""vLLM's offline batch engine as a teacher: waiting requests are gathered and generated together."""

from __future__ import annotations

import asyncio
from typing import Any

from data_engine.config import TeacherConfig
from data_engine.teacher.client import CallFailedError
from data_engine.teacher.journal import Answer
from fervlm.errors import FervlmError, MissingExtraError

_GATHER_S = 0.05


class OfflineEngine:
    """`vllm.LLM.chat` in a thread of its own; requests that arrive while it works form the next batch.

    Raises:
        MissingExtraError: vLLM is not installed.
        FervlmError: vLLM cannot load the model.
    """

    def __init__(self, config: TeacherConfig) -> None:
        try:
            from vllm import LLM, SamplingParams  # noqa: PLC0415
            from vllm.exceptions import VLLMValidationError  # noqa: PLC0415
            from vllm.platforms import current_platform  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError("the offline teacher", "vllm") from error
        try:
            self._llm = LLM(model=config.model, **{"max_num_seqs": config.concurrency, **config.engine})
        except Exception as error:
            raise FervlmError(
                f"vLLM cannot load the teacher '{config.told_model()}' ({_first_line(error)})",
                hint="Its log above says more; arguments of the engine go into --teacher-engine.",
            ) from error
        self._sampling = SamplingParams
        self._about_request: tuple[type[Exception], ...] = (ValueError, VLLMValidationError)
        # A request with a seed of its own kills the engine's worker on a CPU (vLLM 0.32).
        self._seeded = not current_platform.is_cpu()
        self._waiting: list[tuple[dict[str, Any], asyncio.Future[Answer]]] = []
        self._worker: asyncio.Task[None] | None = None
        self._failed, self._most_failed = 0, config.give_up_after
        self.retried = 0

    async def ask(self, request: dict[str, Any]) -> Answer:
        """The completion of a chat-completions body.

        Raises:
            CallFailedError: this request cannot be answered, e.g. it is longer than the model's context.
            FervlmError: so many in a row that the model is of no use.
        """
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
            outcomes = await asyncio.to_thread(self._answers, [request for request, _ in batch])
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if future.done():  # cancelled: the run ends
                    continue
                if isinstance(outcome, Answer):
                    future.set_result(outcome)
                else:
                    future.set_exception(outcome)

    def _answers(self, batch: list[dict[str, Any]]) -> list[Answer | Exception]:
        """An answer or a failure each; vLLM refuses a whole batch for one bad request, so each is then tried alone."""
        try:
            self._failed, answers = 0, self._generate(batch)
            return list(answers)
        except self._about_request as error:
            if len(batch) > 1:
                return [outcome for request in batch for outcome in self._answers([request])]
            self._failed += 1
            if self._failed < self._most_failed:
                return [CallFailedError(_first_line(error))]
            return [_gone(f"vLLM refused {self._failed} requests in a row, the last with: {_first_line(error)}")]
        except Exception as error:
            return [_gone(f"vLLM's engine failed ({_first_line(error)})") for _ in batch]

    def _generate(self, batch: list[dict[str, Any]]) -> list[Answer]:
        params = [
            self._sampling(
                temperature=r["temperature"], max_tokens=r["max_tokens"], seed=r["seed"] if self._seeded else None
            )
            for r in batch
        ]
        outputs = self._llm.chat([r["messages"] for r in batch], params, use_tqdm=False)
        return [
            Answer(out.outputs[0].text, len(out.prompt_token_ids or ()) + len(out.outputs[0].token_ids))
            for out in outputs
        ]


def _gone(what: str) -> FervlmError:
    return FervlmError(
        what, hint="Answered calls are kept; change the model or --teacher-engine and run the same command again."
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
