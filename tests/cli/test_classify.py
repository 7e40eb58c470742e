"""`fervlm classify`: words in, one line a face; what cannot be read or scored is a sentence."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fervlm.records import Prediction

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """A folder with three pictures to be taken as faces already cut out."""
    folder = tmp_path / "faces"
    folder.mkdir()
    for seed, name in enumerate(("a.png", "b.jpg", "c.bmp")):
        pixels = np.random.default_rng(seed).integers(0, 256, (64, 64), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


@pytest.fixture
def classify(fervlm: Run, nano_folder: Path) -> Run:
    return lambda *rest: fervlm("classify", "--model", nano_folder, "--face-is-crop", *rest)


def test_a_line_a_face_and_a_note_for_words_that_go_through_the_tables(classify: Run, faces: Path) -> None:
    code, out, err = classify(faces, "--labels", "happy,delighted,sceptical")
    assert code == 0
    assert [Path(line.split(":")[0]).name for line in out.splitlines()] == ["a.png", "b.jpg", "c.bmp"]
    assert "'delighted'" in err and "happiness" in err
    assert "'sceptical' is not scored" in err
    assert "sceptical" not in out


def test_a_described_word_is_scored(classify: Run, faces: Path) -> None:
    labels = ("--labels", "happy,sceptical", "--describe", "sceptical=one brow raised, lips pressed")
    code, out, err = classify(faces, *labels, "--format", "jsonl")
    assert (code, err) == (0, "")
    for line in out.splitlines():
        prediction = Prediction.model_validate_json(line)
        assert prediction.probabilities is not None and set(prediction.probabilities) == {"happy", "sceptical"}


def test_csv_has_a_column_a_label_that_sums_to_one(classify: Run, faces: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert classify(faces, "--label-set", "basic7", "--format", "csv", "--out", out)[0] == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert len(rows) == 3
    for row in rows:
        shares = {key[2:-1]: float(value) for key, value in row.items() if key.startswith("p(")}
        assert len(shares) == 7
        assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
        assert row["label"] == max(shares.items(), key=lambda pair: pair[1])[0]


@pytest.mark.parametrize(
    "extra", [["--prompts", "units"], ["--prompts", "all"], ["--averaging", "logits"], ["--mirror"]]
)
def test_options_change_the_numbers(classify: Run, faces: Path, extra: list[str]) -> None:
    plain = classify(faces / "a.png", "--format", "jsonl")[1]
    code, other, _ = classify(faces / "a.png", "--format", "jsonl", *extra)
    assert code == 0
    assert json.loads(plain)["probabilities"] != json.loads(other)["probabilities"]


def test_unknown_adds_a_score(classify: Run, faces: Path) -> None:
    code, out, _ = classify(faces / "a.png", "--unknown", "--format", "jsonl")
    assert code == 0
    assert json.loads(out)["unknown_score"] is not None


def test_bad_pictures_are_listed_at_the_end_and_the_rest_goes_on(classify: Run, faces: Path) -> None:
    (faces / "broken.jpg").write_bytes((faces / "b.jpg").read_bytes()[:200])
    (faces / "text.png").write_text("not a picture", encoding="utf-8")
    Image.new("L", (1, 1)).save(faces / "tiny.png")
    code, out, err = classify(faces)
    assert code == 1
    assert len(out.splitlines()) == 3
    for name in ("broken.jpg", "text.png", "tiny.png"):
        assert name in err
    assert "Traceback" not in err


def test_a_picture_with_another_ending_is_taken(classify: Run, faces: Path, tmp_path: Path) -> None:
    other = tmp_path / "face.dat"
    other.write_bytes((faces / "a.png").read_bytes())
    assert classify(other)[0] == 0


def test_a_wall_has_no_face(fervlm: Run, nano_folder: Path, tmp_path: Path) -> None:
    wall = tmp_path / "wall.png"
    Image.new("L", (200, 160), 127).save(wall)
    code, out, err = fervlm("classify", "--model", nano_folder, wall)
    assert (code, out) == (2, "")
    assert "no face was found" in err and "--face-is-crop" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--labels", ""], "empty"),
        (["--labels", "happy,,sad"], "blank"),
        (["--labels", "happy,happy"], "twice"),
        (["--labels", ",".join(f"w{i}" for i in range(10_000))], "10,000 labels"),
        (["--labels", "счастье,怒り"], "knows none"),
        (["--labels", "happy", "--label-set", "basic7"], "cannot both"),
        (["--label-set", "nothing"], "no label set"),
        (["--labels", "happy", "--describe", "sad"], "no description"),
        (["--labels", "happy", "--describe", "sad=lips pressed"], "none of the labels"),
        (["--finder", "mediapipe"], "needs its model file"),
        (["--model", "nowhere"], "no such checkpoint"),
    ],
)
def test_mistakes_are_one_sentence(classify: Run, faces: Path, arguments: list[str], sentence: str) -> None:
    code, out, err = classify(faces, *arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1
