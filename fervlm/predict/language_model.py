"""The backend `transformers`: a multimodal language model explains faces, and every sentence of it is checked.

What it is checked against is a detector's evidence where there is any, else what the small picture model's action unit
head reads in the same face.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from fervlm.errors import FervlmError, MissingExtraError
from fervlm.facs.labels import LabelSet
from fervlm.predict.agreement import DEFAULT_LABELS, for_units, picture_evidence, same_label, words_of
from fervlm.predict.cut_faces import CutFaces, Wanted, cut_faces
from fervlm.predict.pictures import PictureReader, SeenFace, Source
from fervlm.predict.rules import Explainer, evidence_name
from fervlm.reasoning.write import ENGINE
from fervlm.records import Agreement, AURecord, Caption, Prediction, Provenance, Versions
from fervlm.vision.find_faces import FaceFinder, finder_named

try:
    import torch
except ImportError:
    raise MissingExtraError("This model", "train") from None

from fervlm.mllm.ask import evidence_told
from fervlm.mllm.decide import Way, caption_turns, probabilities, scores
from fervlm.mllm.form import Form, caption_form
from fervlm.mllm.loaded import Loaded, load_checkpoint
from fervlm.predict.checked import Answer, checked_answers

if TYPE_CHECKING:
    from torch import Tensor

BACKEND = "transformers"
BATCH = 16
"""Faces at once."""


@dataclass(frozen=True, slots=True)
class Told:
    """One face's answer.

    Attributes:
        prediction: as everywhere.
        text: the model's own words.
        repaired: whether it was asked a second time.
    """

    prediction: Prediction
    text: str
    repaired: bool


class LanguageModelReader:
    """A multimodal checkpoint that explains pictures. Not safe for concurrent use.

    Args:
        loaded: the model.
        eyes: finds action units where no detector's evidence is given.
        finder: finds faces; that of `eyes` by default.
        way: how labels are decided; see `fervlm.mllm.decide`.
        show_evidence: tell the model what was measured, instead of letting it look for itself.
        hold_form: leave the model no other words than such as keep the form of a caption.
    """

    def __init__(
        self,
        loaded: Loaded,
        eyes: PictureReader,
        finder: FaceFinder | None = None,
        *,
        way: Way = "direct",
        show_evidence: bool = False,
        hold_form: bool = True,
    ) -> None:
        self.loaded, self.eyes, self.way, self.show_evidence = loaded, eyes, way, show_evidence
        self.hold_form = hold_form
        self.finder = finder or eyes.finder
        manifest = loaded.manifest
        self._wanted = Wanted(side=manifest.crop_side, colour=True)
        self._explainers: dict[tuple[str, ...], Explainer] = {}

    @property
    def name(self) -> str:
        """Name and version of the model."""
        return f"{self.loaded.manifest.name} {self.loaded.manifest.version}"

    def explain(
        self,
        picture: Source,
        labels: LabelSet | Sequence[str] | str = DEFAULT_LABELS,
        *,
        name: str | None = None,
        face_is_crop: bool = False,
        evidence: Sequence[AURecord] | None = None,
    ) -> list[Prediction]:
        """Every face of a picture explained, largest first.

        Args:
            picture: the encoded picture, or its path.
            labels: a label set, its name, or any words.
            name: what to call the picture; its path by default.
            face_is_crop: the picture is one face already cut out.
            evidence: a detector's records of its faces, largest first; by default the picture model looks.

        Raises:
            FervlmError: the picture cannot be read or shows no face; there are more faces than records.
        """
        faces = self.cut(picture, name, face_is_crop=face_is_crop)
        seen = self.eyes.evidence(picture, name=name, face_is_crop=face_is_crop) if evidence is None else evidence
        if len(seen) < len(faces.places):
            raise FervlmError(f"shows {len(faces.places)} faces, but only {len(seen)} were measured", file=name)
        return [told.prediction for told in self.explain_faces([(faces, seen)], labels, measured=evidence is not None)]

    def see(
        self,
        picture: Source,
        labels: LabelSet | Sequence[str] | str = DEFAULT_LABELS,
        *,
        name: str | None = None,
        face_is_crop: bool = False,
        seed: int = 0,
        observe_only: bool = False,
    ) -> tuple[list[SeenFace], tuple[str, ...]]:
        """As `explain`, in the form of `PictureReader.see`; the model does not tell where it looked.

        Raises:
            FervlmError: as `explain`; or movements alone are wanted, which this model cannot be held to.
        """
        if observe_only:
            raise FervlmError("a language model cannot be held to movements alone", hint="Leave --observe-only out.")
        faces = self.cut(picture, name, face_is_crop=face_is_crop)
        evidence = self.eyes.evidence(picture, name=name, face_is_crop=face_is_crop)
        told = self.explain_faces([(faces, evidence)], labels)
        seen = [SeenFace(one.prediction, square, {}) for one, square in zip(told, faces.squares, strict=True)]
        return seen, faces.notes

    def notes(self, labels: LabelSet | Sequence[str] | str = DEFAULT_LABELS) -> tuple[str, ...]:
        """What a user should know of how labels are scored: nothing, for any word can be."""
        return ()

    def cut(self, picture: Source, name: str | None = None, *, face_is_crop: bool = False) -> CutFaces:
        """The faces of a picture as the model takes them."""
        called = name or ("picture" if isinstance(picture, bytes) else str(picture))
        finder = finder_named("none") if face_is_crop else self.finder
        return cut_faces(picture, called, finder, self._wanted)

    def explain_faces(
        self,
        pictures: Iterable[tuple[CutFaces, Sequence[AURecord]]],
        labels: LabelSet | Sequence[str] | str = DEFAULT_LABELS,
        *,
        measured: bool = False,
    ) -> Iterator[Told]:
        """Answers for the faces of many pictures, in order, `BATCH` at once.

        Args:
            pictures: faces, each with its evidence.
            labels: as for `explain`.
            measured: the evidence is a detector's, not read off the picture by ourselves.
        """
        crops: list[Image.Image] = []
        records: list[AURecord] = []
        for faces, seen in pictures:
            crops += [Image.fromarray(crop).convert("RGB") for crop in faces.crops]
            records += seen[: len(faces.places)]
            while len(crops) >= BATCH:
                yield from self._batch(crops[:BATCH], records[:BATCH], labels, measured)
                crops, records = crops[BATCH:], records[BATCH:]
        if crops:
            yield from self._batch(crops, records, labels, measured)

    def _batch(
        self,
        crops: list[Image.Image],
        records: list[AURecord],
        labels: LabelSet | Sequence[str] | str,
        measured: bool,
    ) -> Iterator[Told]:
        began = time.perf_counter()
        words = words_of(labels)
        before = [evidence_told(record) if self.show_evidence else "" for record in records]
        told = self._probabilities(crops, words, before)
        best = [words[int(k)] for k in told.argmax(1)]
        turns = [caption_turns(words, self.way, label, text) for label, text in zip(best, before, strict=True)]
        named = [evidence_name(r) if measured else picture_evidence(r) for r in records]
        answers = checked_answers(self.loaded, turns, crops, records, named, for_units(labels), self._form(words))
        spent = (time.perf_counter() - began) * 1000 / len(crops)
        for face, answer in enumerate(answers):
            yield Told(self._prediction(records[face], answer, told[face], words, spent), answer.text, answer.repaired)

    def _form(self, words: Sequence[str]) -> Form | None:
        manifest = self.loaded.manifest
        known = tuple(dict.fromkeys((*manifest.labels, *words)))
        return caption_form(known, details=manifest.answer_form == "full") if self.hold_form else None

    def _probabilities(self, crops: list[Image.Image], words: Sequence[str], before: list[str]) -> Tensor:
        rule = self.loaded.manifest.calibration.get(self.way)
        if len(set(before)) == 1:
            return probabilities(scores(self.loaded, crops, words, self.way, before[0]), words, rule)
        rows = [scores(self.loaded, [crop], words, self.way, text) for crop, text in zip(crops, before, strict=True)]
        return probabilities(torch.cat(rows), words, rule)

    def _prediction(
        self, record: AURecord, answer: Answer, shares: Tensor, words: Sequence[str], spent: float
    ) -> Prediction:
        implied = self._explainer(words).explain(record).label
        order = (-shares).argsort(stable=True).tolist()
        label: str | None = words[order[0]]
        rule = self.loaded.manifest.calibration.get(self.way)
        if rule is not None and float(shares[order[0]]) < rule.abstain_below:
            label = None
        return Prediction(
            id=record.id,
            source=record.source,
            face_id=record.face_id,
            frame=record.frame,
            box=record.box,
            label=label,
            probabilities={words[k]: round(float(shares[k]), 4) for k in order},
            agreement=Agreement(
                au_label=implied, model_label=words[order[0]], equal=same_label(implied, words[order[0]])
            ),
            caption=self._with_provenance(answer.caption, record),
            evidence=record,
            verification=answer.verification,
            backend=BACKEND,
            versions=self._versions(record),
            calibration=self._calibration(),
            timing_ms=round(spent, 1),
        )

    def _explainer(self, words: Sequence[str]) -> Explainer:
        key = tuple(words)
        if key not in self._explainers:
            self._explainers = {key: Explainer(for_units(key), check=False)}
        return self._explainers[key]

    def _with_provenance(self, caption: Caption | None, record: AURecord) -> Caption | None:
        if caption is None:
            return None
        manifest = self.loaded.manifest
        made = Provenance(
            engine=ENGINE,
            detector=record.detector.name if self.show_evidence else None,
            prompt_digest=manifest.prompts.get("mllm_caption"),
            model=manifest.base if manifest.adapter else self.name,
            adapter=self.name if manifest.adapter else None,
        )
        return caption.model_copy(update={"provenance": made})

    def _versions(self, record: AURecord) -> Versions:
        manifest = self.loaded.manifest
        return Versions(
            engine=ENGINE,
            model=manifest.base if manifest.adapter else self.name,
            adapter=self.name if manifest.adapter else None,
            detector=record.detector.version,
        )

    def _calibration(self) -> str:
        rule = self.loaded.manifest.calibration.get(self.way)
        way = f"every label scored, {self.way.replace('_', ' ')}"
        if rule is None or rule.fitted_on is None:
            return f"{way}; not fitted"
        return f"{way}; temperature {rule.temperature:.4g} and biases fitted on {rule.fitted_on}, ECE {rule.ece:.3f}"


def load_language_model(
    folder: str | Path,
    *,
    base: str | None = None,
    eyes: PictureReader | None = None,
    way: Way = "direct",
    show_evidence: bool = False,
    hold_form: bool = True,
    device: str = "cpu",
) -> LanguageModelReader:
    """A multimodal checkpoint ready to explain.

    Args:
        folder: of `fervlm train mllm`.
        base: where an adapter's base lies now.
        eyes: what finds faces and action units; the shipped picture model by default.
        way: how labels are decided.
        show_evidence: tell the model what was measured.
        hold_form: leave the model no other words than such as keep the form of a caption.
        device: of torch.

    Raises:
        FervlmError: as `fervlm.mllm.loaded.load_checkpoint`.
    """
    if eyes is None:
        from fervlm.predict.load import load  # noqa: PLC0415

        eyes = load()
    loaded = load_checkpoint(folder, base=base, device=device)
    return LanguageModelReader(loaded, eyes, way=way, show_evidence=show_evidence, hold_form=hold_form)
