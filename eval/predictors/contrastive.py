"""A contrastive model: zero-shot labels, AU head, and the explanation that rests on it; clips by mean features."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

import fervlm
from eval.answer import Answer, failed
from eval.clip import looked_at
from eval.item import Benchmark, Item
from eval.predictors import Settings
from fervlm.contrastive.class_prompts import PROMPT_SETS
from fervlm.errors import FervlmError
from fervlm.facs.labels import LabelSet, canonical_label, label_set, label_set_from_words
from fervlm.predict.agreement import same_label
from fervlm.predict.labelling import Labelling, Scored
from fervlm.predict.picture_model import Encoded, averaged, mirrored
from fervlm.predict.rules import Explainer
from fervlm.predict.unit_record import FacePlace, unit_record
from fervlm.reasoning.answers import render

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fervlm.predict.cut_faces import CutFaces

    Pixels = NDArray[np.uint8]

BATCH = 32


class Contrastive:
    """`fervlm.load(model)` the way a user's picture goes, each face looked at twice (as it is and mirrored).

    A picture in which no face is found fails. Of several faces the largest counts. `variants` holds each prompt set
    alone and both together, so that a report can tell mean and range instead of a best.

    Args:
        benchmark: its labels are held against the faces; without labels only AUs are told.
        settings: explanations, variants, finder, frames.
        model: as `fervlm.load` takes it.

    Raises:
        FervlmError: no such model, or no label can be scored.
    """

    def __init__(self, benchmark: Benchmark, settings: Settings, model: str | None = None) -> None:
        self._reader = fervlm.load(model, finder=settings.finder)
        manifest = self._reader.model.manifest
        self.name = f"contrastive {manifest.name}" if model is None else f"contrastive {model}"
        # Two checkpoints may carry one version while a model is being made; the digest tells them apart.
        self.version = f"{manifest.version} {sha256(manifest.model_dump_json().encode()).hexdigest()[:8]}"
        self._settings = settings
        self._words = benchmark.labels
        self._labellings = self._asked(benchmark, manifest.unknown is not None)
        told = bool(manifest.units) and settings.explain
        self._explainer = (
            Explainer(_for_units(self._words), settings.seed, cache_size=1024, check=False) if told else None
        )

    def _asked(self, benchmark: Benchmark, unknown: bool) -> dict[str, Labelling]:
        if not benchmark.labels:
            return {}
        sets: dict[str, tuple[str, ...]] = {"+".join(PROMPT_SETS): PROMPT_SETS}
        if self._settings.variants:
            sets |= {name: (name,) for name in PROMPT_SETS}
        return {
            name: self._reader.labelling(benchmark.labels, prompts=prompts, unknown=unknown and len(prompts) > 1)
            for name, prompts in sets.items()
        }

    def answers(self, items: Sequence[Item]) -> Iterator[Answer]:
        """Pictures batch by batch, clips one by one."""
        waiting = iter(items)
        while batch := list(islice(waiting, BATCH)):
            yield from self._batch(batch)

    def of_crops(self, ids: Sequence[str], crops: Pixels) -> list[Answer]:
        """Answers to faces already cut out.

        Args:
            ids: N names.
            crops: uint8 [N, S, S] grey or [N, S, S, 3].
        """
        looks = self._reader.model.pictures(crops), mirrored(self._reader.model, crops)
        one, other = looks
        return [self._answer(Item(name), one[k : k + 1], other[k : k + 1], 0.0) for k, name in enumerate(ids)]

    def crop(self, item: Item) -> Pixels:
        """The largest face of a picture [S, S] or [S, S, 3]; `FervlmError` where there is none."""
        found: Pixels = self._cut(item).crops[0]
        return found

    def looked(self, item: Item) -> dict[int, NDArray[np.float32]]:
        """AU called present -> [grid, grid] of where it was sought; `FervlmError` where there is no face."""
        crops = self.crop(item)[None]
        both = averaged(self._reader.model.pictures(crops), mirrored(self._reader.model, crops))
        manifest = self._reader.model.manifest
        record = unit_record(both.units[0].tolist(), manifest, FacePlace(item.id, None, None))
        present = {reading.au for reading in record.readings if reading.state == "present"}
        maps = zip(manifest.units, both.looked[0], strict=True)
        return {unit.au: heat.reshape(manifest.grid, manifest.grid) for unit, heat in maps if unit.au in present}

    @property
    def measured(self) -> tuple[int, ...]:
        """AUs that the model tells."""
        return tuple(unit.au for unit in self._reader.model.manifest.units)

    def _batch(self, items: list[Item]) -> Iterator[Answer]:
        began = time.perf_counter()
        cuts: list[tuple[Item, CutFaces] | Answer] = []
        for item in items:
            try:
                cuts.append((item, self._cut(item)))
            except FervlmError as error:
                cuts.append(failed(item.id, str(error)))
        found = [cut for cut in cuts if not isinstance(cut, Answer)]
        faces = self._encoded(found) if found else None
        spent = (time.perf_counter() - began) * 1000 / len(items)
        place = 0
        for cut in cuts:
            if isinstance(cut, Answer):
                yield cut
                continue
            assert faces is not None
            one, other = (look[place : place + 1] for look in faces)
            yield self._answer(cut[0], one, other, spent)
            place += 1

    def _cut(self, item: Item) -> CutFaces:
        """One picture, or the largest face of every frame that shows one; `FervlmError` where there is no face."""
        if not item.is_clip:
            return self._reader.cut(item.image(), item.id, face_is_crop=item.crop)
        frames: list[CutFaces] = []
        for data in looked_at(item, self._settings.frames):
            with suppress(FervlmError):
                frames.append(self._reader.cut(data, item.id, face_is_crop=item.crop))
        if not frames:
            raise FervlmError(f"no face was found in any frame of '{item.id}'")
        return replace(frames[0], crops=np.concatenate([frame.crops[:1] for frame in frames]))

    def _encoded(self, found: list[tuple[Item, CutFaces]]) -> tuple[Encoded, Encoded]:
        """Both looks, one row per item: the largest face of a picture, the mean over the frames of a clip."""
        crops = [cut.crops if item.is_clip else cut.crops[:1] for item, cut in found]
        together = np.concatenate(crops)
        looks = self._reader.model.pictures(together), mirrored(self._reader.model, together)
        if len(together) == len(found):
            return looks
        ends = np.cumsum([len(rows) for rows in crops])
        return _means(looks[0], ends), _means(looks[1], ends)

    def _answer(self, item: Item, one: Encoded, other: Encoded, ms: float) -> Answer:
        began = time.perf_counter()
        variants, scored = self._labelled(one, other)
        label = scored.likeliest(0) if scored is not None else None
        manifest = self._reader.model.manifest
        record = unit_record(averaged(one, other).units[0].tolist(), manifest, FacePlace(item.id, None, None))
        readings = [(r.au, r.value, r.state == "present") for r in record.readings if r.value is not None]
        text, implied = None, None
        if self._explainer is not None:
            prediction = self._explainer.explain(record)
            implied = prediction.label
            text = render(prediction.caption, details=False) if prediction.caption is not None else None
        return Answer(
            id=item.id,
            label=label,
            probabilities=scored.by_label(0) if scored is not None else None,
            unknown_score=None if scored is None or scored.unknown is None else float(scored.unknown[0]),
            variants=variants,
            units={au: value for au, value, _ in readings} or None,
            present=tuple(au for au, _, here in readings if here) if readings else None,
            text=text,
            agreement=None if text is None or label is None else same_label(implied, label),
            ms=round(ms + (time.perf_counter() - began) * 1000, 2),
        )

    def _labelled(self, one: Encoded, other: Encoded) -> tuple[dict[str, str | None], Scored | None]:
        found = {name: labelling.scored(one, other) for name, labelling in self._labellings.items()}
        if not found:
            return {}, None
        variants: dict[str, str | None] = {}
        if len(found) > 1:
            variants = {name: scored.likeliest(0) for name, scored in found.items()}
        return variants, found["+".join(PROMPT_SETS)]


def _for_units(words: tuple[str, ...]) -> LabelSet:
    """The labels that AUs choose from: the benchmark's where the tables know one of them."""
    if any(canonical_label(word) is not None for word in words):
        return label_set_from_words(words)
    return label_set("basic8")


def _means(look: Encoded, ends: np.ndarray) -> Encoded:
    """The mean of consecutive rows, embeddings of unit length again."""
    starts = np.concatenate([[0], ends[:-1]])
    rows = [look[start:end] for start, end in zip(starts, ends, strict=True)]
    embedding = np.stack([row.embedding.mean(0) for row in rows])
    embedding /= np.maximum(np.linalg.norm(embedding, axis=1, keepdims=True), 1e-12)
    patches, units, looked = (
        np.stack([getattr(row, name).mean(0) for row in rows]) for name in ("patches", "units", "looked")
    )
    return Encoded(embedding.astype(np.float32), patches, units, looked)
