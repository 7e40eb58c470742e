"""Pairs for DPO: a true caption, and the same one made false by a minimal edit of the data engine."""

from __future__ import annotations

import random
from dataclasses import dataclass

from fervlm.errors import FervlmError
from fervlm.mllm.talks import Talks
from fervlm.reasoning.answers import parse, render
from fervlm.records import Caption


@dataclass(frozen=True, slots=True)
class Pair:
    """Two captions of a face."""

    face: int
    chosen: str
    rejected: str


def caption_pairs(talks: Talks, seed: int, *, details: bool) -> list[Pair]:
    """One pair for each face that has a caption and a false text of its overview or of an observation.

    Raises:
        FervlmError: no face has both.
    """
    found = []
    for face in range(len(talks)):
        text = next(
            (t.messages[-1]["content"] for t in talks.talks(face) if (t.kind, t.view) == ("caption", "blind")), None
        )
        edits = [edit for edit in talks.negatives(face) if edit[1] == "overview" or edit[1].startswith("region:")]
        if text is None or not edits:
            continue
        caption = parse(text)
        wrong = edited(caption, *random.Random(f"{seed}/{face}").choice(edits))
        shown = [render(c, details=details, provenance=False).strip() for c in (caption, wrong)]
        found.append(Pair(face, *shown))
    if not found:
        raise FervlmError("no face of the set has a caption and a text made false", hint="Make the set with negatives.")
    return found


def edited(caption: Caption, text: str, of: str) -> Caption:
    """The caption with one of its texts (`overview`, `region:2`) replaced."""
    if of == "overview":
        return caption.model_copy(update={"overview": text})
    place = int(of.partition(":")[2])
    told = list(caption.observations)
    told[place] = told[place].model_copy(update={"text": text})
    return caption.model_copy(update={"observations": tuple(told)})
