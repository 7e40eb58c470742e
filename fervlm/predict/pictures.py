"""Pictures explained and classified: what `fervlm.load(...)` gives."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fervlm.contrastive.class_prompts import PROMPT_SETS
from fervlm.contrastive.zero_shot import Averaging
from fervlm.errors import FervlmError
from fervlm.facs.labels import LabelSet
from fervlm.predict.agreement import DEFAULT_LABELS, for_units, picture_evidence, with_label, words_of
from fervlm.predict.cut_faces import CutFaces, cut_faces
from fervlm.predict.labelling import Labelling, Scored
from fervlm.predict.picture_model import BATCH, Encoded, FaceModel, averaged, mirrored
from fervlm.predict.rules import Explainer
from fervlm.predict.unit_record import FacePlace, unit_record
from fervlm.reasoning.write import ENGINE
from fervlm.records import AURecord, Prediction, Versions
from fervlm.vision.crop import Square
from fervlm.vision.find_faces import FaceFinder, finder_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

Source = bytes | str | Path
CACHED = 1024
KEPT = 32
"""Label lists, and explainers, kept by one reader; a server meets any number of them."""


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A prediction with what may be drawn beside it.

    Attributes:
        prediction: of one face.
        square: what was looked at, in pixels of the upright file.
        looked: AU number -> [grid, grid] where it was sought in that square (sums to 1); present AUs only.
    """

    prediction: Prediction
    square: Square
    looked: dict[int, NDArray[np.float32]]


