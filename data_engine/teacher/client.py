"""An OpenAI-compatible endpoint, used hard but politely: bounded concurrency, jittered retries, a circuit breaker."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from data_engine.config import TeacherConfig
from data_engine.teacher.journal import Answer
from data_engine.teacher.wire import Reply, Wire, WireError
from fervlm.errors import FervlmError

_RETRIED_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_REFUSED_STATUS = frozenset({401, 402, 403, 404, 405})
"""The address, the key or the model is wrong: no request will ever be answered."""
_FIRST_WAIT_S = 0.25
_LONGEST_WAIT_S = 20.0
_LONGEST_ASKED_S = 300.0
"""A server that asks for a longer pause is asked again after this one."""
_PROBE_S = 5.0


class CallFailedError(Exception):
    """One request that got no usable answer within its budget of retries."""


class _Trouble(NamedTuple):
    """Why an attempt brought no answer."""

    reason: str
    again: bool = True
    """Whether the same request may fare better later."""
    pause_s: float = 0.0
    """How long the server wants to be left alone by everybody."""


class Endpoint:
    """One server and one model. `ask` may be awaited from many tasks; at most `concurrency` requests are out at once.

    A call is repeated on 408, 409, 425, 429, 5xx, time-outs, cut connections and bodies that are no chat completion,
    after a wait that doubles and is jittered; a Retry-After holds all calls back. When at least `give_up_after`
    attempts in a row have failed and the server does not even answer a GET of its models, or as many calls in a row
    have failed for good although it does, it counts as gone: this and every later call raises `FervlmError` at once. A
    call that fails while the server is away is not given up: it is asked again until the server is back or is gone.
    """

    def __init__(self, config: TeacherConfig, api_key: str | None = None) -> None:
        if config.url is None:
            raise FervlmError("the teacher has no address", hint="Give --teacher URL, ending in /v1.")
        self._config = config
        self._slots = asyncio.Semaphore(config.concurrency)
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        try:
            self._wire = Wire(config.url, headers, config.timeout_s)
        except ValueError as error:
            raise FervlmError(f"the teacher's address is no URL ({error})", hint="Give --teacher URL.") from error
        self._attempts_failed = self._calls_failed = 0
        self._quiet_until = 0.0
        self._gone: str | None = None
        self.retried = 0

    async def ask(self, request: dict[str, Any]) -> Answer:
        """The completion of `request`, a chat-completions body.

        Raises:
            CallFailedError: this request failed for good.
            FervlmError: the endpoint is gone, or refuses every request (wrong key, no such model).
        """
        while True:
            outcome = await self._with_retries(request)
            if isinstance(outcome, Answer):
                self._attempts_failed = self._calls_failed = 0
                return outcome
            if not outcome.again or await self._answers_at_all():
                self._calls_failed += 1
                if self._calls_failed >= self._config.give_up_after:
                    self._give_up(f"failed {self._calls_failed} calls in a row, the last with {outcome.reason}")
                raise CallFailedError(outcome.reason)
            if self._attempts_failed >= self._config.give_up_after:
                self._give_up(f"does not answer ({outcome.reason})")

    async def close(self) -> None:
        """Close all connections."""
        await self._wire.close()

    async def _with_retries(self, request: dict[str, Any]) -> Answer | _Trouble:
        attempt = 0
        while True:
            await self._pause()
            async with self._slots:
                self._check_circuit()
                outcome = await self._once(request)
            if isinstance(outcome, Answer):
                return outcome
            self._attempts_failed += 1
            if outcome.pause_s:
                self._quiet_until = max(self._quiet_until, time.monotonic() + outcome.pause_s)
            if not outcome.again or attempt == self._config.retries:
                return outcome
            self.retried += 1
            await asyncio.sleep(min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2**attempt) * random.uniform(0.5, 1.5))
            attempt += 1

    async def _pause(self) -> None:
        """Leave a server alone that asked for it, and do not come back all at once."""
        while (left := self._quiet_until - time.monotonic()) > 0:
            await asyncio.sleep(left * random.uniform(1.0, 1.2))

    async def _answers_at_all(self) -> bool:
        """Whether anybody is at the address: a call that fails there is that call's own fault."""
        try:
            return (await self._wire.get("/models", min(_PROBE_S, self._config.timeout_s))).status < 500
        except WireError:
            return False

    def _give_up(self, why: str) -> None:
        self._gone = self._gone or why
        self._check_circuit()

    def _check_circuit(self) -> None:
        if self._gone is not None:
            raise FervlmError(
                f"the teacher at {self._config.url} {self._gone} and counts as gone",
                hint="Start it again and run the same command; answered calls are not asked again.",
            )

    async def _once(self, request: dict[str, Any]) -> Answer | _Trouble:
        """An answer, or why there is none."""
        try:
            reply = await self._wire.post("/chat/completions", to_json(request))
        except WireError as error:
            return _Trouble(str(error))
        if reply.status in _RETRIED_STATUS:
            return _Trouble(f"HTTP {reply.status}", pause_s=_retry_after(reply))
        if reply.status in _REFUSED_STATUS:
            raise FervlmError(
                f"the teacher at {self._config.url} refuses with HTTP {reply.status}: {_said(reply)}",
                hint="Check --teacher, --teacher-model and the key in FERVLM_TEACHER_KEY.",
            )
        if not 200 <= reply.status < 300:
            return _Trouble(f"HTTP {reply.status}: {_said(reply)}", again=False)
        try:
            body = from_json(reply.body)
            text = body["choices"][0]["message"]["content"]
            usage = (body.get("usage") or {}).get("total_tokens")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            return _Trouble("a body that is no chat completion")
        if not isinstance(text, str) or not text.strip():
            return _Trouble("an empty answer")
        return Answer(text, usage if isinstance(usage, int) else None)


def _said(reply: Reply) -> str:
    """The server's words on one line."""
    return " ".join(reply.body.decode(errors="replace").split())[:200]


def _retry_after(reply: Reply) -> float:
    try:
        return min(max(0.0, float(reply.headers.get("retry-after", 0))), _LONGEST_ASKED_S)
    except ValueError:  # a date; the wait between attempts has to do
        return 0.0
