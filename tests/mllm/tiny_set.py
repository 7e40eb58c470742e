"""A set in the data engine's layout, made of a few drawn faces and true captions."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from fervlm.predict.rules import explain
from fervlm.reasoning.answers import render
from fervlm.records import AUReading, AURecord, Detector, Source

SHOWN = {"happiness": (6, 12, 25), "anger": (4, 7, 23), "surprise": (1, 2, 26), "neutral": ()}
_MEASURED = (1, 2, 4, 5, 6, 7, 9, 12, 15, 23, 25, 26)


def record(name: str, label: str) -> AURecord:
    """Evidence with the units of a label present."""
    readings = tuple(
        AUReading(au=au, state="present" if au in SHOWN[label] else "absent", value=None, scale="presence")
        for au in _MEASURED
    )
    return AURecord(id=name, source=Source(file=name), detector=Detector(name="test", trust="high"), readings=readings)


def picture(label: str, seed: int, side: int = 48) -> bytes:
    """A pattern that goes with the label, and some noise."""
    place = list(SHOWN).index(label)
    pixels = np.random.default_rng(seed).integers(0, 60, (side, side, 3), np.uint8)
    pixels[place * side // 4 : (place + 1) * side // 4] += 160
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def write_set(folder: Path, train: int = 24, val: int = 8) -> Path:
    """Write the Parquet files of a set with so many faces a split."""
    for split, count, seed in (("train", train, 0), ("validation", val, 1000)):
        faces, chats = [], []
        for k in range(count):
            label = list(SHOWN)[k % len(SHOWN)]
            name = f"{split}_{k:03}.png"
            evidence = record(name, label)
            faces.append(
                {
                    "id": name,
                    "image": {"bytes": picture(label, seed + k), "path": name},
                    "label": label,
                    "negatives": [{"text": f"Nothing of it moves ({k}).", "of": "overview", "edit": "negated"}],
                    "sample": json.dumps({"evidence": json.loads(evidence.model_dump_json())}),
                }
            )
            chats += _chats(name, label, evidence, k)
        for part, rows in (("data", faces), ("chat", chats)):
            (folder / part).mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(rows), folder / part / f"{split}-00000-of-00001.parquet")
    return folder


def _listed(units: tuple[int, ...]) -> str:
    return ", ".join(f"AU{au}" for au in units) + " are present." if units else "None is present."


def _chats(name: str, label: str, evidence: AURecord, seed: int) -> list[dict[str, Any]]:
    caption = explain(evidence, seed=seed).caption
    assert caption is not None
    told = " ".join((caption.overview, *(seen.text for seen in caption.observations)))
    other = random.Random(seed).choice([4, 12])
    pairs = [
        ("label", "blind", "Which of these?", caption.conclusion.label or "none"),
        ("label", "anchored", "Which of these?", label),
        ("caption", "blind", "Describe and explain it.", render(caption, provenance=False)),
        ("observe_only", "blind", "Describe only the movements.", told),
        ("units", "blind", "Which action units does the face show?", _listed(SHOWN[label])),
        ("unit", "blind", f"Is AU{other} present?", "Yes." if other in SHOWN[label] else "No."),
    ]
    return [
        {
            "id": name,
            "image": name,
            "kind": kind,
            "view": view,
            "messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}],
        }
        for kind, view, q, a in pairs
    ]
