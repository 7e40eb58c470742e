"""vLLM as the writer of captions and the other end of chats, over its OpenAI-compatible API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import httpx

from fervlm.mllm.manifest import ScoreCalibration
from fervlm.serve.alone import Alone
from fervlm.serve.problems import Problem
from fervlm.serve.schemas import ModelInfo
from fervlm.serve.vllm_plan import Plan, special_tokens
from fervlm.serve.wire import GoneError, Wire

DOWN = "The language model does not answer; it is starting again."
CONNECTIONS = 256
_JSON = {"content-type": "application/json"}


class VllmWriter:
    """A `Writer` over one vLLM server, or several behind one address.

    Args:
        url: where it listens.
        plan: what it serves; None for a server of somebody else, whose first model is taken.
        up: whether it is up as far as is known; always, by default.
        name: of the model, where there is no plan.
        tokens: most of a caption.
        seconds: for an answer, or between two parts of a stream.
        transport: how requests travel; httpx's own by default.
        alone: whether label scores are asked for while nothing else is; see `Alone`.
    """

    backend = "vllm"
    keeps_schemas = True

    def __init__(
        self,
        url: str,
        plan: Plan | None = None,
        up: Callable[[], bool] | None = None,
        *,
        name: str | None = None,
        tokens: int = 512,
        seconds: float = 120,
        transport: httpx.AsyncBaseTransport | None = None,
        alone: bool = False,
    ) -> None:
        self.plan, self._up, self.tokens = plan, up or (lambda: True), tokens
        self.name = name or (plan.name if plan is not None else "")
        self.parity: dict[str, Any] | None = None
        self._seeds = True
        self._turns = Alone() if alone else None
        self.special = special_tokens(plan) if plan is not None else frozenset[str]()
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        self._http = httpx.AsyncClient(
            base_url=url, timeout=seconds, limits=limits, trust_env=False, transport=transport
        )
        plain = transport is None and url.startswith("http://")
        self._wire = Wire(url, seconds, CONNECTIONS) if plain else None

    @property
    def ready(self) -> bool:
        """Whether it answers now."""
        return self._up()

    @property
    def side(self) -> int | None:
        """Side in pixels of the faces it was trained on; None where that is not known."""
        return self.plan.manifest.crop_side if self.plan is not None and self.plan.manifest is not None else None

    @property
    def rule(self) -> ScoreCalibration | None:
        """How its label scores become probabilities."""
        manifest = self.plan.manifest if self.plan is not None else None
        return manifest.calibration.get("direct") if manifest is not None else None

    def models(self) -> list[ModelInfo]:
        """The one model that answers; its base stays inside."""
        manifest = self.plan.manifest if self.plan is not None else None
        adapter = self.name if self.plan is not None and self.plan.adapter is not None else None
        version = manifest.version if manifest is not None else None
        return [ModelInfo(id=self.name, backend=self.backend, version=version, adapter=adapter, parity=self.parity)]

    # ---- label probabilities

    async def label_scores(self, messages: list[dict[str, Any]], labels: Sequence[str]) -> list[float]:
        """Log-probability of each label as the answer to a question."""
        told = await asyncio.gather(*(self.forced(self.name, messages, label) for label in labels))
        return [sum(one) for one in told]

    async def forced(self, model: str, messages: list[dict[str, Any]], answer: str) -> list[float]:
        """Log-probabilities of an answer's tokens and its end mark, were they the model's next words.

        Args:
            model: name as vLLM knows it.
            messages: a conversation that ends in a question.
            answer: the words.

        Raises:
            Problem: the server does not answer, or not with what was asked.
        """
        spoken = [*messages, {"role": "assistant", "content": answer}]
        text_only = [_without_pictures(message) for message in messages]
        before = await self._count(model, text_only, begin=True)
        after = await self._count(model, [*text_only, {"role": "assistant", "content": answer}], begin=False)
        payload = {
            "model": model, "messages": spoken, "max_tokens": 1, "temperature": 0, "prompt_logprobs": 0,
            "add_generation_prompt": False,
        }  # fmt: skip
        async with nullcontext() if self._turns is None else self._turns.alone():
            told = (await self._post("/v1/chat/completions", payload)).get("prompt_logprobs") or []
        tail = told[len(told) - (after - before) :]
        if after <= before or len(tail) != after - before or not all(tail):
            raise Problem(502, "The language model gives no log-probabilities of a prompt.")
        values = [next(iter(entry.values())) for entry in tail]
        words = [str(value.get("decoded_token", "")) for value in values]
        end = next((k for k, word in enumerate(words) if word in self.special), len(words) - 1)
        return [float(value["logprob"]) for value in values[: end + 1]]

    async def _count(self, model: str, messages: list[dict[str, Any]], *, begin: bool) -> int:
        body = {"model": model, "messages": messages, "add_generation_prompt": begin}
        return int((await self._post("/tokenize", body))["count"])

    async def prompt_tokens(self, model: str, messages: list[dict[str, Any]]) -> int:
        """Tokens of a conversation with its pictures, as the server counts them."""
        answer = await self.chat({"model": model, "messages": messages, "max_tokens": 1, "temperature": 0})
        return int(answer["usage"]["prompt_tokens"])

    # ---- the wire

    async def chat(self, payload: dict[str, Any]) -> dict[str, Any]:
        """A completion as vLLM gives it."""
        async with self._shared():
            return await self._post("/v1/chat/completions", self._borne(payload))

    async def chat_stream(self, payload: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Its chunks."""
        done = False
        try:
            async with (
                self._shared(),
                self._http.stream("POST", "/v1/chat/completions", json=self._borne(payload)) as answer,
            ):
                if answer.status_code != 200:
                    raise _refused(answer.status_code, await answer.aread())
                async for line in answer.aiter_lines():
                    if line.startswith("data: "):
                        done = line[6:].strip() == "[DONE]"
                        if done:
                            break
                        chunk = json.loads(line[6:])
                        if "error" in chunk:
                            raise Problem(502, "The language model broke off its answer.")
                        yield chunk
        except httpx.HTTPError:
            raise Problem(503, "The answer broke off: the language model went away.", {"retry-after": "5"}) from None
        if not done:
            raise Problem(503, "The answer broke off: the language model went away.", {"retry-after": "5"})

    def _shared(self) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self._turns is None else self._turns.shared()

    async def _post(self, path: str, payload: dict[str, Any]) -> dict[str, Any]:
        try:
            status, content = await self._sent(path, json.dumps(payload, separators=(",", ":")).encode())
        except (TimeoutError, httpx.TimeoutException):
            raise Problem(503, "The language model takes too long.", {"retry-after": "5"}) from None
        except (GoneError, httpx.HTTPError):
            raise Problem(503, DOWN, {"retry-after": "5"}) from None
        if status != 200:
            raise _refused(status, content)
        try:
            found: dict[str, Any] = json.loads(content)
        except ValueError:
            raise Problem(502, "The language model answered what cannot be read.") from None
        return found

    async def _sent(self, path: str, body: bytes) -> tuple[int, bytes]:
        if self._wire is not None:
            return await self._wire.post(path, body)
        answer = await self._http.post(path, content=body, headers=_JSON)
        return answer.status_code, answer.content

    async def learn_version(self) -> None:
        """Find out what the server can bear: a seed of a request's own kills vLLM 0.32's worker on a CPU."""
        try:
            self._seeds = "+cpu" not in str((await self._http.get("/version")).json()["version"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            self._seeds = True

    def _borne(self, payload: dict[str, Any]) -> dict[str, Any]:
        return payload if self._seeds else {name: value for name, value in payload.items() if name != "seed"}

    async def first_model(self) -> str:
        """The name of what a server of somebody else serves."""
        try:
            answer = await self._http.get("/v1/models")
            return str(answer.json()["data"][0]["id"])
        except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError):
            raise Problem(503, DOWN) from None

    async def close(self) -> None:
        """Close the connections."""
        if self._wire is not None:
            self._wire.close()
        await self._http.aclose()


def _without_pictures(message: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(message["content"], list):
        return message
    words = "".join(part["text"] for part in message["content"] if part["type"] == "text")
    return {**message, "content": words}


def _refused(status: int, content: bytes) -> Problem:
    """What vLLM says of a request: the user's mistake stays one, all else is the server's."""
    try:
        found = json.loads(content)
        told = str((found.get("error") or found).get("message", ""))[:300]
    except (ValueError, AttributeError):
        told = ""
    if status in {400, 404, 413, 422}:
        return Problem(422, f"The language model refuses this: {told or status}")
    return Problem(503, DOWN, {"retry-after": "5"})
