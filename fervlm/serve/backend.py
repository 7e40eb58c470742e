"""What answers requests: the contrastive model and the engine in this process, and a language model, if any."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from fervlm.serve.metrics import Metrics
from fervlm.serve.schemas import ModelInfo
from fervlm.serve.settings import ServeSettings
from fervlm.serve.workers import Workers

if TYPE_CHECKING:
    from fervlm.records import Prediction


class Writer(Protocol):
    """A language model that writes captions of its own on pictures, such as vLLM."""

    name: str
    """The model, as clients call it."""
    backend: str
    special: frozenset[str]
    """Marks that structure its conversations."""

    @property
    def ready(self) -> bool:
        """Whether it answers now."""
        ...

    def models(self) -> list[ModelInfo]:
        """What it serves."""
        ...

    async def caption(self, picture: bytes, prediction: Prediction, observe_only: bool) -> Prediction:
        """The prediction with this model's caption, verified against the same evidence."""
        ...

    def caption_parts(self, picture: bytes, prediction: Prediction, observe_only: bool) -> AsyncIterator[str]:
        """The text of a caption as it comes."""
        ...

    def shown(self, picture: bytes, prediction: Prediction | None) -> str:
        """The face of a picture as a data URL, as the model was trained to see it."""
        ...

    async def labelled(self, picture: bytes, prediction: Prediction, labels: Sequence[str]) -> Prediction:
        """The prediction with this model's probabilities of labels."""
        ...

    async def chat(self, payload: dict[str, Any]) -> dict[str, Any]:
        """A chat completion, as the model gives it."""
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
        warm: whether the first picture went through.
    """

    workers: Workers
    settings: ServeSettings
    metrics: Metrics
    writer: Writer | None = None
    warm: bool = False

    @property
    def ready(self) -> bool:
        """Whether requests are answered now."""
        return self.warm and (self.writer is None or self.writer.ready)

    def models(self) -> list[ModelInfo]:
        """The language model first, where there is one."""
        manifest = self.workers.manifest
        own = ModelInfo(id=manifest.name, backend=self.workers.backend, version=manifest.version)
        return [*(self.writer.models() if self.writer is not None else []), own]
