"""The pictures of the parity test: the packaged photograph's face and two faces that are drawn here."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

from PIL import Image

from fervlm.examples import photograph, recording
from fervlm.predict.rules import explain
from fervlm.prompts import prompt
from fervlm.readers import read
from fervlm.reasoning.answers import render
from fervlm.records import AURecord
from fervlm.serve.shown import face_png
from fervlm.vision.card import prediction_svg
from fervlm.vision.raster import png

ROWS = (54, 25)
"""Of the packaged recording: a smile, and raised brows."""
_DRAWN = (232, 76, 448, 292)
"""The face inside the drawing, in its pixels."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A picture, a question and the answer that is forced."""

    png: bytes
    question: str
    answer: str


@cache
def probes(side: int) -> tuple[Probe, ...]:
    """Three of them, `side` pixels square."""
    records = list(read(recording()))
    chosen = [records[ROWS[0]], records[ROWS[0]], records[ROWS[1]]]
    pictures = [face_png(photograph().read_bytes(), None, side), *(_drawn(records[row], side) for row in ROWS)]
    asked = prompt("mllm_caption").text
    return tuple(Probe(p, asked, _answer(r)) for p, r in zip(pictures, chosen, strict=True))


def _answer(record: AURecord) -> str:
    caption = explain(record).caption
    assert caption is not None
    return render(caption, details=False).strip()


def _drawn(record: AURecord, side: int) -> bytes:
    svg = prediction_svg(explain(record))
    with Image.open(io.BytesIO(png(svg))) as whole:
        buffer = io.BytesIO()
        whole.convert("RGB").crop(_DRAWN).resize((side, side), Image.Resampling.BOX).save(buffer, "PNG")
    return buffer.getvalue()
