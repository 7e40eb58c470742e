"""Threads that look at pictures, each with a model of its own."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fervlm.predict.pictures import PictureReader
from fervlm.serve.line import Line
from fervlm.serve.metrics import Metrics
from fervlm.serve.settings import Limits
from fervlm.serve.shown import memory
from fervlm.vision.find_faces import FaceFinder, FoundFace
from fervlm.vision.haar import HaarFinder

if TYPE_CHECKING:
    from fervlm.vision.find_faces import Pixels


class FewFaces:
    """A finder that keeps the largest faces of a crowd.

    Args:
        inner: finds them all, largest first.
        most: how many are kept.
    """

    def __init__(self, inner: FaceFinder, most: int) -> None:
        self._inner, self._most = inner, most

    @property
    def name(self) -> str:
        """As the inner one is called."""
        return self._inner.name

    def find(self, picture: Pixels) -> list[FoundFace]:
        """The largest faces."""
        return self._inner.find(picture)[: self._most]


class Workers(Line[PictureReader]):
    """Readers of pictures.

    Args:
        readers: one for each thread.
        limits: how long the line and the wait may be, and how many faces are looked at.
        metrics: where the line's length is shown.
    """

    def __init__(self, readers: list[PictureReader], limits: Limits, metrics: Metrics) -> None:
        for reader in readers:
            if isinstance(reader.finder, HaarFinder):
                reader.finder.memory = memory()
            reader.finder = FewFaces(reader.finder, limits.faces)
        self.finders: Sequence[FaceFinder] = [reader.finder for reader in readers]
        self._counted = itertools.count()
        self.name = readers[0].name
        self.manifest = readers[0].model.manifest
        self.backend = readers[0].model.backend
        super().__init__(readers, limits.queued, limits.answer_s, metrics.queue.set)

    def finder(self) -> FaceFinder:
        """A finder for threads that are no workers; each call gives the next, as one searches one picture at once."""
        return self.finders[next(self._counted) % len(self.finders)]