class PictureReader:
    """A model that looks at pictures. Not safe for concurrent use.

    Args:
        model: encodes faces and texts.
        finder: finds faces; OpenCV's cascades by default.
    """

    def __init__(self, model: FaceModel, finder: FaceFinder | None = None) -> None:
        self.model = model
        self.finder = finder or finder_named("haar")
        self._labellings: dict[tuple[str, ...], Labelling] = {}
        self._explainers: dict[object, Explainer] = {}

    @property
    def name(self) -> str:
        """Name and version of the model."""
        return f"{self.model.manifest.name} {self.model.manifest.version}"

    # ---- one picture

    def explain(
        self,
        picture: Source,
        labels: LabelSet | Sequence[str] | str = DEFAULT_LABELS,
        *,
        name: str | None = None,
        face_is_crop: bool = False,
        seed: int = 0,
        observe_only: bool = False,
    ) -> list[Prediction]:
        """Every face of a picture explained, largest first.

        The caption rests on the action units alone; the model's label stands beside it, with their `agreement`.

        Args:
            picture: the encoded picture, or its path.
            labels: a label set, its name, or words.
            name: what to call the picture; its path by default.
            face_is_crop: the picture is one face already cut out.
            seed: picks among wordings.
            observe_only: movements only, no label and no emotion word.

        Raises:
            FervlmError: the picture cannot be read or shows no face; no label can be scored; the model tells no action
                units.
        """
        seen = self.see(picture, labels, name=name, face_is_crop=face_is_crop, seed=seed, observe_only=observe_only)
        return [face.prediction for face in seen[0]]

    def see(
        self,
        picture: Source | CutFaces,
        labels: LabelSet | Sequence[str] | str = DEFAULT_LABELS,
        *,
        name: str | None = None,
        face_is_crop: bool = False,
        seed: int = 0,
        observe_only: bool = False,
    ) -> tuple[list[SeenFace], tuple[str, ...]]:
        """As `explain`, with where the model looked, and with remarks on the file; of faces cut out before as well."""
        if not self.model.manifest.units:
            raise FervlmError(
                f"{self.name} tells no action units, so it can classify but not explain",
                hint="Use the model that ships with fervlm, or `fervlm classify`.",
            )
        began = time.perf_counter()
        faces = picture if isinstance(picture, CutFaces) else self._cut(picture, name, face_is_crop)
        one, other = self.model.pictures(faces.crops), mirrored(self.model, faces.crops)
        both = averaged(one, other)
        labelling = None if observe_only else self._labelling(labels)
        scored = None if labelling is None else labelling.scored(one, other)
        explainer = self._explainer(for_units(labels), seed, observe_only)
        seen = []
        for face, place in enumerate(faces.places):
            prediction = explainer.explain(unit_record(both.units[face].tolist(), self.model.manifest, place))
            if scored is not None and labelling is not None:
                prediction = with_label(prediction, scored, face, labelling.calibration)
            spent = (time.perf_counter() - began) * 1000 / len(faces.places)
            prediction = prediction.model_copy(
                update={"backend": self.model.backend, "versions": self._versions(), "timing_ms": round(spent, 1)}
            )
            seen.append(SeenFace(prediction, faces.squares[face], self._looked(both, face, prediction)))
        return seen, faces.notes

    def evidence(self, picture: Source, *, name: str | None = None, face_is_crop: bool = False) -> list[AURecord]:
        """What the AU head tells of every face of a picture, largest first; arguments and errors as for `explain`."""
        faces = self._cut(picture, name, face_is_crop)
        both = averaged(self.model.pictures(faces.crops), mirrored(self.model, faces.crops))
        rows = zip(both.units, faces.places, strict=True)
        return [unit_record(units.tolist(), self.model.manifest, place) for units, place in rows]

    def notes(self, labels: LabelSet | Sequence[str] | str = DEFAULT_LABELS) -> tuple[str, ...]:
        """What a user should know of how labels are scored, a sentence each."""
        return self._labelling(labels).notes

    def classify(
        self,
        picture: Source,
        labels: LabelSet | Sequence[str] | str = DEFAULT_LABELS,
        *,
        name: str | None = None,
        face_is_crop: bool = False,
        prompts: Sequence[str] = PROMPT_SETS,
        averaging: Averaging = "embeddings",
        descriptions: Mapping[str, str] | None = None,
        unknown: bool = False,
        mirror: bool = False,
    ) -> list[Prediction]:
        """Every face of a picture held against labels in any words, largest first; nothing is explained.

        Args:
            picture, labels, name, face_is_crop: as for `explain`.
            prompts: prompt sets by name.
            averaging: over the texts of a label.
            descriptions: label -> what is seen.
            unknown: no label for a face that fits none; looks at each face twice.
            mirror: look at each face twice, as it is and in the mirror: a little surer, half as fast.

        Raises:
            FervlmError: the picture cannot be read or shows no face; no label can be scored.
        """
        labelling = self.labelling(
            labels, prompts=prompts, averaging=averaging, descriptions=descriptions, unknown=unknown
        )
        return list(self.classify_faces([self._cut(picture, name, face_is_crop)], labelling, mirror=mirror))

    # ---- many pictures

    def labelling(
        self,
        labels: LabelSet | Sequence[str] | str = DEFAULT_LABELS,
        *,
        prompts: Sequence[str] = PROMPT_SETS,
        averaging: Averaging = "embeddings",
        descriptions: Mapping[str, str] | None = None,
        unknown: bool = False,
    ) -> Labelling:
        """Labels whose texts are encoded once for many pictures; arguments as for `classify`."""
        return Labelling(
            self.model,
            words_of(labels),
            prompts=prompts,
            averaging=averaging,
            descriptions=descriptions,
            unknown=unknown,
        )

    def classify_faces(
        self, pictures: Iterable[CutFaces], labelling: Labelling, *, mirror: bool = False
    ) -> Iterator[Prediction]:
        """Predictions for the faces of many pictures, in order, batch by batch."""
        for crops, places in _batches(pictures):
            one = self.model.pictures(crops)
            twice = mirror or labelling.rule is not None
            other = mirrored(self.model, crops) if twice else None
            scored = labelling.scored(one, other)
            units = one.units if other is None else averaged(one, other).units
            for face, place in enumerate(places):
                yield self._classified(scored, face, units[face].tolist(), place, labelling.calibration)

    def embed(self, pictures: Iterable[CutFaces]) -> Iterator[tuple[FacePlace, NDArray[np.float32]]]:
        """Each face with its unit-length feature [D], the mean of two looks."""
        for crops, places in _batches(pictures):
            both = averaged(self.model.pictures(crops), mirrored(self.model, crops))
            yield from zip(places, both.embedding, strict=True)

    def cut(self, picture: Source, name: str | None = None, *, face_is_crop: bool = False) -> CutFaces:
        """The faces of a picture, cut out; errors as for `classify`."""
        return self._cut(picture, name, face_is_crop)

    # ---- parts

    def _cut(self, picture: Source, name: str | None, face_is_crop: bool) -> CutFaces:
        called = name or ("picture" if isinstance(picture, bytes) else str(picture))
        finder = finder_named("none") if face_is_crop else self.finder
        return cut_faces(picture, called, finder, self.model.manifest)

    def _labelling(self, labels: LabelSet | Sequence[str] | str) -> Labelling:
        words = words_of(labels)
        if words not in self._labellings:
            _make_room(self._labellings)
            self._labellings[words] = self.labelling(words, unknown=self.model.manifest.unknown is not None)
        return self._labellings[words]

    def _explainer(self, labels: LabelSet, seed: int, observe_only: bool) -> Explainer:
        key = (labels.labels, seed, observe_only)
        if key not in self._explainers:
            _make_room(self._explainers)
            self._explainers[key] = Explainer(labels, seed, observe_only, CACHED, named=picture_evidence)
        return self._explainers[key]

    def _classified(
        self, scored: Scored, face: int, logits: list[float], place: FacePlace, calibration: str
    ) -> Prediction:
        record = unit_record(logits, self.model.manifest, place)
        return Prediction(
            id=record.id,
            source=record.source,
            face_id=record.face_id,
            box=record.box,
            label=scored.best(face),
            probabilities=scored.by_label(face),
            unknown_score=None if scored.unknown is None else round(float(scored.unknown[face]), 4),
            caption=None,
            evidence=record,
            backend=self.model.backend,
            versions=self._versions(),
            calibration=calibration,
        )

    def _versions(self) -> Versions:
        detector = self.model.manifest.version if self.model.manifest.units else None
        return Versions(engine=ENGINE, model=self.name, detector=detector)

    def _looked(self, both: Encoded, face: int, prediction: Prediction) -> dict[int, NDArray[np.float32]]:
        grid = self.model.manifest.grid
        present = {reading.au for reading in prediction.evidence.readings if reading.state == "present"}
        maps = zip(self.model.manifest.units, both.looked[face], strict=True)
        return {unit.au: where.reshape(grid, grid) for unit, where in maps if unit.au in present}


def _make_room(kept: dict[Any, Any]) -> None:
    """Drops the oldest entry of a full cache."""
    if len(kept) >= KEPT:
        del kept[next(iter(kept))]


def _batches(pictures: Iterable[CutFaces]) -> Iterator[tuple[NDArray[np.uint8], list[FacePlace]]]:
    """Faces of pictures that follow one another, at most about `BATCH` together."""
    crops: list[NDArray[np.uint8]] = []
    places: list[FacePlace] = []
    for faces in pictures:
        crops.append(faces.crops)
        places.extend(faces.places)
        if len(places) >= BATCH:
            yield np.concatenate(crops), places
            crops, places = [], []
    if places:
        yield np.concatenate(crops), places
