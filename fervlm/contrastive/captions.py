"""Captions of a batch as few distinct texts: what is encoded once, and which text belongs to which face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from fervlm.contrastive.faces import Faces, Texts
from fervlm.contrastive.mining import text_ids
from fervlm.contrastive.regions import au_region_prior
from fervlm.contrastive.words import Words, bare, padded


@dataclass(frozen=True, slots=True)
class Part:
    """Texts of one kind: text `of[i]` (row of `CaptionBatch.tokens`) belongs to face `owners[i]` of the batch."""

    owners: Tensor
    """Int64 [n], ascending."""
    of: Tensor
    """Int64 [n]."""
    hard_owners: Tensor
    """Int64 [k]: places in this part (not in the batch) whose text was made false ..."""
    hard: Tensor
    """... into text `hard[i]`, int64 [k]."""

    def to(self, device: torch.device) -> Part:
        """The same on a device."""
        return Part(*(getattr(self, f.name).to(device) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class CaptionBatch:
    """U distinct texts of B faces."""

    tokens: Tensor
    """Int64 [U, L]."""
    ids: Tensor
    """Int64 [U] of `mining.text_ids`."""
    overview: Part
    summary: Part
    regions: Part
    aus: list[tuple[int, ...]]
    """AUs of each region sentence."""

    def to(self, device: torch.device) -> CaptionBatch:
        """The same on a device."""
        parts = (self.overview.to(device), self.summary.to(device), self.regions.to(device))
        return CaptionBatch(self.tokens.to(device), self.ids.to(device), *parts, self.aus)

    def priors(self, grid: int) -> Tensor:
        """[regions, grid * grid]: where each region sentence's AUs show; rows of 0 where it names none."""
        nowhere = torch.zeros(grid * grid)
        rows = [au_region_prior(aus, grid) if aus else nowhere for aus in self.aus]
        return torch.stack(rows) if rows else torch.zeros(0, grid * grid)


class CaptionBank:
    """All texts of a set, tokenised once.

    Args:
        faces: the set.
        words: tokenizer.
        anchored: share of faces with a human label whose overview and summary are the anchored ones.
        hard: at most so many false texts a true one.
        regions: at most so many region sentences a face.
    """

    def __init__(self, faces: Faces, words: Words, *, anchored: float, hard: int, regions: int) -> None:
        self._faces, self._anchored, self._hard, self._regions = faces.texts, anchored, hard, regions
        texts = sorted({text for caption in faces.texts if caption is not None for text in _all(caption)})
        self._place = {text: i for i, text in enumerate(texts)}
        self._tokens: list[list[int]] = []
        for start in range(0, len(texts), 4096):
            rows = words(texts[start : start + 4096])
            self._tokens += [bare(row) if words.cut else row for row in rows.tolist()]
        self._ids = text_ids(texts)
        self.sided = np.array([caption is not None and _names_side(caption) for caption in faces.texts])

    def batch(self, chosen: Sequence[int], generator: torch.Generator) -> CaptionBatch:
        """The captions of the faces at `chosen`, drawn by `generator`; faces without a caption have no texts."""
        draws = torch.rand(len(chosen), generator=generator).tolist()
        taken: dict[int, int] = {}
        parts: dict[str, _Draft] = {name: _Draft() for name in ("overview", "summary", "regions")}
        aus: list[tuple[int, ...]] = []
        for owner, (face, draw) in enumerate(zip(chosen, draws, strict=True)):
            caption = self._faces[face]
            if caption is None:
                continue
            own = draw < self._anchored
            overview = caption.anchored_overview if own and caption.anchored_overview else caption.overview
            summary = caption.anchored_summary if own and caption.anchored_summary else caption.summary
            self._add(parts["overview"], owner, overview, self._false(caption, "overview", generator), taken)
            self._add(parts["summary"], owner, summary, self._false(caption, "summary", generator), taken)
            order = torch.randperm(len(caption.regions), generator=generator).tolist()[: self._regions]
            for place in sorted(order):
                region = caption.regions[place]
                aus.append(region.aus)
                false = self._false(caption, f"region:{place}", generator)
                self._add(parts["regions"], owner, region.text, false, taken)
        rows = list(taken)
        return CaptionBatch(
            tokens=padded([self._tokens[row] for row in rows]),
            ids=self._ids[rows] if rows else self._ids[:0],
            overview=parts["overview"].done(),
            summary=parts["summary"].done(),
            regions=parts["regions"].done(),
            aus=aus,
        )

    def _add(self, part: _Draft, owner: int, text: str, false: list[str], taken: dict[int, int]) -> None:
        part.hard_owners += [len(part.owners)] * len(false)
        part.hard += [taken.setdefault(self._place[t], len(taken)) for t in false]
        part.owners.append(owner)
        part.of.append(taken.setdefault(self._place[text], len(taken)))

    def _false(self, caption: Texts, what: str, generator: torch.Generator) -> list[str]:
        found = [text for text, of in caption.negatives if of == what]
        if not self._hard or not found:
            return []
        return [found[i] for i in torch.randperm(len(found), generator=generator).tolist()[: self._hard]]


class _Draft:
    """A part being gathered."""

    def __init__(self) -> None:
        self.owners: list[int] = []
        self.of: list[int] = []
        self.hard_owners: list[int] = []
        self.hard: list[int] = []

    def done(self) -> Part:
        found = (self.owners, self.of, self.hard_owners, self.hard)
        return Part(*(torch.tensor(column, dtype=torch.int64) for column in found))


def _all(caption: Texts) -> list[str]:
    texts = [caption.overview, caption.summary, *(r.text for r in caption.regions)]
    texts += [text for text in (caption.anchored_overview, caption.anchored_summary) if text]
    return [*texts, *(text for text, _ in caption.negatives)]


def _names_side(caption: Texts) -> bool:
    words = {word.strip(".,;:()'").lower() for text in _all(caption) for word in text.split()}
    return bool(words & {"left", "right"})
