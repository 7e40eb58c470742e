"""What each of them says of each face, a file of JSON lines each; a cut run goes on where it was."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from eval.answer import Answer
from eval.item import Item
from eval.multimodal.faces import pack
from eval.predictors import Settings, open_predictor
from fervlm.facs.labels import label_set_from_words

if TYPE_CHECKING:
    from PIL import Image

    from fervlm.mllm.decide import Way
    from fervlm.mllm.loaded import Loaded
    from fervlm.mllm.spans import Message

Say = Callable[[str], None]
Batched = Callable[[Sequence[Item]], Iterator[Answer]]
BATCH = 16


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a checkpoint."""

    loaded: Loaded
    labels: tuple[str, ...]
    small: str | None
    """Folder of the contrastive model; None for the shipped one."""
    repair: bool


def label_speakers(wanted: Wanted, truth: Sequence[str]) -> dict[str, Batched]:
    """Name -> who gives a label; the last two are the checkpoint."""
    settings, benchmark = Settings(variants=False), pack(wanted.labels)
    small = "contrastive" if wanted.small is None else f"contrastive:{wanted.small}"
    others = {"majority": "majority", "engine": "rules", "contrastive": small}
    found: dict[str, Batched] = {
        name: _opened(lambda spec=spec: open_predictor(spec, benchmark, settings, truth).answers)  # type: ignore[misc]
        for name, spec in others.items()
    }
    return found | {"direct": _labels(wanted, "direct"), "reason_first": _labels(wanted, "reason_first")}


def caption_speakers(wanted: Wanted, direct: Callable[[], dict[str, Answer]]) -> dict[str, Batched]:
    """Name -> who writes a caption from the picture alone.

    Args:
        wanted: see there.
        direct: the labels that the checkpoint gave at once, which `label_first` begins with.
    """
    found = {
        "free": _captions(wanted, held=False),
        "held": _captions(wanted, held=True),
        "label_first": _captions(wanted, held=True, direct=direct),
    }
    return found | ({"repaired": _repaired(wanted)} if wanted.repair else {})


def answered(path: Path, items: Sequence[Item], speaker: Batched, say: Say) -> dict[str, Answer]:
    """The answers to all items; those in the file are not asked for again."""
    found = _kept(path)
    left = [item for item in items if item.id not in found]
    if left:
        say(f"{path.stem}: {len(left):,} of {len(items):,} faces")
        path.write_text("".join(answer.model_dump_json() + "\n" for answer in found.values()), encoding="utf-8")
    with path.open("a", encoding="utf-8") as stream:
        for start in range(0, len(left), BATCH):
            for answer in speaker(left[start : start + BATCH]):
                found[answer.id] = answer
                stream.write(answer.model_dump_json() + "\n")
            stream.flush()
    return {item.id: found[item.id] for item in items}


def _kept(path: Path) -> dict[str, Answer]:
    """Whole lines of the file; one that a kill cut is asked for again."""
    found: dict[str, Answer] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                answer = Answer.model_validate_json(line)
            except ValidationError:
                continue
            found[answer.id] = answer
    return found


def _opened(make: Callable[[], Batched]) -> Batched:
    """Opens a predictor with its first question."""
    made: list[Batched] = []

    def ask(items: Sequence[Item]) -> Iterator[Answer]:
        if not made:
            made.append(make())
        return made[0](items)

    return ask


def _labels(wanted: Wanted, way: Way) -> Batched:
    def ask(items: Sequence[Item]) -> Iterator[Answer]:
        from fervlm.mllm.decide import probabilities, scores  # noqa: PLC0415

        began = time.process_time()
        rule = wanted.loaded.manifest.calibration.get(way)
        found = scores(wanted.loaded, _pictures(items), wanted.labels, way)
        shares = probabilities(found, wanted.labels, rule).tolist()
        spent = (time.process_time() - began) * 1000 / len(items)
        for item, row in zip(items, shares, strict=True):
            told = {label: round(share, 6) for label, share in zip(wanted.labels, row, strict=True)}
            yield Answer(id=item.id, label=max(told, key=lambda k: told[k]), probabilities=told, ms=round(spent, 2))

    return ask


def _captions(wanted: Wanted, *, held: bool, direct: Callable[[], dict[str, Answer]] | None = None) -> Batched:
    def ask(items: Sequence[Item]) -> Iterator[Answer]:
        from fervlm.mllm.form import caption_form  # noqa: PLC0415
        from fervlm.mllm.generate import generate  # noqa: PLC0415

        loaded, pictures = wanted.loaded, [[picture] for picture in _pictures(items)]
        details = loaded.manifest.answer_form == "full"
        form = caption_form(_words(wanted), details=details) if held else None
        began = time.process_time()
        texts = generate(loaded.model, loaded.processor, _turns(wanted, items, direct), pictures, form=form)
        spent = (time.process_time() - began) * 1000 / len(items)
        for item, text in zip(items, texts, strict=True):
            yield Answer(id=item.id, text=text or "-", ms=round(spent, 2))

    return ask


def _repaired(wanted: Wanted) -> Batched:
    """As `fervlm caption` with a detector's evidence: what the check finds wrong is asked for once more."""

    def ask(items: Sequence[Item]) -> Iterator[Answer]:
        from fervlm.mllm.form import caption_form  # noqa: PLC0415
        from fervlm.predict.checked import checked_answers  # noqa: PLC0415

        manifest = wanted.loaded.manifest
        form = caption_form(_words(wanted), details=manifest.answer_form == "full")
        records = [item.record for item in items if item.record is not None]
        named, labels = ["the set's evidence"] * len(items), label_set_from_words(wanted.labels)
        turns, pictures = _turns(wanted, items, None), _pictures(items)
        for item, one in zip(
            items, checked_answers(wanted.loaded, turns, pictures, records, named, labels, form), strict=True
        ):
            yield Answer(id=item.id, text=one.text or "-")

    return ask


def _turns(
    wanted: Wanted, items: Sequence[Item], direct: Callable[[], dict[str, Answer]] | None
) -> list[list[Message]]:
    from fervlm.mllm.decide import caption_turns  # noqa: PLC0415

    if direct is None:
        return [caption_turns(wanted.labels, "direct", "")] * len(items)
    known = direct()
    return [caption_turns(wanted.labels, "label_first", known[item.id].label or "") for item in items]


def _words(wanted: Wanted) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*wanted.loaded.manifest.labels, *wanted.labels)))


def _pictures(items: Sequence[Item]) -> list[Image.Image]:
    from PIL import Image  # noqa: PLC0415

    return [Image.open(io.BytesIO(item.data or b"")).convert("RGB") for item in items]
