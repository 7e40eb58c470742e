"""An OpenAI-compatible endpoint, used hard but politely: bounded concurrency, jittered retries, a circuit breaker."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from data_engine.config import TeacherConfig
from data_engine.teacher.journal import Answer
from fervlm.errors import FervlmError, MissingExtraError

if TYPE_CHECKING:
    import httpx

_RETRIED_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_FIRST_WAIT_S = 0.25
_LONGEST_WAIT_S = 20.0


class CallFailedError(Exception):
    """One request that got no usable answer within its budget of retries."""


class Endpoint:
    """One server and one model. `ask` may be awaited from many tasks; at most `concurrency` requests are out at once.

    A call is repeated on 408, 409, 425, 429, 5xx, time-outs, cut connections and bodies that are no chat completion,
    after a wait that doubles and is jittered (and is at least the server's Retry-After). When `give_up_after` calls in
    a row have failed for good, the endpoint counts as gone and every later call raises `FervlmError` at once.
    """

    def __init__(self, config: TeacherConfig, api_key: str | None = None) -> None:
        try:
            import httpx  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError("asking a teacher", "data") from error
        if config.url is None:
            raise FervlmError("the teacher has no address", hint="Give --teacher URL, ending in /v1.")
        self._config = config
        self._slots = asyncio.Semaphore(config.concurrency)
        limits = httpx.Limits(max_connections=config.concurrency, max_keepalive_connections=config.concurrency)
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = httpx.AsyncClient(
            base_url=config.url.rstrip("/"), timeout=config.timeout_s, limits=limits, headers=headers, trust_env=False
        )
        self._failed_in_a_row = 0
        self.retried = 0

    async def ask(self, request: dict[str, Any]) -> Answer:
        """The completion of `request`, a chat-completions body.

        Raises:
            CallFailedError: this request failed for good.
            FervlmError: the endpoint is gone, or refuses the request itself (401, 404, ...).
        """
        async with self._slots:
            for attempt in range(self._config.retries + 1):
                self._check_circuit()
                outcome = await self._once(request)
                if isinstance(outcome, Answer):
                    self._failed_in_a_row = 0
                    return outcome
                reason, retry_after = outcome
                if attempt < self._config.retries:
                    self.retried += 1
                    wait = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2**attempt) * random.uniform(0.5, 1.5)
                    await asyncio.sleep(max(wait, min(retry_after, _LONGEST_WAIT_S)))
            self._failed_in_a_row += 1
            raise CallFailedError(reason)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    def _check_circuit(self) -> None:
        if self._failed_in_a_row >= self._config.give_up_after:
            raise FervlmError(
                f"the teacher at {self._config.url} failed {self._failed_in_a_row} calls in a row and counts as gone",
                hint="Start it again and run the same command; answered calls are not asked again.",
            )

    async def _once(self, request: dict[str, Any]) -> Answer | tuple[str, float]:
        """An answer, or why there is none and how long the server wants us to wait."""
        import httpx  # noqa: PLC0415

        try:
            response = await self._http.post("/chat/completions", json=request)
        except httpx.HTTPError as error:
            return f"{type(error).__name__}: {error}", 0.0
        if response.status_code in _RETRIED_STATUS:
            return f"HTTP {response.status_code}", _retry_after(response)
        if response.is_error:
            raise FervlmError(
                f"the teacher refuses the request with HTTP {response.status_code}: {response.text[:200]}",
                hint="Check --teacher, --teacher-model and the key in FERVLM_TEACHER_KEY.",
            )
        try:
            body = response.json()
            text = body["choices"][0]["message"]["content"]
            usage = (body.get("usage") or {}).get("total_tokens")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            return "the body is no chat completion", 0.0
        if not isinstance(text, str) or not text.strip():
            return "the answer is empty", 0.0
        return Answer(text, usage if isinstance(usage, int) else None)


def _retry_after(response: httpx.Response) -> float:
    try:
        return max(0.0, float(response.headers.get("retry-after", 0)))
    except ValueError:
        return 0.0
