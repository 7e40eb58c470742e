"""`fervlm search`: the nearest faces first, and words nobody taught the model."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fervlm.predict.load import load
from fervlm.predict.search import Query, nearest
from fervlm.predict.unit_record import FacePlace

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    for seed in range(6):
        pixels = np.random.default_rng(seed).integers(0, 256, (64, 64), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{seed}.png")
    return tmp_path


def test_ranks_by_similarity_to_the_text(fervlm: Run, nano_folder: Path, faces: Path) -> None:
    options = ("--model", nano_folder, "--face-is-crop", "--top", 4, "--format", "jsonl")
    code, out, err = fervlm("search", faces, "--query", "Brows raised", *options)
    assert (code, err) == (0, "")
    hits = [json.loads(line) for line in out.splitlines()]
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4]
    reader = load(nano_folder)
    text = reader.model.texts(["brows raised"])[0]
    cut = [reader.cut(path, face_is_crop=True) for path in sorted(faces.glob("*.png"))]
    truth = sorted((-float(feature @ text), place.file) for place, feature in reader.embed(cut))
    assert [hit["file"] for hit in hits] == [file for _, file in truth[:4]]
    assert hits[0]["similarity"] == pytest.approx(-truth[0][0], abs=1e-3)
    rows = list(
        csv.DictReader(io.StringIO(fervlm("search", faces, "--query", "brows raised", *options[:-1], "csv")[1]))
    )
    assert [row["file"] for row in rows] == [hit["file"] for hit in hits]


def test_other_words_for_a_movement_are_understood_and_told(fervlm: Run, nano_folder: Path, faces: Path) -> None:
    code, _, err = fervlm("search", faces, "--query", "eyebrows hoisted", "--model", nano_folder, "--face-is-crop")
    assert code == 0
    assert "'hoisted'" in err and "brows are raised" in err


@pytest.mark.parametrize(
    ("query", "sentence"), [("  ", "empty"), ("a red car", "does not know"), ("怒り", "does not know")]
)
def test_a_query_that_says_nothing_is_a_sentence(
    fervlm: Run, nano_folder: Path, faces: Path, query: str, sentence: str
) -> None:
    code, out, err = fervlm("search", faces, "--query", query, "--model", nano_folder, "--face-is-crop")
    assert (code, out) == (2, "")
    assert sentence in err


def test_nearest_keeps_the_best_in_order_with_ties_as_given() -> None:
    query = Query(np.array([1.0, 0.0], np.float32), ())
    values = [0.1, 0.9, 0.5, 0.9, 0.2, 0.5]
    faces = [(FacePlace(str(k), None, None), np.array([v, 0], np.float32)) for k, v in enumerate(values)]
    hits, count = nearest(iter(faces), query, 3)
    assert count == 6
    assert [hit.place.id for hit in hits] == ["1", "3", "2"]
    assert [hit.place.id for hit in nearest(faces, query, 50)[0]] == ["1", "3", "2", "5", "4", "0"]
