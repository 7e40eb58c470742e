"""A multimodal checkpoint in this process: every label scored, and the explanation that a user of it would get."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import cast, get_args

from PIL import Image

from eval.answer import Answer, failed
from eval.clip import looked_at
from eval.item import Benchmark, Item
from eval.predictors import Settings
from eval.predictors.chat import picture_bytes
from fervlm.errors import FervlmError
from fervlm.metrics.explanations import affirmed
from fervlm.mllm.manifest import SHIPPED, read_manifest
from fervlm.predict.cut_faces import CutFaces
from fervlm.predict.language_model import Told, load_language_model  # says what is missing without torch
from fervlm.prompts import prompt
from fervlm.reasoning.answers import render
from fervlm.records import AURecord
from fervlm.vision.open_picture import open_picture

# isort: split
from fervlm.mllm.ask import user
from fervlm.mllm.decide import Way, probabilities, scores
from fervlm.mllm.score import score_answers

Face = tuple[CutFaces, Sequence[AURecord]]
LABEL_PROMPTS = ("mllm_label", "eval_label", "eval_label_moves")
"""Three wordings of the question for a label; the first is the one that the shipped model was trained on."""
BATCH = 16


class Mllm:
    """Labels by scoring each of them as an answer, so that none is unparsed; the text is generated.

    A text that is no caption makes an answer `unparsed`; its label, which was not read from the text, stays. Texts are
    as a user gets them: checked against the picture model's AU head, and asked for once more where that finds a fault.
    `variants` holds the label of each wording of the question, whatever the way.

    Args:
        benchmark: pictures with labels, questions, or AUs, which are those that the text affirms.
        settings: explanations, variants.
        place: `FOLDER#WAY`; both may be left out: the model that ships, `direct`. `direct` asks for the label at once,
            `reason_first` after the movements were told, `label_first` has the caption written to a given label.

    Raises:
        FervlmError: no checkpoint there, or no such way.
        MissingExtraError: no torch.
    """

    def __init__(self, benchmark: Benchmark, settings: Settings, place: str) -> None:
        folder, _, way = place.partition("#")
        if way and way not in get_args(Way):
            raise FervlmError(f"there is no way '{way}' to a label", hint=f"Known: {', '.join(get_args(Way))}.")
        if not folder and not SHIPPED.is_dir():
            raise FervlmError("no multimodal model came with this checkout", hint="Write mllm:FOLDER.")
        where = Path(folder or SHIPPED)
        manifest = read_manifest(where)
        self._way: Way = cast("Way", way or "direct")
        shown = f"mllm {folder or manifest.name}"
        self.name = shown if self._way == "direct" else f"{shown}, {self._way.replace('_', ' ')}"
        self.version = f"{manifest.version} {manifest.base_digest[:8]}"
        self._reader = load_language_model(where, way=self._way)
        self._benchmark, self._settings = benchmark, settings

    def answers(self, items: Sequence[Item]) -> Iterator[Answer]:
        """Sixteen at a time."""
        waiting = iter(items)
        while batch := list(islice(waiting, BATCH)):
            ask = self._choices if self._benchmark.task == "questions" else self._explained
            yield from ask(batch)

    def _explained(self, items: Sequence[Item]) -> Iterator[Answer]:
        began = time.perf_counter()
        seen = [self._seen(item) for item in items]
        found = [one for one in seen if not isinstance(one, str)]
        told = self._told(found) if found else []
        variants = self._variants(found)
        spent = round((time.perf_counter() - began) * 1000 / len(items), 1)
        place = 0
        for item, one in zip(items, seen, strict=True):
            if isinstance(one, str):
                yield failed(item.id, one, spent)
                continue
            yield told[place].model_copy(update={"id": item.id, "variants": variants[place], "ms": spent})
            place += 1

    def _seen(self, item: Item) -> Face | str:
        """The largest face with what the picture model reads in it, or why there is none; of a clip, its middle."""
        try:
            picture = looked_at(item, 1)[0] if item.is_clip else picture_bytes(item.image())
            faces = self._reader.cut(picture, item.id, face_is_crop=item.crop)
            evidence = self._reader.eyes.evidence(picture, name=item.id, face_is_crop=item.crop)
        except FervlmError as error:
            return str(error)
        one = replace(faces, crops=faces.crops[:1], places=faces.places[:1], squares=faces.squares[:1])
        return one, evidence[:1]

    def _told(self, found: Sequence[Face]) -> list[Answer]:
        if self._settings.explain:
            labels = self._benchmark.labels or "basic8"
            return [self._answer(one) for one in self._reader.explain_faces(found, labels)]
        words, way = self._benchmark.labels, self._way
        rule = self._reader.loaded.manifest.calibration.get(way)
        shares = probabilities(scores(self._reader.loaded, _crops(found), words, way), words, rule)
        return [
            Answer(id="", label=words[int(row.argmax())], probabilities=dict(zip(words, row.tolist(), strict=True)))
            for row in shares
        ]

    def _answer(self, told: Told) -> Answer:
        one, labels = told.prediction, self._benchmark.labels
        text = told.text if one.caption is None else render(one.caption, details=False)
        here = affirmed(text).aus
        abstained = bool(labels) and one.label is None
        return Answer(
            id="",
            status="unparsed" if one.caption is None else "abstained" if abstained else "ok",
            reason="low confidence" if abstained else None,
            label=one.label if labels else None,
            probabilities=one.probabilities if labels else None,
            units={au: float(au in here) for au in self._benchmark.units} or None,
            present=tuple(sorted(here)),
            text=text,
            agreement=None if one.agreement is None or not labels else one.agreement.equal,
        )

    def _variants(self, found: Sequence[Face]) -> list[dict[str, str | None]]:
        labels = self._benchmark.labels
        chosen: list[dict[str, str | None]] = [{} for _ in found]
        if not self._settings.variants or not labels or not found:
            return chosen
        pictures = [[crop] for crop in _crops(found)]
        for name in LABEL_PROMPTS:
            question = prompt(name).fill(labels=", ".join(labels))
            for row, label in zip(chosen, self._likeliest(question, pictures, labels), strict=True):
                row[name] = label
        return chosen

    def _choices(self, items: Sequence[Item]) -> Iterator[Answer]:
        """Questions one by one, as each has choices of its own."""
        for item in items:
            began = time.perf_counter()
            letters = [chr(ord("A") + k) for k in range(len(item.choices))]
            listed = "\n".join(f"{letter}. {text}" for letter, text in zip(letters, item.choices, strict=True))
            question = prompt("eval_choice").fill(question=item.question or "", choices=listed)
            try:
                data = [picture_bytes(one) for one in item.pictures or (item.image(),)]
                shown = [Image.fromarray(open_picture(one, name=item.id).pixels) for one in data]
                label = self._likeliest(question, [shown], letters)[0]
            except (FervlmError, OSError) as error:
                yield failed(item.id, str(error))
                continue
            yield Answer(id=item.id, label=label, ms=round((time.perf_counter() - began) * 1000, 1))

    def _likeliest(self, question: str, pictures: Sequence[list[Image.Image]], answers: Sequence[str]) -> list[str]:
        asked = [[user(question, pictures=len(shown))] for shown in pictures]
        loaded = self._reader.loaded
        found = score_answers(loaded.model, loaded.processor, asked, pictures, answers)
        return [answers[int(k)] for k in found.argmax(1).tolist()]


def _crops(found: Sequence[Face]) -> list[Image.Image]:
    return [Image.fromarray(faces.crops[0]).convert("RGB") for faces, _ in found]
