"""What answers requests: the contrastive model and the engine in this process, and a language model, if any."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fervlm.mllm.manifest import ScoreCalibration
from fervlm.serve.metrics import Metrics
from fervlm.serve.problems import Problem
from fervlm.serve.schemas import ModelInfo
from fervlm.serve.settings import ServeSettings
from fervlm.serve.workers import Workers


class Writer(Protocol):
    """A language model that writes captions of its own on pictures."""

    name: str
    """The model, as clients call it."""
    backend: str
    tokens: int
    """Most of a caption."""
    keeps_schemas: bool
    """Whether its chat answers follow any JSON Schema."""
    special: frozenset[str]
    """Marks that structure its conversations."""

    @property
    def ready(self) -> bool:
        """Whether it answers now."""
        ...

    @property
    def side(self) -> int | None:
        """Side in pixels of the faces it was trained on; None where that is not known."""
        ...

    @property
    def rule(self) -> ScoreCalibration | None:
        """How its label scores become probabilities."""
        ...

    def models(self) -> list[ModelInfo]:
        """What it serves."""
        ...

    async def label_scores(self, messages: list[dict[str, Any]], labels: Sequence[str]) -> list[float]:
        """Log-probability of each label as the answer to a conversation, in OpenAI's form, that ends in a question."""
        ...

    async def chat(self, payload: dict[str, Any]) -> dict[str, Any]:
        """A chat completion, as OpenAI's API has it."""
        ...

    def chat_stream(self, payload: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """The chunks of one."""
        ...


@dataclass(slots=True)
class Backend:
    """All that routes work with.

    Attributes:
        workers: look at pictures and run the engine.
        settings, metrics: the server's.
        writer: a language model, if one is served.
        leads: whether the writer answers where a request names no model; otherwise the model of the workers does.
        warm: whether the first picture went through.
    """

    workers: Workers
    settings: ServeSettings
    metrics: Metrics
    writer: Writer | None = None
    leads: bool = True
    warm: bool = False

    @property
    def ready(self) -> bool:
        """Whether requests are answered now."""
        return self.warm and (self.writer is None or not self.leads or self.writer.ready)

    def models(self) -> list[ModelInfo]:
        """What answers, the model first that does where none is named."""
        manifest = self.workers.manifest
        own = ModelInfo(id=manifest.name, backend=self.workers.backend, version=manifest.version)
        others = self.writer.models() if self.writer is not None else []
        return [*others, own] if self.leads else [own, *others]

    def named(self, model: str) -> Writer | None:
        """The language model that a request means; None where it means the model of the workers.

        Raises:
            Problem: 404 where no model is called so.
        """
        known = [one.id for one in self.models()]
        if model and model not in known:
            raise Problem(404, f"There is no model '{model[:80]}' here; there is {', '.join(known)}.")
        return self.writer if self.writer is not None and (model or known[0]) == self.writer.name else None

    def called(self, writer: Writer | None) -> str:
        """The id of what answered."""
        return self.workers.manifest.name if writer is None else writer.name
