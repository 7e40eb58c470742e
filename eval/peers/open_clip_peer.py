"""Any open_clip model, zero-shot, through `fervlm.load`: our prompts and our clock around their towers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eval.answer import Answer
from eval.item import Benchmark, Item
from eval.peers import installed_version
from eval.predictors import Settings
from eval.predictors.contrastive import Contrastive
from fervlm.errors import FervlmError


class Peer:
    """The same code path as ours: crops, two looks, three prompt sets.

    Args:
        benchmark: its labels are held against the faces.
        setting: `NAME:WEIGHTS`, or a folder that open_clip loads.

    Raises:
        FervlmError: no model is named, or it cannot be loaded.
    """

    def __init__(self, benchmark: Benchmark, setting: str | None) -> None:
        if setting is None:
            raise FervlmError("open_clip needs a model", hint="Write peer:open_clip=ViT-B-32-quickgelu:openai")
        self._model = Contrastive(benchmark, Settings(explain=False), setting)
        self.name, self.version = f"peer open_clip {setting}", installed_version("open_clip")

    def answers(self, items: Sequence[Item]) -> Iterator[Answer]:
        """Batch by batch."""
        yield from self._model.answers(items)
